import { dashboard, row } from './dashboard';
import type { Dashboard } from './model';
import { below, graph, NONE, see, stat, table } from './panels';
import { now, rows, series } from './queries';

/** Whether what runs is what was merged. */
export function deliveryDashboard(): Dashboard {
  return dashboard('delivery', {
    about:
      'From the dist branch to the cluster: what is synced, what differs, what failed. The way of a change is docs/guides/from-merge-to-cluster.md.',
    to: [see('logs', { namespace: 'argocd' }), see('platform')],
    from: 'now-24h',
    rows: [
      row('Now', [
        stat('Applications', {
          about: 'Applications that Argo CD knows: phases and operators.',
          unit: 'none',
          queries: [now('count(argocd_app_info)')],
        }),
        stat('Synced', {
          about: 'Applications whose objects are what the branch says.',
          unit: 'percentunit',
          bounds: below(1),
          queries: [
            now('(count(argocd_app_info{sync_status="Synced"}) or vector(0)) / count(argocd_app_info)'),
          ],
        }),
        stat('Healthy', {
          about: 'Applications all of whose objects say that they work.',
          unit: 'percentunit',
          bounds: below(1),
          queries: [
            now('(count(argocd_app_info{health_status="Healthy"}) or vector(0)) / count(argocd_app_info)'),
          ],
        }),
        stat('Failed syncs in a day', {
          about: 'Syncs that ended with an error. The application’s own page says which object.',
          unit: 'none',
          decimals: 0,
          bounds: NONE,
          queries: [now('sum(increase(argocd_app_sync_total{phase=~"Error|Failed"}[1d])) or vector(0)')],
        }),
      ]),
      row('Applications', [
        table('Not what was merged', {
          about:
            'Applications that differ from the branch or are not well. Empty is good; drift for minutes is somebody’s hand, and is taken back.',
          unit: 'none',
          queries: [
            rows(
              'max by (name, sync_status, health_status) (argocd_app_info{sync_status!="Synced"} or argocd_app_info{health_status!="Healthy"})',
            ),
          ],
          columns: { sync_status: 'Sync', health_status: 'Health', name: 'Application' },
        }),
        graph('Syncs', {
          about: 'Syncs in an hour by how they ended.',
          unit: 'none',
          queries: [series('sum by (phase) (increase(argocd_app_sync_total[1h]))', '{{phase}}')],
        }),
      ]),
      row('Drift', [
        graph('Applications out of sync', {
          about:
            'How many differ from the branch. A short step is a delivery; a line that stays is a difference nobody takes back.',
          unit: 'none',
          bounds: NONE,
          queries: [series('count(argocd_app_info{sync_status="OutOfSync"}) or vector(0)', 'out of sync')],
        }),
        graph('Time to compare', {
          about:
            'How long Argo CD takes to compare an application with the cluster, 95th percentile. Minutes delay every delivery.',
          unit: 's',
          queries: [
            series(
              'histogram_quantile(0.95, sum by (le) (rate(argocd_app_reconcile_bucket[$__rate_interval])))',
              'compare',
            ),
          ],
        }),
      ]),
    ],
  });
}
