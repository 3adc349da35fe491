/** One step of the capacity plan: what a share of the full load needs, the platform's own services included. */
export interface Step {
  /** Part of the full load, from 0 to 1. */
  readonly share: number;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  /** Connections that clients hold open at the database. */
  readonly connections: number;
  /** Bytes of the event store. */
  readonly storage: number;
}

const GB = 1e9;

/** The plan of Lighthouse for a fleet that grows into it; between the steps one reckons in a straight line. */
export const STEPS: readonly Step[] = [
  { share: 0.05, cores: 16, memory: 64 * GB, connections: 100, storage: 500 * GB },
  { share: 0.25, cores: 40, memory: 160 * GB, connections: 250, storage: 1000 * GB },
  { share: 0.5, cores: 80, memory: 320 * GB, connections: 500, storage: 2000 * GB },
  { share: 1, cores: 160, memory: 640 * GB, connections: 1000, storage: 5000 * GB },
];

/** Events a second at the full load: the objective of Lighthouse. */
const FULL_EVENTS = 10_000;

/** A page of PostgreSQL, bytes: what one write to a volume is at least. */
const PAGE = 8192;

/**
 * Bytes that are logged for each byte that stays: the row, its index entries, and whole pages after checkpoints
 * (docs/decisions/recovery-model.md).
 */
const LOGGED = 3;

/** Days that the storage of a step is reckoned to last: the plan gives storage and events, so this is what binds them. */
const SECONDS_PER_DAY = 86_400;

/** What a load needs. */
export interface Need extends Step {
  readonly eventsPerSecond: number;
  /** Writes a second to the volumes of one database instance, data and log together. */
  readonly iops: number;
}

/**
 * What a load needs that is as large as a step and grown by a part of itself.
 * @param growth 0.25 for a quarter more than the step
 * @param retentionDays how long events are kept, over which the storage fills
 */
export function needOf(step: Step, growth: number, retentionDays: number): Need {
  const factor = 1 + growth;
  const storage = step.storage * factor;
  const bytesPerSecond = storage / (retentionDays * SECONDS_PER_DAY);
  return {
    share: step.share * factor,
    cores: Math.ceil(step.cores * factor),
    memory: step.memory * factor,
    connections: Math.ceil(step.connections * factor),
    storage,
    eventsPerSecond: FULL_EVENTS * step.share * factor,
    iops: Math.ceil((bytesPerSecond * (1 + LOGGED)) / PAGE),
  };
}
