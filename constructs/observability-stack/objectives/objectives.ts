import { BRIDGE } from '../../bridge-with-fuse/settings';

/** What Lighthouse's own rules promise: bounds of its answers in seconds, the share of requests that may fail, of time it may be away. */
export const PROMISED = {
  p95Seconds: 0.1,
  p99Seconds: 0.3,
  appendSeconds: 0.01,
  errorShare: 0.001,
  awayShare: 0.001,
} as const;

/** What is promised of Lighthouse, over all its users. */
export interface Objective {
  readonly title: string;
  /** The share that must be good, 0 to 1; the rest is the error budget. */
  readonly target: number;
  /** PromQL for the share that was bad in a window such as `1h`; nothing where nothing was asked for. */
  readonly errors: (window: string) => string;
  /**
   * PromQL for how many requests a window had. Where few of them were bad, no share says anything.
   * @default - what is counted is no requests
   */
  readonly requests?: (window: string) => string;
  /**
   * Whether its burning wakes a person, and does not only tell one.
   * @default true
   */
  readonly pages?: boolean;
}

/** The spans of requests that Lighthouse answered: those of its server, counted before any is left out. */
const SERVER = `service_name="${BRIDGE.service}", span_kind="SPAN_KIND_SERVER"`;

/** Requests that were answered later than a bound, which must be one of the buckets the collector counts in. */
function slower(route: string, seconds: number): Pick<Objective, 'errors' | 'requests'> {
  const spans = `${SERVER}, span_name="${route}"`;
  // Prometheus 3 writes the bound as 100.0, earlier ones as 100.
  const fast = `${spans}, le=~"${seconds * 1000}(\\\\.0)?"`;
  const all = `traces_span_metrics_duration_milliseconds_count{${spans}}`;
  return {
    errors: (window) =>
      `1 - sum(rate(traces_span_metrics_duration_milliseconds_bucket{${fast}}[${window}]))` +
      ` / sum(rate(${all}[${window}]))`,
    requests: (window) => `sum(increase(${all}[${window}]))`,
  };
}

/** Requests that ended in an error of the server (a status of 500 or more); those of probes are no requests of anybody. */
function failed(): Pick<Objective, 'errors' | 'requests'> {
  const spans = (more = '') =>
    `traces_span_metrics_calls_total{${SERVER}, span_name!~"GET /(health|status)"${more}}`;
  return {
    errors: (window) =>
      `(sum(rate(${spans(', status_code="STATUS_CODE_ERROR"')}[${window}])) or vector(0))` +
      ` / sum(rate(${spans()}[${window}]))`,
    requests: (window) => `sum(increase(${spans()}[${window}]))`,
  };
}

/** Objectives of Lighthouse's own, by name. A percentile under a bound is a share of requests under it. */
export const OBJECTIVES = {
  availability: {
    title: 'Available',
    target: 1 - PROMISED.awayShare,
    errors: (window) =>
      `1 - avg(avg_over_time(lighthouse:service_healthy{service="${BRIDGE.service}"}[${window}]))`,
  },
  errors: { title: 'Without errors', target: 1 - PROMISED.errorShare, ...failed() },
  'validation-p95': {
    title: 'Validations fast (95 %)',
    target: 0.95,
    ...slower('POST /validate', PROMISED.p95Seconds),
  },
  'validation-p99': {
    title: 'Validations fast (99 %)',
    target: 0.99,
    ...slower('POST /validate', PROMISED.p99Seconds),
  },
  // Promised of the append alone, measured over the whole request, which is all that can be seen from outside.
  'append-p99': {
    title: 'Events stored fast (99 %)',
    target: 0.99,
    pages: false,
    ...slower('POST /event/store', PROMISED.appendSeconds),
  },
} as const satisfies Readonly<Record<string, Objective>>;

/**
 * Burning at which somebody is told, by the longer of two windows: a fiftieth of a month's budget in an hour or a twentieth
 * in six wakes a person, a tenth in a day or in three is a ticket (Site Reliability Workbook, chapter 5).
 */
export const BURNS = { '1h': 14.4, '6h': 6, '1d': 3, '3d': 1 } as const;

/** Requests that must have been bad in the longer window: one of the five that a quiet night has wakes nobody. */
export const LEAST_BAD = 10;

/** Windows in which burning is looked at: four pairs of the Site Reliability Workbook, chapter 5. */
export const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
