import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { connectionBudget } from '../../constructs/postgres-cluster/connection-budget';
import { Machine, memoryPlan, parameters } from '../../constructs/postgres-cluster/tuning';

const GIB = 2 ** 30;

const demand = fc.record({
  cores: fc.double({ min: 0.1, max: 128, noNaN: true }),
  poolers: fc.integer({ min: 1, max: 10 }),
  clientConnections: fc.integer({ min: 1, max: 10_000 }),
});

/** Machines that the guard lets through. */
const machine = fc
  .record({
    demand,
    memory: fc.integer({ min: 512, max: 512 * 1024 }).map((mebibytes) => mebibytes * 2 ** 20),
    walVolume: fc.integer({ min: 1, max: 2048 }).map((gibibytes) => gibibytes * GIB),
    storageKind: fc.constantFrom('ssd' as const, 'hdd' as const),
    recoveryPointMinutes: fc.option(fc.integer({ min: 1, max: 1440 }), { nil: undefined }),
  })
  .map(({ demand: { cores, ...rest }, ...others }): Machine => {
    const { maxConnections, superuserReserved } = connectionBudget({ cores, ...rest });
    return { cores, maxConnections, superuserReserved, ...others };
  })
  .filter((one) => {
    try {
      return memoryPlan(one).total > 0;
    } catch {
      return false;
    }
  });

/** A setting in bytes. */
function bytes(setting: string | undefined): number {
  const [, digits, unit] = /^(\d+)(kB|MB)$/.exec(setting ?? '') ?? [];
  return Number(digits) * (unit === 'MB' ? 2 ** 20 : 2 ** 10);
}

describe('memory', () => {
  test('cannot be exceeded, whatever runs at once', () => {
    fc.assert(
      fc.property(machine, (one) => {
        const set = parameters(one);
        const processes = Number(set['max_connections']) + Number(set['max_parallel_workers']);
        const perProcess = bytes(set['work_mem']) * (1 + Number(set['hash_mem_multiplier']));
        const maintenance =
          bytes(set['maintenance_work_mem']) +
          Number(set['autovacuum_max_workers']) * bytes(set['autovacuum_work_mem']);
        const most =
          bytes(set['shared_buffers']) + bytes(set['wal_buffers']) + processes * perProcess + maintenance;
        expect(most).toBeLessThan(one.memory);
        expect(memoryPlan(one).total).toBeLessThanOrEqual(one.memory);
        expect(bytes(set['work_mem'])).toBeGreaterThanOrEqual(2 ** 20);
      }),
    );
  });

  test('more of it never gives less', () => {
    fc.assert(
      fc.property(machine, fc.integer({ min: 1, max: 64 }), (one, more) => {
        const before = memoryPlan(one);
        const after = memoryPlan({ ...one, memory: one.memory + more * GIB });
        expect(after.sharedBuffers).toBeGreaterThan(before.sharedBuffers);
        expect(after.workMem).toBeGreaterThanOrEqual(before.workMem);
      }),
    );
  });

  test('too little of it is refused, with an amount that is enough', () => {
    const small = { memory: 256 * 2 ** 20, cores: 4, maxConnections: 200 };
    expect(() => memoryPlan(small)).toThrow(/256Mi leaves less than 1 MiB of work_mem .* 200 connections/);
    let least = 0;
    try {
      memoryPlan(small);
    } catch (error) {
      least = Number(/give (\d+)Mi/.exec(String(error))?.[1]);
    }
    expect(memoryPlan({ ...small, memory: least * 2 ** 20 }).workMem).toBeGreaterThanOrEqual(2 ** 20);
  });
});

test('the log at its worst fits its volume', () => {
  fc.assert(
    fc.property(machine, (one) => {
      const set = parameters(one);
      const worst =
        bytes(set['max_wal_size']) + bytes(set['max_slot_wal_keep_size']) + bytes(set['wal_keep_size']);
      expect(worst).toBeLessThan(one.walVolume * 0.85);
      expect(bytes(set['min_wal_size'])).toBeLessThan(bytes(set['max_wal_size']));
    }),
  );
});

test('the limits of all roles and poolers together leave the operator its connections', () => {
  fc.assert(
    fc.property(demand, (asked) => {
      const { maxConnections, superuserReserved, poolSize, clientsPerPooler, roles } =
        connectionBudget(asked);
      const { poolers, clientConnections } = asked;
      const clients = Object.values(roles).reduce((sum, limit) => sum + limit);
      expect(clients).toBeLessThan(maxConnections - superuserReserved);
      // Each pooler pod, and one that rolls, with full pools of both users.
      expect((poolers + 1) * poolSize).toBeLessThanOrEqual(Math.min(roles.writer, roles.reader));
      expect(Math.max(poolers - 1, 1) * clientsPerPooler).toBeGreaterThanOrEqual(clientConnections);
    }),
  );
});

describe('parameters', () => {
  const base: Machine = {
    memory: 16 * GIB,
    cores: 4,
    walVolume: 100 * GIB,
    storageKind: 'ssd',
    maxConnections: 200,
    superuserReserved: 6,
  };

  test('follow memory, volume and storage', () => {
    expect(parameters(base)).toMatchObject({
      shared_buffers: '4096MB',
      effective_cache_size: '12288MB',
      max_wal_size: '8192MB',
      max_slot_wal_keep_size: '51200MB',
      max_connections: '200',
      random_page_cost: '1.1',
    });
    expect(parameters({ ...base, storageKind: 'hdd' })).toMatchObject({
      random_page_cost: '4',
      effective_io_concurrency: '2',
    });
  });

  test('archive a segment in time for the recovery point', () => {
    expect(parameters(base)).not.toHaveProperty('archive_timeout');
    expect(parameters({ ...base, recoveryPointMinutes: 15 })).toHaveProperty('archive_timeout', '300s');
    expect(parameters({ ...base, recoveryPointMinutes: 1 })).toHaveProperty('archive_timeout', '60s');
  });

  test('hold nothing that the operator reserves to itself', () => {
    // The operator's webhook refuses these, and sets these by itself.
    const reserved = ['archive_mode', 'archive_command', 'listen_addresses', 'port', 'ssl', 'ssl_ca_file'];
    expect(Object.keys(parameters(base)).filter((name) => reserved.includes(name))).toEqual([]);
  });
});
