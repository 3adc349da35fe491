import { formatBytes, parseQuantity, shareOf } from '../platform/quantity';
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

/** What a store of logs is asked to hold. */
export interface LogLoad {
  /** Text written in a day, such as `50Gi`. */
  readonly perDay: string;
  /** Members among which it is divided, each line kept by up to three of them. */
  readonly replicas: number;
}

/** Hours after which a chunk of a stream is sent to object storage, full or not: Loki's own default. */
export const CHUNK_HOURS = 2;

/** Loki at rest, the rings, caches and one query, bytes: 148 MiB were measured with little in it. */
const LOKI_BASE = 176 * MIB;

/** Text in a chunk is packed (snappy) to about a quarter; Go's collector wants as much again. */
const CHUNK_SHARE = 1 / 2;

/** Bytes of text that one core takes in a second, index and compression beside it. */
const TEXT_PER_CORE = 8 * MIB;

/** Lines come in bursts: a start of everything writes this many times the average. */
const LOG_BURST = 20;

/** Copies of a line: three where there are members for it, so that one may be lost with what it had not sent yet. */
export function copiesOf(replicas: number): number {
  return replicas < 3 ? 1 : 3;
}

/** CPU, memory and volume of one Loki, and the rate, MiB/s, above which lines are refused. */
export function logSize({ perDay, replicas }: LogLoad): StoreSize & { readonly rateMib: number } {
  const perSecond = parseQuantity(perDay) / 86_400;
  const own = (perSecond * copiesOf(replicas)) / replicas;
  const open = own * CHUNK_HOURS * 3600;
  return {
    cpu: `${Math.ceil(50 + (own / TEXT_PER_CORE) * 1000)}m`,
    memory: formatBytes(LOKI_BASE + open * CHUNK_SHARE),
    // The log of what is not sent yet, the next one beside it while it is rewritten, and the index of the day.
    storage: formatBytes(Math.ceil((2 ** 30 + 2 * open) / 2 ** 30) * 2 ** 30),
    rateMib: Math.max(4, Math.ceil((perSecond * LOG_BURST) / MIB)),
  };
}

/** What a store of traces is asked to hold. */
export interface TraceLoad {
  readonly spansPerSecond: number;
}

/** A span with its attributes, bytes; larger ones are rare. */
export const BYTES_PER_SPAN = 512;

/** Tempo at rest with a query, bytes. Not measured: it cannot be built where this was written. */
const TEMPO_BASE = 176 * MIB;

/** Seconds of spans that Tempo holds in memory: traces it still waits for, and a block being written. */
const TEMPO_SECONDS = 1200;

/** Minutes after which Tempo begins a new block (its default), and for how many blocks its volume has room. */
export const BLOCK_MINUTES = 30;
const LOCAL_BLOCKS = 4;

/** CPU, memory and volume of a Tempo. */
export function traceSize({ spansPerSecond }: TraceLoad): StoreSize {
  const perSecond = spansPerSecond * BYTES_PER_SPAN;
  const local = perSecond * BLOCK_MINUTES * 60 * LOCAL_BLOCKS;
  return {
    cpu: `${Math.ceil(50 + spansPerSecond / 5)}m`,
    memory: formatBytes(TEMPO_BASE + perSecond * TEMPO_SECONDS),
    storage: formatBytes(Math.ceil((2 ** 30 + local) / 2 ** 30) * 2 ** 30),
  };
}

/** Seconds that a gateway keeps spans to see whether their trace is worth keeping. */
export const DECISION_SECONDS = 10;

/** A gateway at rest, its queues and the metrics of spans, bytes. */
const GATEWAY_BASE = 112 * MIB;

/** A span in a gateway's memory is several times what it is on the wire. */
const SPAN_IN_MEMORY = 4 * BYTES_PER_SPAN;

/** CPU and memory of one gateway, which holds all spans while another is being replaced. */
export function gatewaySize({ spansPerSecond }: TraceLoad): Resources {
  return {
    cpu: `${Math.ceil(20 + spansPerSecond / 10)}m`,
    memory: formatBytes(GATEWAY_BASE + spansPerSecond * 2 * DECISION_SECONDS * SPAN_IN_MEMORY),
  };
}

/** An agent's CPU and memory: it reads little by little, and what it cannot send stays in the files. */
export const AGENT_SIZE: Resources = { cpu: '20m', memory: '96Mi' };

/** What Go's heap may grow to in a container, in Go's own unit: the rest is for stacks and what is mapped. */
export function goMemory(memory: string): string {
  return `${shareOf(memory, 0.8)}B`;
}
