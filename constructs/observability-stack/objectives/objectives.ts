import { BRIDGE } from '../../bridge-with-fuse/settings';

/** What is promised of Lighthouse, over all its users. */
export interface Objective {
  /** What is counted, in words. */
  readonly about: string;
  /** The share that must be good, 0 to 1; the rest is the error budget. */
  readonly target: number;
  /** PromQL for the share that was bad in a window such as `1h`; nothing where nothing was asked for. */
  readonly errors: (window: string) => string;
}

/** The spans of requests that Lighthouse answered: those of its server, counted before any is left out. */
const SERVER = `service_name="${BRIDGE.service}", span_kind="SPAN_KIND_SERVER"`;

/** Requests that were answered later than a bound, which must be one of the buckets the collector counts in. */
function slower(route: string, milliseconds: number): Objective['errors'] {
  const spans = `${SERVER}, span_name="${route}"`;
  // Prometheus 3 writes the bound as 100.0, earlier ones as 100.
  const fast = `${spans}, le=~"${milliseconds}(\\\\.0)?"`;
  return (window) =>
    `1 - sum(rate(traces_span_metrics_duration_milliseconds_bucket{${fast}}[${window}]))` +
    ` / sum(rate(traces_span_metrics_duration_milliseconds_count{${spans}}[${window}]))`;
}

/** Requests that ended in an error of the server (a status of 500 or more); those of probes are no requests of anybody. */
function failed(window: string): string {
  const spans = `${SERVER}, span_name!~"GET /(health|status)"`;
  const rate = (more: string) => `sum(rate(traces_span_metrics_calls_total{${spans}${more}}[${window}]))`;
  return `(${rate(', status_code="STATUS_CODE_ERROR"')} or vector(0)) / ${rate('')}`;
}

/** Objectives of Lighthouse's own, by name. A percentile under a bound is a share of requests under it. */
export const OBJECTIVES = {
  'validation-p95': {
    about: 'validations answered within 100 ms',
    target: 0.95,
    errors: slower('POST /validate', 100),
  },
  'validation-p99': {
    about: 'validations answered within 300 ms',
    target: 0.99,
    errors: slower('POST /validate', 300),
  },
  'append-p99': {
    about: 'events stored within 10 ms, as whoever stores them sees it',
    target: 0.99,
    errors: slower('POST /event/store', 10),
  },
  availability: {
    about: 'time in which Lighthouse answers its probes',
    target: 0.999,
    errors: (window) =>
      `1 - avg(avg_over_time(lighthouse:service_healthy{service="${BRIDGE.service}"}[${window}]))`,
  },
  errors: {
    about: 'requests answered without an error of the server',
    target: 0.999,
    errors: failed,
  },
} as const satisfies Readonly<Record<string, Objective>>;

/** Windows in which burning is looked at: four pairs of the Site Reliability Workbook, chapter 5. */
export const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
