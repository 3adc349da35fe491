import { podsRow } from './common-rows';
import { dashboard, row } from './dashboard';
import type { Dashboard } from './model';
import { above, below, graph, NONE, see, stat, table } from './panels';
import { now, rows, series } from './queries';

export interface MonitoringDashboardProps {
  /** Time series that Prometheus was sized for. */
  readonly series: number;
  readonly alertmanagers: number;
}

/** Who watches the watchers: what is blind when this is not well. */
export function monitoringDashboard({ series: planned, alertmanagers }: MonitoringDashboardProps): Dashboard {
  return dashboard('monitoring', {
    about:
      'Prometheus, Alertmanager, Loki, Tempo and the collector: scraped, evaluated, sent, kept. While one of them fails, other dashboards lie by silence.',
    to: [see('logs', { namespace: 'observability' }), see('platform')],
    rows: [
      row('Now', [
        stat('Targets down', {
          about: 'Things that should be scraped and do not answer. None is good; the table below names them.',
          unit: 'none',
          bounds: NONE,
          queries: [now('count(up == 0) or vector(0)')],
        }),
        stat('Rules that failed', {
          about: 'Evaluations of rules that failed in an hour. None is good: such an alert cannot fire.',
          unit: 'none',
          decimals: 0,
          bounds: NONE,
          queries: [now('sum(increase(prometheus_rule_evaluation_failures_total[1h]))')],
        }),
        stat('Alertmanagers', {
          about: `Members that know each other, of ${alertmanagers}. Alone, each sends everything.`,
          unit: 'none',
          bounds: below(alertmanagers, 1),
          queries: [
            now(alertmanagers > 1 ? 'min(alertmanager_cluster_members)' : 'count(alertmanager_build_info)'),
          ],
        }),
        stat('Messages that failed', {
          about: 'Notifications in an hour that no receiver took. None is good.',
          unit: 'none',
          decimals: 0,
          bounds: NONE,
          queries: [now('sum(increase(alertmanager_notifications_failed_total[1h]))')],
        }),
        stat('Series of the plan', {
          about: `Time series in memory, of ${planned} that it was sized for. Above, memory runs out: raise the plan or drop what nobody reads.`,
          unit: 'percentunit',
          bounds: above(0.9, 1),
          queries: [now(`max(prometheus_tsdb_head_series) / ${planned}`)],
          to: [see('capacity')],
        }),
        stat('Data lost on the way', {
          about: 'Log records and spans that the collectors could not deliver, a second. None is good.',
          unit: 'cps',
          bounds: NONE,
          queries: [
            now(
              '(sum(rate(otelcol_exporter_send_failed_log_records_total[5m])) or vector(0)) + (sum(rate(otelcol_exporter_send_failed_spans_total[5m])) or vector(0))',
            ),
          ],
        }),
      ]),
      row('Metrics', [
        table('Targets down', {
          about: 'What does not answer its scrape. Empty is good.',
          unit: 'none',
          queries: [rows('max by (job, namespace, pod) (up == 0)')],
          columns: { namespace: 'Namespace', pod: 'Pod', job: 'Job' },
        }),
        graph('Slowest scrapes', {
          about: 'Seconds per scrape, the five slowest jobs. Close to the interval, gaps follow.',
          unit: 's',
          queries: [series('topk(5, max by (job) (scrape_duration_seconds))', '{{job}}')],
        }),
        graph('Series by job', {
          about: 'Samples of a scrape, the ten largest jobs: who takes the room.',
          unit: 'short',
          queries: [series('topk(10, sum by (job) (scrape_samples_post_metric_relabeling))', '{{job}}')],
        }),
      ]),
      row('Rules and alerts', [
        graph('Time to evaluate', {
          about: 'How long the slowest groups of rules take. Close to their interval, alerts come late.',
          unit: 's',
          queries: [
            series(
              'topk(5, max by (rule_group) (prometheus_rule_group_last_duration_seconds))',
              '{{rule_group}}',
            ),
          ],
        }),
        graph('Alerts sent', {
          about:
            'Notifications a second by way, and those that failed. The dead man’s switch alone makes it more than zero.',
          unit: 'cps',
          queries: [
            series(
              'sum by (integration) (rate(alertmanager_notifications_total[$__rate_interval]))',
              '{{integration}}',
            ),
            series(
              'sum by (integration) (rate(alertmanager_notifications_failed_total[$__rate_interval])) > 0',
              '{{integration}} failed',
            ),
          ],
        }),
        graph('Time to notify', {
          about: 'Seconds until a receiver has taken a message, 95th percentile.',
          unit: 's',
          queries: [
            series(
              'histogram_quantile(0.95, sum by (le, integration) (rate(alertmanager_notification_latency_seconds_bucket[$__rate_interval])))',
              '{{integration}}',
            ),
          ],
        }),
      ]),
      row('Logs and traces', [
        graph('Taken by Loki', {
          about: 'Bytes of log a second by tenant.',
          unit: 'Bps',
          stacked: true,
          queries: [
            series(
              'sum by (tenant) (rate(loki_distributor_bytes_received_total[$__rate_interval]))',
              '{{tenant}}',
            ),
          ],
          to: [see('logs')],
        }),
        graph('Refused by Loki', {
          about: 'Lines a second that were thrown away, by reason. None is good.',
          unit: 'cps',
          bounds: NONE,
          queries: [
            series(
              'sum by (tenant, reason) (rate(loki_discarded_samples_total[$__rate_interval])) > 0',
              '{{tenant}} {{reason}}',
            ),
          ],
          to: [see('logs')],
        }),
        graph('Taken by Tempo', {
          about: 'Spans a second.',
          unit: 'cps',
          queries: [series('sum(rate(tempo_distributor_spans_received_total[$__rate_interval]))', 'spans')],
          to: [see('traces')],
        }),
        graph('Waiting in the collectors', {
          about:
            'Batches in the queues of the collectors over what fits. Near 1, data is about to be lost: the store behind is slow.',
          unit: 'percentunit',
          max: 1,
          bounds: above(0.5, 0.9),
          queries: [
            series(
              'max by (pod, exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)',
              '{{pod}} {{exporter}}',
            ),
          ],
        }),
      ]),
      podsRow({ namespace: 'observability', pods: '.+', claims: '.+' }),
    ],
  });
}
