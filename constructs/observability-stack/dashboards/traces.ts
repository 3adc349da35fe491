import { dashboard, labelValues, row } from './dashboard';
import type { Dashboard } from './model';
import { above, found, graph, NONE, see, stat, table } from './panels';
import { now, rows, series, traces } from './queries';

export interface TracesDashboardProps {
  /** Seconds that 95 of 100 validations must stay below, and 99 of 100. */
  readonly p95Seconds: number;
  readonly p99Seconds: number;
}

const THOSE = 'service_name=~"$service", span_kind="SPAN_KIND_SERVER"';
const FAILED = 'status_code="STATUS_CODE_ERROR"';

const quantile = (q: number, by: string) =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(traces_span_metrics_duration_milliseconds_bucket{${THOSE}}[$__rate_interval])))`;

/** Requests as they went through Lighthouse: the slowest, the failed, and how all of them went. */
export function tracesDashboard({ p95Seconds, p99Seconds }: TracesDashboardProps): Dashboard {
  return dashboard('traces', {
    about:
      'Requests from end to end: how many, how many failed, how slow; and the traces themselves. From a trace, “Logs” leads to what was written meanwhile.',
    to: [see('bridge'), see('logs')],
    from: 'now-1h',
    variables: [labelValues('service', 'service_name', 'traces_span_metrics_calls_total')],
    rows: [
      row('All requests', [
        stat('Requests', {
          about: 'Requests a second that were traced.',
          unit: 'reqps',
          queries: [now(`sum(rate(traces_span_metrics_calls_total{${THOSE}}[5m]))`)],
        }),
        stat('Failed', {
          about: 'Share of requests whose span ended with an error.',
          unit: 'percentunit',
          decimals: 2,
          bounds: above(0.001, 0.01),
          queries: [
            now(
              `(sum(rate(traces_span_metrics_calls_total{${THOSE}, ${FAILED}}[5m])) or vector(0)) / sum(rate(traces_span_metrics_calls_total{${THOSE}}[5m]))`,
            ),
          ],
          to: [see('objectives')],
        }),
        stat('95th percentile', {
          about: `95 of 100 requests are faster. ${p95Seconds * 1000} ms is the objective of validations.`,
          unit: 'ms',
          bounds: above(p95Seconds * 1000),
          queries: [now(quantile(0.95, 'job').replaceAll('$__rate_interval', '5m'))],
          to: [see('objectives')],
        }),
        stat('99th percentile', {
          about: `99 of 100 requests are faster. ${p99Seconds * 1000} ms is the objective of validations.`,
          unit: 'ms',
          bounds: above(p99Seconds * 1000),
          queries: [now(quantile(0.99, 'job').replaceAll('$__rate_interval', '5m'))],
          to: [see('objectives')],
        }),
      ]),
      row('By kind', [
        graph('Requests', {
          about: 'Requests a second by span. A dot is one that was kept: it opens its trace.',
          unit: 'reqps',
          stacked: true,
          queries: [
            series(
              `sum by (span_name) (rate(traces_span_metrics_calls_total{${THOSE}}[$__rate_interval]))`,
              '{{span_name}}',
            ),
          ],
        }),
        graph('Failed', {
          about: 'Failed requests a second by span. None is good.',
          unit: 'reqps',
          bounds: NONE,
          queries: [
            series(
              `sum by (span_name) (rate(traces_span_metrics_calls_total{${THOSE}, ${FAILED}}[$__rate_interval])) > 0`,
              '{{span_name}}',
            ),
          ],
        }),
        graph('95th percentile', {
          about: 'How slow the slowest twentieth is, by span. Dots open traces.',
          unit: 'ms',
          bounds: above(p95Seconds * 1000),
          queries: [series(quantile(0.95, 'span_name'), '{{span_name}}')],
        }),
      ]),
      row('Traces', [
        found('Slow requests', {
          about: `Requests that took longer than ${p99Seconds * 1000} ms, the newest first. Open one: its longest span is where the time went.`,
          queries: [traces(`{ trace:duration > ${p99Seconds * 1000}ms }`)],
        }),
        found('Failed requests', {
          about: 'Requests with a span that ended with an error, the newest first.',
          queries: [traces('{ status = error }')],
        }),
      ]),
      row('Where the time goes', [
        table('Calls to others', {
          about: 'Calls that services make, with their mean time: which dependency costs most.',
          unit: 'ms',
          queries: [
            rows(
              'sum by (service_name, span_name) (rate(traces_span_metrics_duration_milliseconds_count{service_name=~"$service", span_kind="SPAN_KIND_CLIENT"}[5m]))',
            ),
            rows(
              'sum by (service_name, span_name) (rate(traces_span_metrics_duration_milliseconds_sum{service_name=~"$service", span_kind="SPAN_KIND_CLIENT"}[5m])) / sum by (service_name, span_name) (rate(traces_span_metrics_duration_milliseconds_count{service_name=~"$service", span_kind="SPAN_KIND_CLIENT"}[5m]))',
            ),
          ],
          columns: {
            service_name: 'Service',
            span_name: 'Call',
            'Value #A': { name: 'A second', unit: 'ops' },
            'Value #B': { name: 'Mean', unit: 'ms' },
          },
        }),
      ]),
    ],
  });
}
