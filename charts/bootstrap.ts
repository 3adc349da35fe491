import { App } from 'cdk8s';
import type { Cluster, Environment } from '../config/schema';
import { Delivery } from '../constructs/delivery';
import { PlatformNamespaces } from '../constructs/platform-namespaces';
import { PlatformOperators } from '../constructs/platform-operators';
import { PhaseChart } from './phase-chart';

/** What a person or Terraform applies once: Argo CD's projects and Applications. From then on Argo CD syncs itself. */
export function bootstrap(
  app: App,
  environment: Environment,
  cluster: Cluster,
  phases: readonly PhaseChart[],
): PhaseChart {
  const chart = new PhaseChart(app, 'bootstrap');
  const argocd = new PlatformNamespaces(chart, 'Namespaces').existing('argocd');

  const operators = new PlatformOperators(argocd, 'operators', { installed: cluster.installed });
  new Delivery(argocd, 'lighthouse', {
    ...environment.delivery,
    folder: `${environment.environment}/${cluster.name}`,
    phases: phases.map((phase) => ({ name: phase.phase, contents: phase })),
    firstWave: operators.nextWave,
  });
  return chart;
}
