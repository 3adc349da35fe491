import { App } from 'cdk8s';
import type { Cluster, Environment } from '../config/schema';
import { ArgoCdSettings } from '../constructs/argo-cd';
import { Delivery } from '../constructs/delivery';
import { PlatformNamespaces } from '../constructs/platform-namespaces';
import { PlatformOperators } from '../constructs/platform-operators';
import { PhaseChart } from './phase-chart';
import { argoCdSignOn, membersOf } from './people';

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
  const members = membersOf(environment);
  const signOn = argoCdSignOn(environment, cluster);
  new ArgoCdSettings(argocd, 'settings', { members, signOn });
  const operators = new PlatformOperators(argocd, 'operators', {
    groups: new Set(phases.flatMap(({ apiGroups }) => apiGroups)),
    installed: cluster.installed,
    meshed,
    syncWindows,
    members,
  });
  new Delivery(argocd, 'lighthouse', {
    repository,
    branch,
    syncWindows,
    members,
    folder: `${environment.environment}/${cluster.name}`,
    phases: phases.map((phase) => ({ name: phase.phase, contents: phase })),
    firstWave: operators.nextWave,
  });
  return chart;
}
