import { dashboard, row } from './dashboard';
import type { Dashboard } from './model';
import { above, below, graph, see, stat, table } from './panels';
import { now, rows, series } from './queries';

export interface CapacityDashboardProps {
  /** Memory and cores that all pods of the environment may have. */
  readonly budgets: { readonly memory: number; readonly cores: number };
  /** Time series that Prometheus was sized for. */
  readonly series: number;
  /** Days before a volume is full at which somebody is told. */
  readonly fullDays: number;
}

const DAY = 86_400;
const USED = 'kubelet_volume_stats_used_bytes';
const SIZE = 'kubelet_volume_stats_capacity_bytes';

/** What is used of what there is, and when it ends. */
export function capacityDashboard({ budgets, series: planned, fullDays }: CapacityDashboardProps): Dashboard {
  return dashboard('capacity', {
    about:
      'What is used, what is reserved, what there is, and when it ends at the present growth. `npm run capacity` says which config values to change.',
    to: [see('platform'), see('business')],
    from: 'now-7d',
    rows: [
      row('Of what there is', [
        stat('Memory reserved', {
          about:
            'Requests of all pods over the budget of the environment. The budget is refused at synth before it is passed.',
          unit: 'percentunit',
          max: 1,
          bounds: above(0.9, 1),
          queries: [
            now(
              `sum(kube_pod_container_resource_requests{resource="memory", namespace!~"kube-.*"}) / ${budgets.memory}`,
            ),
          ],
        }),
        stat('Memory used', {
          about: 'Working sets over the budget.',
          unit: 'percentunit',
          max: 1,
          bounds: above(0.85, 0.95),
          queries: [now(`lighthouse:capacity_memory:bytes / ${budgets.memory}`)],
        }),
        stat('Cores reserved', {
          about: 'Requests of all pods over the budget of the environment.',
          unit: 'percentunit',
          max: 1,
          bounds: above(0.9, 1),
          queries: [
            now(
              `sum(kube_pod_container_resource_requests{resource="cpu", namespace!~"kube-.*"}) / ${budgets.cores}`,
            ),
          ],
        }),
        stat('Fullest volume', {
          about: 'Share of the fullest volume. The table below has all of them.',
          unit: 'percentunit',
          max: 1,
          bounds: above(0.8, 0.9),
          queries: [now(`max(${USED} / ${SIZE})`)],
        }),
        stat('Days until a volume is full', {
          about: `The first one, at the growth of the last day. Below ${fullDays} days somebody is told.`,
          unit: 'none',
          decimals: 0,
          bounds: below(fullDays, 1),
          queries: [now(`min((${SIZE} - ${USED}) / (deriv(${USED}[1d]) > 0)) / ${DAY}`)],
        }),
        stat('Series of the plan', {
          about: `Time series in memory, of ${planned} that Prometheus was sized for.`,
          unit: 'percentunit',
          bounds: above(0.9, 1),
          queries: [now(`max(prometheus_tsdb_head_series) / ${planned}`)],
          to: [see('monitoring')],
        }),
      ]),
      row('Memory', [
        graph('Used, and in a week', {
          about:
            'Working sets, and where they lead in a week: in a straight line through the last day, and as the same hour of next week. The dashed line is the budget.',
          unit: 'bytes',
          bounds: { side: 'above', critical: budgets.memory },
          queries: [
            series('lighthouse:capacity_memory:bytes', 'used'),
            series('lighthouse:capacity_memory:linear7d', 'in a week, in a straight line'),
            series('lighthouse:capacity_memory:seasonal7d', 'in a week, with the season'),
          ],
        }),
        table('Reserved and not used', {
          about:
            'Containers by memory that they reserve and did not need in a day: what a smaller request would free.',
          unit: 'bytes',
          queries: [
            rows(
              'sum by (namespace, container) (kube_pod_container_resource_requests{resource="memory", namespace!~"kube-.*"})',
            ),
            rows(
              'topk(15, sum by (namespace, container) (kube_pod_container_resource_requests{resource="memory", namespace!~"kube-.*"}) - sum by (namespace, container) (max_over_time(container_memory_working_set_bytes{container!="", namespace!~"kube-.*"}[1d])))',
            ),
          ],
          columns: {
            namespace: 'Namespace',
            container: 'Container',
            'Value #A': 'Reserved',
            'Value #B': 'Not used',
          },
        }),
      ]),
      row('Processors', [
        graph('Cores used and reserved', {
          about:
            'Cores in use, where they lead in a week, and what is reserved. Used above reserved lives on what others leave. The dashed line is the budget.',
          unit: 'none',
          bounds: { side: 'above', critical: budgets.cores },
          queries: [
            series('lighthouse:capacity_cores:sum', 'used'),
            series('lighthouse:capacity_cores:linear7d', 'in a week, in a straight line'),
            series('lighthouse:capacity_cores:seasonal7d', 'in a week, with the season'),
            series(
              'sum(kube_pod_container_resource_requests{resource="cpu", namespace!~"kube-.*"})',
              'reserved',
            ),
          ],
        }),
        graph('Pressure', {
          about:
            'Share of time in which something on a node waited for processor, memory or disk. Some for the processor is usual; for memory none is.',
          unit: 'percentunit',
          queries: [
            series('max(rate(node_pressure_cpu_waiting_seconds_total[$__rate_interval]))', 'processor'),
            series('max(rate(node_pressure_memory_waiting_seconds_total[$__rate_interval]))', 'memory'),
            series('max(rate(node_pressure_io_waiting_seconds_total[$__rate_interval]))', 'disk'),
          ],
        }),
      ]),
      row('Volumes', [
        table('Volumes', {
          about:
            'Every volume: how full, and how many days are left at the growth of the last day; without growth, none are written.',
          unit: 'none',
          queries: [
            rows(`max by (namespace, persistentvolumeclaim) (${SIZE})`),
            rows(
              `min by (namespace, persistentvolumeclaim) ((${SIZE} - ${USED}) / (deriv(${USED}[1d]) > 0)) / ${DAY}`,
            ),
            rows(`max by (namespace, persistentvolumeclaim) (${USED} / ${SIZE})`),
          ],
          columns: {
            namespace: 'Namespace',
            persistentvolumeclaim: 'Volume',
            'Value #A': { name: 'Size', unit: 'bytes' },
            'Value #B': { name: 'Days left', unit: 'none' },
            'Value #C': { name: 'Used', unit: 'percentunit' },
          },
        }),
        graph('Growth in a day', {
          about: 'Bytes that volumes grew in a day, the ten that grew most.',
          unit: 'bytes',
          queries: [
            series(
              `topk(10, max by (namespace, persistentvolumeclaim) (delta(${USED}[1d])))`,
              '{{namespace}}/{{persistentvolumeclaim}}',
            ),
          ],
        }),
      ]),
      row('Data', [
        graph('Event store', {
          about: 'Size of the event store, and where the growth of a day leads in 30 days.',
          unit: 'bytes',
          queries: [
            series('lighthouse:capacity_event_store:bytes', 'now'),
            series('lighthouse:capacity_event_store:linear30d', 'in 30 days'),
          ],
          to: [see('postgres')],
        }),
        graph('Connections of PostgreSQL', {
          about:
            'Connections of the instance that has most, where they lead in a week, and the same hour a week before: growth that follows use.',
          unit: 'none',
          queries: [
            series('lighthouse:capacity_connections:max', 'now'),
            series('lighthouse:capacity_connections:linear7d', 'in a week'),
            series('lighthouse:capacity_connections:max offset 1w', 'a week before'),
          ],
          to: [see('postgres')],
        }),
      ]),
    ],
  });
}
