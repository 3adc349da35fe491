/** What an instance has, and what is asked of it. Sizes in bytes. */
export interface Machine {
  /** Memory limit of the PostgreSQL container. */
  readonly memory: number;
  readonly cores: number;
  /** Size of the volume for the write-ahead log. */
  readonly walVolume: number;
  readonly storageKind: StorageKind;
  readonly maxConnections: number;
  readonly superuserReserved: number;
  /**
   * Longest loss of data that is accepted, in minutes; none without an archive.
   * @default - the log is archived when a segment is full
   */
  readonly recoveryPointMinutes?: number;
}

/** What volumes are made of. */
export type StorageKind = 'ssd' | 'hdd';

/** How the memory of an instance is shared out, in bytes; `total` is the most that can be used. */
export interface MemoryPlan {
  readonly sharedBuffers: number;
  readonly walBuffers: number;
  readonly workMem: number;
  readonly maintenanceWorkMem: number;
  readonly autovacuumWorkMem: number;
  readonly total: number;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** The instance manager beside PostgreSQL in the same container, and PostgreSQL's own processes at rest: 81 to 94 MiB seen. */
const RESIDENT = 128 * MIB;

/** One connection's own memory with the catalogue of a hundred partitions in its cache. */
const PER_BACKEND = 4 * MIB;

/** A plan holds two of work_mem on average of the worst: a sort and a hash, the latter by hash_mem_multiplier. */
const HASH_MEM_MULTIPLIER = 2;
const WORK_MEM_PER_PROCESS = 1 + HASH_MEM_MULTIPLIER;

/** PostgreSQL's default. */
const AUTOVACUUM_WORKERS = 3;

/** Below this every sort goes to disk; PostgreSQL's own default is 4 MiB, its minimum 64 KiB. */
const MIN_WORK_MEM = MIB;
const MAX_WORK_MEM = 64 * MIB;

const between = (low: number, value: number, high: number): number => Math.min(Math.max(value, low), high);
const floorTo = (unit: number, value: number): number => Math.floor(value / unit) * unit;

function workers(cores: number): { all: number; perQuery: number } {
  const all = Math.max(Math.floor(cores), 1);
  return { all, perQuery: Math.min(Math.floor(all / 2), 4) };
}

/** What of a machine decides on its memory. */
type MemoryDemand = Pick<Machine, 'memory' | 'cores' | 'maxConnections'>;

/**
 * Shares out the memory of an instance so that it cannot be exceeded: every connection sorting and hashing at once, every
 * parallel and every autovacuum worker busy, an index being built.
 * @throws Error where a connection would get less than 1 MiB to work with
 */
export function memoryPlan(demand: MemoryDemand): MemoryPlan {
  const plan = share(demand);
  if (plan.workMem >= MIN_WORK_MEM) return plan;
  const { memory, maxConnections } = demand;
  let enough = memory;
  while (share({ ...demand, memory: enough }).workMem < MIN_WORK_MEM) enough += 64 * MIB;
  const [given, wanted] = [memory, enough].map((bytes) => `${Math.ceil(bytes / MIB)}Mi`);
  throw new Error(
    `memory of ${given} leaves less than 1 MiB of work_mem to each of ${maxConnections} connections; give ${wanted}, or fewer cores or poolers`,
  );
}

function share({ memory, cores, maxConnections }: MemoryDemand): MemoryPlan {
  // A quarter: docs/current/runtime-config-resource.html, "a reasonable starting value", and the operator's own advice.
  const sharedBuffers = floorTo(MIB, memory / 4);
  // PostgreSQL's own choice, 1/32 of shared_buffers up to a segment: here only for the sum.
  const walBuffers = between(64 * KIB, floorTo(8 * KIB, sharedBuffers / 32), 16 * MIB);
  const maintenanceWorkMem = between(16 * MIB, floorTo(MIB, memory / 20), GIB);
  const autovacuumWorkMem = floorTo(MIB, maintenanceWorkMem / 2);
  const fixed =
    // Lock tables and other shared structures grow with the connections: 5 % covers what was seen.
    sharedBuffers * 1.05 +
    walBuffers +
    RESIDENT +
    maintenanceWorkMem +
    AUTOVACUUM_WORKERS * autovacuumWorkMem;
  const processes = maxConnections + workers(cores).all;
  const perProcess = (memory - fixed) / processes - PER_BACKEND;
  const workMem = Math.min(floorTo(64 * KIB, perProcess / WORK_MEM_PER_PROCESS), MAX_WORK_MEM);
  const total = fixed + processes * (PER_BACKEND + WORK_MEM_PER_PROCESS * workMem);
  return { sharedBuffers, walBuffers, workMem, maintenanceWorkMem, autovacuumWorkMem, total };
}

/** postgresql.conf for an instance; what the operator sets by itself and sets right is not repeated. */
export function parameters(machine: Machine): Record<string, string> {
  const { memory, walVolume, storageKind, maxConnections, superuserReserved, recoveryPointMinutes } = machine;
  const plan = memoryPlan(machine);
  const { all, perQuery } = workers(machine.cores);
  // What the volume has to hold at its worst: the log between checkpoints, what a standby that is away still needs, and
  // what waits for the archive. 1/4 + 1/2 + 1/16 of it leave the archive a day or two to be repaired.
  const maxWal = between(64 * MIB, floorTo(16 * MIB, walVolume / 4), 8 * GIB);
  const sizes = {
    shared_buffers: plan.sharedBuffers,
    work_mem: plan.workMem,
    maintenance_work_mem: plan.maintenanceWorkMem,
    autovacuum_work_mem: plan.autovacuumWorkMem,
    wal_buffers: plan.walBuffers,
    // Costs nothing: tells the planner what the kernel's cache holds beside shared_buffers. Half to three quarters.
    effective_cache_size: floorTo(MIB, memory * 0.75),
    // 8 GiB are replayed in some five minutes after a crash; more would cost the recovery time.
    max_wal_size: maxWal,
    min_wal_size: Math.max(floorTo(16 * MIB, maxWal / 4), 32 * MIB),
    max_slot_wal_keep_size: floorTo(16 * MIB, walVolume / 2),
    // The operator keeps 512 MiB in any case; the slots of the standbys make that a second net.
    wal_keep_size: Math.min(floorTo(16 * MIB, walVolume / 16), 512 * MIB),
  };
  return {
    ...Object.fromEntries(Object.entries(sizes).map(([name, bytes]) => [name, size(bytes)])),
    max_connections: String(maxConnections),
    superuser_reserved_connections: String(superuserReserved),
    hash_mem_multiplier: String(HASH_MEM_MULTIPLIER),
    autovacuum_max_workers: String(AUTOVACUUM_WORKERS),
    max_parallel_workers: String(all),
    max_parallel_workers_per_gather: String(perQuery),
    max_parallel_maintenance_workers: String(perQuery),
    // Eight more for what is no parallel query (logical replication, extensions); the operator's 32 are for big machines.
    max_worker_processes: String(all + 8),
    // A query over all days locks a hundred partitions and their seven indexes; the default of 64 would do for twelve
    // such queries at once, and the thirteenth fails with "out of shared memory".
    max_locks_per_transaction: '256',
    // Huge pages that a pod may not use kill PostgreSQL at start (SIGBUS).
    huge_pages: 'off',
    // Statements here are short: compiling them takes longer than running them.
    jit: 'off',

    // A new standby waits for a checkpoint, paced over this part of checkpoint_timeout: the default of 5 min stays.
    checkpoint_completion_target: '0.9',
    // Nothing replicates logically; 'logical', the operator's default, writes more.
    wal_level: 'replica',
    wal_compression: 'lz4',
    // A third of the accepted loss: the segment has to be uploaded, and one upload may fail.
    ...(recoveryPointMinutes === undefined
      ? {}
      : { archive_timeout: `${Math.max(Math.round((recoveryPointMinutes * 60) / 3), 60)}s` }),

    // runtime-config-query.html: 4.0 assumes that a random read costs four sequential ones, which only disks do.
    ...(storageKind === 'ssd'
      ? { random_page_cost: '1.1', effective_io_concurrency: '200', maintenance_io_concurrency: '100' }
      : { random_page_cost: '4', effective_io_concurrency: '2', maintenance_io_concurrency: '10' }),

    default_toast_compression: 'lz4',
    // A client that stopped in the middle of a transaction holds locks, and keeps vacuum from cleaning.
    idle_in_transaction_session_timeout: '60s',
    // Connections to a client that is gone without a word are noticed in 90 s.
    tcp_keepalives_idle: '60',
    tcp_keepalives_interval: '10',
    tcp_keepalives_count: '3',

    log_min_duration_statement: '1s',
    log_lock_waits: 'on',
    log_temp_files: '10MB',
    log_autovacuum_min_duration: '10s',
    log_statement: 'ddl',
    // Values of parameters are the application's data: not for logs.
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    'pg_stat_statements.max': '5000',
    'pg_stat_statements.track': 'top',
  };
}

/** Bytes as PostgreSQL writes them: whole megabytes where it comes out even. */
function size(bytes: number): string {
  return bytes % MIB === 0 ? `${bytes / MIB}MB` : `${bytes / KIB}kB`;
}
