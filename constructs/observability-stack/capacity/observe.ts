import type { ObservabilityStack } from '..';
import { formatBytes } from '../../platform/quantity';

export interface Capacity {
  /** Bytes that the platform may use. */
  readonly memory: number;
  readonly cores: number;
  /** Connections that PostgreSQL may have. */
  readonly connections: number;
  /** Bytes of the volume of one database instance. */
  readonly storage: number;
}

/** The part of a volume of the event store that data may fill; the rest is for what is rewritten. */
const FILL = 0.8;

/** Tells a week, or 30 days, before a budget is reached. */
export function observeCapacity(
  stack: ObservabilityStack,
  { memory, cores, connections, storage }: Capacity,
): void {
  const store = storage * FILL;
  stack.alerts('capacity', __dirname, {
    MEMORY_BYTES: memory,
    MEMORY: formatBytes(memory),
    CORES: cores,
    CONNECTIONS: connections,
    STORE_BYTES: Math.round(store),
    STORE: formatBytes(store),
  });
}
