import { App } from 'cdk8s';
import type { Cluster, Environment } from '../config/schema';
import { ArgoCdSettings } from '../constructs/argo-cd';
import { Delivery } from '../constructs/delivery';
import { PlatformNamespaces } from '../constructs/platform-namespaces';
import { PlatformOperators } from '../constructs/platform-operators';
import { PhaseChart } from './phase-chart';

/** Argo CD's projects, Applications and settings. A person or Terraform applies the root once; then Argo CD syncs itself. */
export function bootstrap(
  app: App,
  environment: Environment,
  cluster: Cluster,
  phases: readonly PhaseChart[],
  meshed?: ReadonlySet<string>,
): PhaseChart {
  const chart = new PhaseChart(app, 'bootstrap');
  const argocd = new PlatformNamespaces(chart, 'Namespaces').existing('argocd');

  const { repository, branch, syncWindows } = environment.delivery;
  new ArgoCdSettings(argocd, 'settings');
  const operators = new PlatformOperators(argocd, 'operators', {
    groups: new Set(phases.flatMap(({ apiGroups }) => apiGroups)),
    installed: cluster.installed,
    meshed,
    syncWindows,
  });
  new Delivery(argocd, 'lighthouse', {
    repository,
    branch,
    syncWindows,
    folder: `${environment.environment}/${cluster.name}`,
    phases: phases.map((phase) => ({ name: phase.phase, contents: phase })),
    firstWave: operators.nextWave,
  });
  return chart;
}
