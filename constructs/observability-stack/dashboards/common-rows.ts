import { Row, row } from './dashboard';
import { above, graph, lines, NONE, see, stat, timeline } from './panels';
import { logs, now, series, SOURCES } from './queries';

/** The pods of one service, as rows and dashboards ask for them. */
export interface Pods {
  readonly namespace: string;
  /** Regular expression of the pods' names, such as `cache-members-.*`. */
  readonly pods: string;
  /** Regular expression of their volume claims; without it, they have none. */
  readonly claims?: string;
}

/** Shares at which what a container or a volume may use is nearly used: a look is worth it, and it is late. */
const NEARLY_FULL = above(0.85, 0.95);

const UP = { 0: { text: 'down', color: 'red' }, 1: { text: 'up', color: 'green' } } as const;

/** Whether services answer, as their clients see it. */
export function probesRow(service: string, latencySeconds: number): Row {
  const probes = `{job="probe", service=~"${service}"}`;
  return row('Seen from outside', [
    timeline('Answers', {
      about:
        'What the probe saw, every scrape: a connection, a verified certificate, or an answer of 200. Red means that clients see it too.',
      unit: 'none',
      states: UP,
      queries: [series(`min by (service) (probe_success${probes})`, '{{service}}')],
      to: [see('platform')],
    }),
    graph('Time to answer', {
      about:
        'How long the probe took, connection and certificate included. Good is well below the line; a step upward on one service points to its node, on all of them to the network.',
      unit: 's',
      bounds: above(latencySeconds),
      queries: [series(`max by (service) (probe_duration_seconds${probes})`, '{{service}}')],
      to: [see('platform')],
    }),
  ]);
}

/** What pods use of what they may. */
export function podsRow({ namespace, pods, claims }: Pods): Row {
  const those = `namespace="${namespace}", pod=~"${pods}"`;
  const resources = [
    graph('Memory of its limit', {
      about:
        'Working set of each container over its limit. At 1 the kernel kills it; memory that only grows is a leak or a limit that is too small.',
      unit: 'percentunit',
      bounds: NEARLY_FULL,
      queries: [
        series(
          `max by (pod, container) (container_memory_working_set_bytes{${those}, container!=""}) / max by (pod, container) (kube_pod_container_resource_limits{${those}, resource="memory"})`,
          '{{pod}} {{container}}',
        ),
      ],
      to: [see('capacity')],
    }),
    graph('CPU of its request', {
      about:
        'Cores used over cores reserved. Above 1 for long, it lives on what others leave: raise the request before they need theirs.',
      unit: 'percentunit',
      bounds: above(1),
      queries: [
        series(
          `sum by (pod, container) (rate(container_cpu_usage_seconds_total{${those}, container!=""}[$__rate_interval])) / max by (pod, container) (kube_pod_container_resource_requests{${those}, resource="cpu"})`,
          '{{pod}} {{container}}',
        ),
      ],
      to: [see('capacity')],
    }),
    graph('Restarts in an hour', {
      about:
        'Containers that ended and were started again. None is good; the reason is in the pod (`kubectl describe pod`) and in its last lines of log.',
      unit: 'none',
      bounds: NONE,
      queries: [
        series(
          `sum by (pod, container) (increase(kube_pod_container_status_restarts_total{${those}}[1h]))`,
          '{{pod}} {{container}}',
        ),
      ],
      to: [see('logs', { namespace })],
    }),
  ];
  if (claims === undefined) return row('Pods', resources);
  const volume = graph('Volumes, share used', {
    about:
      'How full each volume is. A full one refuses writes; volumes grow by config and never shrink. The forecast is on the capacity dashboard.',
    unit: 'percentunit',
    max: 1,
    bounds: NEARLY_FULL,
    queries: [
      series(
        `max by (persistentvolumeclaim) (kubelet_volume_stats_used_bytes{namespace="${namespace}", persistentvolumeclaim=~"${claims}"} / kubelet_volume_stats_capacity_bytes{namespace="${namespace}", persistentvolumeclaim=~"${claims}"})`,
        '{{persistentvolumeclaim}}',
      ),
    ],
    to: [see('capacity')],
  });
  return row('Pods and volumes', [...resources, volume]);
}

/** What services wrote, worst first. `service` is the workload's name, a regular expression. */
export function logsRow(namespace: string, service: string, source: 'logs' | 'bridgeLogs' = 'logs'): Row {
  const those = `namespace="${namespace}", service=~"${service}"`;
  return row(
    'Logs',
    [
      stat('Errors in an hour', {
        about:
          'Lines of level error or fatal. What is usual for a service is seen in the graph beside it; a step is worth a look.',
        unit: 'none',
        decimals: 0,
        bounds: above(1, 100),
        queries: [
          now(`sum(increase(lighthouse_log_lines_total{${those}, level=~"error|fatal"}[1h])) or vector(0)`),
        ],
        to: [see('logs', { namespace })],
      }),
      graph('Lines by level', {
        about: 'Lines a second by level. Silence of a service that usually writes is as telling as errors.',
        unit: 'cps',
        stacked: true,
        queries: [
          series(
            `sum by (level) (rate(lighthouse_log_lines_total{${those}}[$__rate_interval]))`,
            '{{level}}',
          ),
        ],
        to: [see('logs', { namespace })],
      }),
    ],
    [
      lines('Errors and warnings', {
        about: 'The newest lines of level warn and worse. Open a line for its pod, its logger and its trace.',
        queries: [logs(`{${those}} | level=~"warn|error|fatal"`, '', SOURCES[source])],
        to: [see('logs', { namespace })],
      }),
    ],
  );
}
