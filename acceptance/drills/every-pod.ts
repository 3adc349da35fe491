import type { Trial } from '../trial';
import { labelsOf, podsOf, runningIn, whole } from './drill';
import { keeping } from './keepsakes';

/**
 * Deletes each pod once, as somebody with kubectl would; its service is whole again before the next one goes, and has what
 * it had.
 */
export function deleteEveryPod(trial: Trial): Promise<void> {
  const { cluster, recorder, manifests } = trial;
  return keeping(trial, async () => {
    for (const object of runningIn(manifests)) {
      for (const pod of await podsOf(cluster, object.metadata.namespace ?? '', labelsOf(object))) {
        await recorder.check('deleted', `pod ${pod.metadata.namespace}/${pod.metadata.name}`, async () => {
          await cluster.remove(pod);
          return `whole after ${(await whole(cluster, object, pod)).toFixed(1)} s`;
        });
      }
    }
  });
}
