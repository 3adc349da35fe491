import type { Trial } from '../trial';
import { labelsOf, podsOf, runningIn, whole } from './drill';

/** Deletes each pod once, as somebody with kubectl would; its service is whole again before the next one goes. */
export async function deleteEveryPod({ cluster, recorder, manifests }: Trial): Promise<void> {
  for (const object of runningIn(manifests)) {
    for (const pod of await podsOf(cluster, object.metadata.namespace ?? '', labelsOf(object))) {
      await recorder.check('deleted', `pod ${pod.metadata.namespace}/${pod.metadata.name}`, async () => {
        await cluster.remove(pod);
        return `whole after ${(await whole(cluster, object, pod)).toFixed(1)} s`;
      });
    }
  }
}
