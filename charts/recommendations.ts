import { objectsIn } from '../constructs/platform/manifest';
import { VerticalPodAutoscaler } from '../imports/autoscaling.k8s.io';
import type { PhaseChart } from './phase-chart';

/** Kinds whose pods can be found by their scale subresource, or that the recommender knows. */
const TARGETS: ReadonlySet<string> = new Set([
  'Cluster',
  'DaemonSet',
  'Deployment',
  'Prometheus',
  'Rollout',
  'StatefulSet',
]);

/**
 * Asks for recommendations of CPU and memory for every workload, and for nothing to be done with them: what a pod gets
 * is in the configuration, to which `npm run rightsizing` proposes changes.
 */
export function recommendations(phases: readonly PhaseChart[]): void {
  for (const workload of phases.flatMap(objectsIn).filter(({ kind }) => TARGETS.has(kind))) {
    const { apiVersion, kind, name } = workload;
    new VerticalPodAutoscaler(workload, 'Recommendation', {
      metadata: { name },
      spec: { targetRef: { apiVersion, kind, name }, updatePolicy: { updateMode: 'Off' } },
    });
  }
}
