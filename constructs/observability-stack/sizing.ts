import { formatBytes } from '../platform/quantity';
import type { Resources } from '../platform/pod';

/** What a store of metrics is asked to hold. */
export interface MetricsLoad {
  /** Time series at one moment. */
  readonly series: number;
  /** Seconds between two scrapes. */
  readonly intervalSeconds: number;
  readonly retentionDays: number;
}

/** What a store is given. */
export interface StoreSize extends Resources {
  /** Volume, as a Kubernetes quantity. */
  readonly storage: string;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/**
 * Memory of one series in the head block, bytes: labels, index and the open chunk, churn and the queries that pass over it.
 * Measured on 3.x between 4 and 8 KiB; the larger figure leaves room for a compaction.
 */
const BYTES_PER_SERIES = 8 * KIB;

/** What the program needs before it has any series, bytes. */
const BASE_MEMORY = 160 * MIB;

/** "On average, Prometheus uses only 1-2 bytes per sample" (Prometheus' documentation, "Storage"): the larger one. */
const BYTES_PER_SAMPLE = 2;

/** The part of a volume that blocks and log may fill; the documentation recommends 80 to 85 % as the size limit. */
const FILL = 0.8;

/** The write-ahead log holds up to three hours of samples that are not compacted, some 12 bytes each. */
const WAL_BYTES_PER_SAMPLE = 12;
const WAL_SECONDS = 3 * 3600;

/** Samples that one core ingests in a second, queries and rules beside it. */
const SAMPLES_PER_CORE = 50_000;

/** One server of this many series needs 16 GiB; more are split among servers. */
const SERIES_PER_SHARD = 2_000_000;

/** How many Prometheus servers share the series: one, unless there are more than one can hold. */
export function shardsFor({ series }: Pick<MetricsLoad, 'series'>): number {
  return Math.ceil(series / SERIES_PER_SHARD);
}

/** CPU, memory and volume of one Prometheus among `shards`, and the size at which it drops its oldest block. */
export function metricsSize(load: MetricsLoad): StoreSize & { readonly retentionSize: string } {
  const series = load.series / shardsFor(load);
  const perSecond = series / load.intervalSeconds;
  const blocks = perSecond * load.retentionDays * 86_400 * BYTES_PER_SAMPLE;
  const log = perSecond * WAL_SECONDS * WAL_BYTES_PER_SAMPLE;
  const volume = Math.max((blocks + log) / FILL, 2 ** 30);
  return {
    cpu: `${Math.ceil(50 + (perSecond / SAMPLES_PER_CORE) * 1000)}m`,
    memory: formatBytes(BASE_MEMORY + series * BYTES_PER_SERIES),
    storage: formatBytes(Math.ceil(volume / 2 ** 30) * 2 ** 30),
    // Prometheus writes MB where Kubernetes writes Mi, and means the same (units.Base2Bytes).
    retentionSize: `${Math.floor((volume * FILL) / MIB)}MB`,
  };
}
