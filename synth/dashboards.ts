import type { Dashboard } from '../constructs/observability-stack/dashboards/model';
import type { Platform } from './platform';

/** The dashboards of a platform, as Grafana will read them. */
export function dashboardsIn({ objects }: Pick<Platform, 'objects'>): Dashboard[] {
  return objects
    .filter(({ manifest }) => manifest.kind === 'ConfigMap' && manifest.metadata.name.startsWith(PREFIX))
    .flatMap(({ manifest }) => Object.values((manifest['data'] ?? {}) as Record<string, string>))
    .map((text) => JSON.parse(text) as Dashboard);
}

/** What the names of their ConfigMaps begin with: Grafana's own, and the id it gives a dashboard. */
const PREFIX = 'grafana-dashboard-';
