import { logsRow, podsRow, probesRow } from '../observability-stack/dashboards/common-rows';
import { dashboard, row } from '../observability-stack/dashboards/dashboard';
import type { Dashboard } from '../observability-stack/dashboards/model';
import { above, below, graph, NONE, see, stat, timeline } from '../observability-stack/dashboards/panels';
import { now, series } from '../observability-stack/dashboards/queries';
import { EDGE_ALERTS } from './observe';

export interface EdgeDashboardProps {
  /** Pods of the edge. */
  readonly replicas: number;
  /** Connections at a time in one of them. */
  readonly connections: number;
  /** Requests that may wait in one of them. */
  readonly queue: number;
  /** Seconds within which a probe must be answered. */
  readonly latencySeconds: number;
}

const JOB = 'job="bridge/edge"';
const AT_WORK = { 0: { text: 'no', color: 'text' }, 1: { text: 'yes', color: 'blue' } } as const;

/** A rate of one of HAProxy's counters. */
const rate = (metric: string, labels: string, window = '$__rate_interval') =>
  `rate(haproxy_${metric}{${JOB}, ${labels}}[${window}])`;

/** The bridge's edge: whom it lets in, whom it refuses and why, and what it holds the pods behind it for. */
export function edgeDashboard({
  replicas,
  connections,
  queue,
  latencySeconds,
}: EdgeDashboardProps): Dashboard {
  const asked = (window?: string) => `sum(${rate('frontend_http_requests_total', 'proxy="edge"', window)})`;
  const failed = (window?: string) =>
    `(sum(${rate('frontend_http_responses_total', 'proxy="edge", code="5xx"', window)}) - (sum(${rate('server_http_responses_total', 'proxy=~"bridge|sockets", code="5xx"', window)}) or vector(0)))`;
  const limited = (window?: string) =>
    `(sum(${rate('backend_http_responses_total', 'proxy="limited"', window)}) or vector(0))`;
  return dashboard('edge', {
    about:
      'Where agents arrive. First: mode normal, and every pod of the edge knows a pod of Lighthouse. Then: who is refused by limits, who by the edge itself.',
    to: [see('bridge'), see('logs', { namespace: 'bridge' })],
    from: 'now-3h',
    rows: [
      row('Now', [
        stat('Pods in mode normal', {
          about: `Of ${replicas}. Fewer: somebody switched writing or everything off; only a person switches it on again.`,
          unit: 'none',
          bounds: below(replicas),
          queries: [now(`sum(haproxy_server_status{${JOB}, proxy="mode", server="normal", state="UP"})`)],
        }),
        stat('Pods of Lighthouse', {
          about:
            'Those that the edge leads to, as its pod sees it that knows fewest. At 0 everything gets 503.',
          unit: 'none',
          bounds: { side: 'below', critical: 1 },
          queries: [now(`min(haproxy_backend_active_servers{${JOB}, proxy="bridge"})`)],
          to: [see('bridge')],
        }),
        stat('Refused by limits', {
          about: 'Share of requests that got 429.',
          unit: 'percentunit',
          decimals: 2,
          bounds: above(EDGE_ALERTS.limitedShare),
          queries: [now(`${limited('5m')} / ${asked('5m')}`)],
        }),
        stat('Failed at the edge', {
          about:
            'Share of requests that got 5xx from the edge itself: no pod, no room, no answer in time, or switched off.',
          unit: 'percentunit',
          decimals: 2,
          bounds: above(EDGE_ALERTS.failingShare),
          queries: [now(`${failed('5m')} / ${asked('5m')}`)],
        }),
        stat('Waiting', {
          about: `Requests that wait for a pod of Lighthouse, in the pod of the edge with most; at ${queue} further ones are refused.`,
          unit: 'none',
          bounds: above(Math.round(queue * EDGE_ALERTS.queueShare), queue),
          queries: [now(`max(haproxy_backend_current_queue{${JOB}, proxy="bridge"})`)],
        }),
        stat('Connections', {
          about: `Of clients, in the pod with most; it takes ${connections}.`,
          unit: 'none',
          bounds: above(Math.round(connections * 0.8), connections),
          queries: [now(`max(haproxy_frontend_current_sessions{${JOB}, proxy="edge"})`)],
        }),
      ]),
      row('What is asked', [
        graph('Answers', {
          about: 'Requests a second by the class of their answer, refused ones among them.',
          unit: 'reqps',
          stacked: true,
          queries: [
            series(`sum by (code) (${rate('frontend_http_responses_total', 'proxy="edge"')})`, '{{code}}'),
          ],
        }),
        graph('Refused', {
          about:
            'Requests a second that limits refuse (429), and those that failed at the edge itself (5xx). The log has the reason of each: field `refused`.',
          unit: 'reqps',
          bounds: NONE,
          queries: [series(limited(), 'by limits'), series(failed(), 'at the edge')],
          to: [see('logs', { namespace: 'bridge' })],
        }),
        graph('WebSockets', {
          about: 'Open ones. All gone at once: the mode was switched, or the bridge restarted.',
          unit: 'none',
          stacked: true,
          queries: [
            series(`sum by (pod) (haproxy_backend_current_sessions{${JOB}, proxy="sockets"})`, '{{pod}}'),
          ],
        }),
      ]),
      row('Lighthouse behind it', [
        timeline('Mode', {
          about: 'The mode of each pod of the edge, over time.',
          unit: 'none',
          states: AT_WORK,
          queries: [
            series(
              `max by (pod, server) (haproxy_server_status{${JOB}, proxy="mode", state="UP"})`,
              '{{pod}} {{server}}',
            ),
          ],
        }),
        graph('Pods taken out', {
          about:
            'Times in five minutes that the breaker opened or /status was not operational. One at an update; more is a pod that fails and comes back.',
          unit: 'none',
          bounds: above(EDGE_ALERTS.openings),
          queries: [
            series(
              `sum by (pod) (increase(haproxy_server_check_up_down_total{${JOB}, proxy=~"bridge|sockets"}[5m]))`,
              '{{pod}}',
            ),
          ],
          to: [see('bridge')],
        }),
        graph('Time of the last requests', {
          about: 'Mean of the last 1,024 requests: what they waited, and what Lighthouse took.',
          unit: 's',
          queries: [
            series(`max(haproxy_backend_queue_time_average_seconds{${JOB}, proxy="bridge"})`, 'waiting'),
            series(
              `max(haproxy_backend_response_time_average_seconds{${JOB}, proxy="bridge"})`,
              'Lighthouse',
            ),
          ],
          to: [see('traces')],
        }),
        graph('Sent again', {
          about: 'Requests a second that were tried again, with the same pod of Lighthouse or another one.',
          unit: 'reqps',
          queries: [
            series(`sum(${rate('backend_retry_warnings_total', 'proxy="bridge"')})`, 'again'),
            series(`sum(${rate('backend_redispatch_warnings_total', 'proxy="bridge"')})`, 'elsewhere'),
          ],
        }),
      ]),
      probesRow('edge', latencySeconds),
      podsRow({ namespace: 'bridge', pods: 'edge-.*' }),
      logsRow('bridge', 'edge'),
    ],
  });
}
