import { logsRow, podsRow, probesRow } from '../observability-stack/dashboards/common-rows';
import { dashboard, row } from '../observability-stack/dashboards/dashboard';
import type { Dashboard } from '../observability-stack/dashboards/model';
import { above, found, graph, NONE, see, stat, timeline } from '../observability-stack/dashboards/panels';
import { now, series, traces } from '../observability-stack/dashboards/queries';

export interface BridgeDashboardProps {
  /** Objectives: seconds that 95 and 99 of 100 validations, and 99 of 100 appends, must stay below; share of errors. */
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  readonly appendSeconds: number;
  readonly errorShare: number;
  /** Size at which the live event log is rotated. */
  readonly eventLogBytes: number;
  /** Seconds within which a probe must be answered. */
  readonly latencySeconds: number;
}

const MOUNTED = {
  0: { text: 'not mounted', color: 'red' },
  1: { text: 'mounted', color: 'green' },
} as const;

const REQUESTS = 'lighthouse_bridge_requests_total';
const DURATION = 'lighthouse_bridge_request_duration_seconds_bucket';

const quantile = (q: number, route: string, window = '$__rate_interval') =>
  `histogram_quantile(${q}, sum by (le) (rate(${DURATION}{http_route="${route}"}[${window}])))`;

/**
 * Lighthouse itself. It serves no metrics: requests and their times come from OpenTelemetry’s instrumentation, errors
 * and failures of the mount from its log, by recording rules of the names its own documents use.
 */
export function bridgeDashboard(props: BridgeDashboardProps): Dashboard {
  const { p95Seconds, p99Seconds, appendSeconds, errorShare, eventLogBytes, latencySeconds } = props;
  return dashboard('bridge', {
    about:
      'Lighthouse itself: does it validate, how fast, what fails. Requests are measured from outside its code; what it counts only inside is not to be had.',
    to: [see('traces'), see('logs', { namespace: 'bridge' })],
    from: 'now-3h',
    rows: [
      row('Now', [
        stat('Requests', {
          about: 'Requests a second, all routes.',
          unit: 'reqps',
          queries: [now(`sum(rate(${REQUESTS}[5m]))`)],
        }),
        stat('Failed', {
          about: 'Share of requests that ended with 5xx, against its objective.',
          unit: 'percentunit',
          decimals: 3,
          bounds: above(errorShare),
          queries: [
            now(`(sum(rate(lighthouse_bridge_errors_total[5m])) or vector(0)) / sum(rate(${REQUESTS}[5m]))`),
          ],
          to: [see('objectives')],
        }),
        stat('Validation, 95th percentile', {
          about: `95 of 100 validations are faster; ${p95Seconds * 1000} ms is the objective.`,
          unit: 's',
          bounds: above(p95Seconds),
          queries: [now(quantile(0.95, '/validate', '5m'))],
          to: [see('objectives')],
        }),
        stat('Validation, 99th percentile', {
          about: `99 of 100 validations are faster; ${p99Seconds * 1000} ms is the objective.`,
          unit: 's',
          bounds: above(p99Seconds),
          queries: [now(quantile(0.99, '/validate', '5m'))],
          to: [see('objectives')],
        }),
        stat('Append, 99th percentile', {
          about: `99 of 100 events are stored faster; ${appendSeconds * 1000} ms is the objective.`,
          unit: 's',
          bounds: above(appendSeconds),
          queries: [now(quantile(0.99, '/event/store', '5m'))],
          to: [see('postgres')],
        }),
        stat('File system', {
          about:
            'Whether the shadow file system is mounted. Without it, agents cannot read; validations go on.',
          unit: 'none',
          states: MOUNTED,
          queries: [now('min(lighthouse_bridge_fuse_mount_status)')],
        }),
      ]),
      row('Traffic', [
        graph('Requests by route', {
          about: 'Requests a second by route.',
          unit: 'reqps',
          stacked: true,
          queries: [series(`sum by (http_route) (rate(${REQUESTS}[$__rate_interval]))`, '{{http_route}}')],
        }),
        graph('95th percentile by route', {
          about:
            'How slow the slowest twentieth is. Dots are requests that were kept: they open their trace.',
          unit: 's',
          bounds: above(p95Seconds, p99Seconds),
          queries: [
            series(
              `histogram_quantile(0.95, sum by (le, http_route) (rate(${DURATION}[$__rate_interval])))`,
              '{{http_route}}',
            ),
          ],
        }),
        graph('Failed by route', {
          about: 'Requests a second that ended with 5xx. None is good.',
          unit: 'reqps',
          bounds: NONE,
          queries: [
            series(
              'sum by (http_route) (rate(lighthouse_bridge_errors_total[$__rate_interval])) > 0',
              '{{http_route}}',
            ),
          ],
        }),
      ]),
      row('Validations', [
        graph('How long they take', {
          about: 'Half, 95 and 99 of 100 validations are faster than their line.',
          unit: 's',
          bounds: above(p95Seconds, p99Seconds),
          queries: [0.5, 0.95, 0.99].map((q) => series(quantile(q, '/validate'), `${q * 100} %`)),
          to: [see('objectives')],
        }),
        graph('Stages', {
          about:
            'Mean time of the parts of a validation, as its spans tell: from the first look to expert and store.',
          unit: 'ms',
          stacked: true,
          queries: [
            series(
              'sum by (span_name) (rate(traces_span_metrics_duration_milliseconds_sum{service_name="bridge", span_kind!="SPAN_KIND_SERVER"}[$__rate_interval])) / sum by (span_name) (rate(traces_span_metrics_duration_milliseconds_count{service_name="bridge", span_kind!="SPAN_KIND_SERVER"}[$__rate_interval]))',
              '{{span_name}}',
            ),
          ],
        }),
        found('Slow validations', {
          about: `Traces of validations slower than ${p99Seconds * 1000} ms.`,
          queries: [traces(`{ span.http.route = "/validate" && trace:duration > ${p99Seconds * 1000}ms }`)],
        }),
      ]),
      row('Agents and experts', [
        graph('Sessions opened', {
          about:
            'Sessions a minute: agents that arrive. All at once is a restart: sessions live in the process.',
          unit: 'none',
          queries: [
            series(`sum(rate(${REQUESTS}{http_route="/session/create"}[$__rate_interval])) * 60`, 'opened'),
          ],
        }),
        graph('Experts', {
          about: 'Experts that registered and tasks given to them, a minute.',
          unit: 'none',
          queries: [
            series(
              `sum(rate(${REQUESTS}{http_route="/expert/register"}[$__rate_interval])) * 60`,
              'registered',
            ),
            series(
              `sum(rate(${REQUESTS}{http_route="/expert/delegate"}[$__rate_interval])) * 60`,
              'given a task',
            ),
          ],
          to: [see('business')],
        }),
      ]),
      row('Events', [
        graph('Stored and read', {
          about: 'Events stored and queries of them, a second.',
          unit: 'reqps',
          queries: [
            series(`sum(rate(${REQUESTS}{http_route="/event/store"}[$__rate_interval]))`, 'stored'),
            series(`sum(rate(${REQUESTS}{http_route="/event/query"}[$__rate_interval]))`, 'queries'),
          ],
          to: [see('postgres')],
        }),
        graph('Event log until its rotation', {
          about:
            'What lies on the volume of events; the live log is most of it. At the line it is rotated, and the next rotation overwrites what this one kept: back it up before.',
          unit: 'bytes',
          bounds: { side: 'above', critical: eventLogBytes },
          queries: [
            series(
              'max by (persistentvolumeclaim) (kubelet_volume_stats_used_bytes{namespace="bridge"})',
              '{{persistentvolumeclaim}}',
            ),
          ],
          to: [see('recovery')],
        }),
        timeline('File system mounted', {
          about: 'The mount over time.',
          unit: 'none',
          states: MOUNTED,
          queries: [series('min(lighthouse_bridge_fuse_mount_status)', 'mount')],
        }),
      ]),
      row('Errors in its log', [
        graph('Errors', {
          about: 'Lines of level error a second, and failures of the file system among them. None is good.',
          unit: 'cps',
          bounds: NONE,
          queries: [
            series('sum(rate(lighthouse_bridge_log_errors_total[$__rate_interval]))', 'errors'),
            series('sum(rate(lighthouse_bridge_fuse_failures_total[$__rate_interval]))', 'file system'),
          ],
        }),
      ]),
      probesRow('bridge', latencySeconds),
      podsRow({ namespace: 'bridge', pods: '.+', claims: '.+' }),
      logsRow('bridge', '.+', 'bridgeLogs'),
    ],
  });
}
