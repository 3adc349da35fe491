import { dashboard, row } from './dashboard';
import type { Dashboard } from './model';
import { above, below, graph, NONE, see, stat, table, timeline } from './panels';
import { now, rows, series } from './queries';

export interface PlatformDashboardProps {
  /** Memory that all pods of the environment may have, bytes. */
  readonly memoryBudget: number;
  /** Services that must answer. */
  readonly services: number;
  /** Seconds within which a health check must be answered. */
  readonly latencySeconds: number;
  /** Days before its end at which a certificate should long have been renewed. */
  readonly renewalDays: number;
}

const UP = { 0: { text: 'down', color: 'red' }, 1: { text: 'healthy', color: 'green' } } as const;

/** Working set of every container of the platform; the pause container has no name. */
const MEMORY = 'container_memory_working_set_bytes{container!="", namespace!~"kube-.*"}';

/** The first page: is everything well, and if not, where to look. */
export function platformDashboard(props: PlatformDashboardProps): Dashboard {
  const { memoryBudget, services, latencySeconds, renewalDays } = props;
  return dashboard('platform', {
    about: `Is the platform well? ${services}/${services} services healthy, nothing firing, memory below its budget. Every figure leads to where it comes from.`,
    to: [see('objectives'), see('logs')],
    from: 'now-3h',
    rows: [
      row('Now', [
        stat('Services healthy', {
          about: `Services whose every probe succeeds, of ${services}. Fewer: the timeline below names them.`,
          unit: `suffix:/${services}`,
          bounds: below(services),
          queries: [now('lighthouse:services_healthy:count')],
        }),
        stat('Alerts', {
          about:
            'Alerts that fire now, by severity. Critical has woken somebody; the table below has the runbooks.',
          unit: 'none',
          bounds: above(1),
          queries: ['critical', 'warning'].map((severity) =>
            now(`count(ALERTS{alertstate="firing", severity="${severity}"}) or vector(0)`, severity),
          ),
        }),
        stat('Slowest health check', {
          about: `The slowest answer to a probe now; ${latencySeconds * 1000} ms is the promise.`,
          unit: 's',
          bounds: above(latencySeconds),
          queries: [now('max(probe_duration_seconds{job="probe"})')],
        }),
        stat('Memory of the budget', {
          about:
            'Memory that all containers use, of what the environment may have. The sum of all limits fits it by construction.',
          unit: 'percentunit',
          max: 1,
          bounds: above(0.85, 0.95),
          queries: [now(`sum(${MEMORY}) / ${memoryBudget}`)],
          to: [see('capacity')],
        }),
        stat('CPU idle', {
          about: 'What all nodes together have left. Below a fifth, everything answers later.',
          unit: 'percentunit',
          max: 1,
          bounds: below(0.2, 0.05),
          queries: [now('avg(rate(node_cpu_seconds_total{mode="idle"}[5m]))')],
          to: [see('capacity')],
        }),
        stat('Slowest start', {
          about:
            'The longest that a pod which started in the last day took to be ready. Some seconds for most, a minute for models and databases.',
          unit: 's',
          bounds: above(120, 300),
          queries: [
            now(
              'max((kube_pod_status_ready_time - kube_pod_start_time) and (time() - kube_pod_start_time < 86400))',
            ),
          ],
        }),
      ]),
      row('Services', [
        timeline('Healthy or not', {
          about:
            'Each service as its probes saw it. A line that is red for seconds was a restart; all at once is a node or the network.',
          unit: 'none',
          states: UP,
          queries: [series('lighthouse:service_healthy', '{{service}}')],
        }),
        table('Each service', {
          about: 'Whether it answers, how fast, how often it did in a day. A row leads to its logs.',
          unit: 'none',
          queries: [
            rows('max by (service) (lighthouse:service_healthy)'),
            rows('max by (service) (lighthouse:service_availability:ratio_1d)'),
            rows('max by (service) (probe_duration_seconds{job="probe"})'),
          ],
          columns: {
            service: 'Service',
            'Value #A': 'Healthy',
            'Value #B': { name: 'Of a day', unit: 'percentunit' },
            'Value #C': { name: 'Answers in', unit: 's' },
          },
        }),
      ]),
      row('What fires', [
        table('Alerts', {
          about:
            'Everything that fires, with whom it belongs to. The runbook of a name lies in docs/runbooks.',
          unit: 'none',
          queries: [
            rows('max by (severity, owner, namespace, service, alertname) (ALERTS{alertstate="firing"})'),
          ],
          columns: {
            severity: 'Severity',
            owner: 'Owner',
            service: 'Service',
            namespace: 'Namespace',
            alertname: 'Alert',
          },
          to: [see('monitoring')],
        }),
      ]),
      row('Latency', [
        graph('Health checks', {
          about: `How long each service takes to answer its probe, against ${latencySeconds * 1000} ms.`,
          unit: 's',
          bounds: above(latencySeconds),
          queries: [series('max by (service) (probe_duration_seconds{job="probe"})', '{{service}}')],
        }),
        graph('Where the time goes', {
          about: 'Parts of HTTP probes on average: name, connection, TLS, the server itself, transfer.',
          unit: 's',
          stacked: true,
          queries: [series('avg by (phase) (probe_http_duration_seconds{job="probe"})', '{{phase}}')],
        }),
      ]),
      row('Nodes', [
        graph('Memory by namespace', {
          about: 'Who uses the memory. The dashed line is the budget.',
          unit: 'bytes',
          stacked: true,
          bounds: { side: 'above', critical: memoryBudget },
          queries: [series(`sum by (namespace) (${MEMORY})`, '{{namespace}}')],
          to: [see('capacity')],
        }),
        graph('CPU by namespace', {
          about: 'Cores in use by namespace.',
          unit: 'none',
          stacked: true,
          queries: [
            series(
              'sum by (namespace) (rate(container_cpu_usage_seconds_total{container!="", namespace!~"kube-.*"}[$__rate_interval]))',
              '{{namespace}}',
            ),
          ],
          to: [see('capacity')],
        }),
        graph('Idle CPU by node', {
          about: 'What each node has left. One at zero beside idle ones is uneven spreading.',
          unit: 'percentunit',
          max: 1,
          bounds: below(0.2, 0.05),
          queries: [
            series('avg by (pod) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))', '{{pod}}'),
          ],
          to: [see('capacity')],
        }),
      ]),
      row('Pods and certificates', [
        graph('Containers that restarted', {
          about: 'Restarts in an hour by namespace. None is good.',
          unit: 'none',
          bounds: NONE,
          queries: [
            series(
              'sum by (namespace) (increase(kube_pod_container_status_restarts_total[1h])) > 0',
              '{{namespace}}',
            ),
          ],
        }),
        graph('Pods that are not ready', {
          about: 'Pods that should serve and do not. None is good, except while something rolls.',
          unit: 'none',
          bounds: NONE,
          queries: [
            series(
              'sum by (namespace) (kube_pod_status_ready{condition="false"} * on (namespace, pod) group_left () (kube_pod_status_phase{phase=~"Pending|Running"} == 1)) > 0',
              '{{namespace}}',
            ),
          ],
        }),
        graph('Days until certificates end', {
          about: `By the certificates that probes were shown, the one that ends first per service. They are renewed 30 days before; below ${renewalDays} nobody did.`,
          unit: 'none',
          decimals: 0,
          bounds: below(renewalDays),
          queries: [
            series(
              'min by (service) ((probe_ssl_earliest_cert_expiry{job="probe"} - time()) / 86400)',
              '{{service}}',
            ),
          ],
        }),
      ]),
    ],
  });
}
