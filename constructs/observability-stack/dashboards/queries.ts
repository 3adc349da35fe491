import type { Query, Source } from './model';

/** Where dashboards ask. The uids are those of `grafana/datasources.yaml`. */
export const SOURCES = {
  metrics: { type: 'prometheus', uid: 'prometheus' },
  /** Logs of everything but Lighthouse itself, which is a tenant of its own. */
  logs: { type: 'loki', uid: 'loki' },
  bridgeLogs: { type: 'loki', uid: 'loki-bridge' },
  traces: { type: 'tempo', uid: 'tempo' },
} as const satisfies Readonly<Record<string, Source>>;

/** PromQL over the chosen time, with exemplars where the series has some. Without a legend, all labels are shown. */
export function series(expr: string, legend = ''): Query {
  return {
    datasource: SOURCES.metrics,
    expr,
    range: true,
    exemplar: /_bucket\b/.test(expr),
    ...(legend === '' ? {} : { legendFormat: legend }),
  };
}

/** PromQL at the end of the chosen time. */
export function now(expr: string, legend = ''): Query {
  return {
    datasource: SOURCES.metrics,
    expr,
    instant: true,
    range: false,
    ...(legend === '' ? {} : { legendFormat: legend }),
  };
}

/** PromQL at the end of the chosen time, a row per series and a column per label. */
export function rows(expr: string): Query {
  return { datasource: SOURCES.metrics, expr, instant: true, range: false, format: 'table' };
}

/** LogQL: log lines, or counts of them over the chosen time. */
export function logs(expr: string, legend = '', source: Source = SOURCES.logs): Query {
  return {
    datasource: source,
    expr,
    queryType: 'range',
    ...(legend === '' ? {} : { legendFormat: legend }),
  };
}

/** LogQL at the end of the chosen time: one figure per group. */
export function logsNow(expr: string, legend = '', source: Source = SOURCES.logs): Query {
  return { ...logs(expr, legend, source), queryType: 'instant' };
}

/** TraceQL: the newest traces that match. */
export function traces(query: string, limit = 20): Query {
  return {
    datasource: SOURCES.traces,
    query,
    queryType: 'traceql',
    limit,
    tableType: 'traces',
    filters: [],
  };
}
