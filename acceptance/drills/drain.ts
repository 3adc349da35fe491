import { setTimeout as sleep } from 'node:timers/promises';
import type { LabelSelector } from '../../imports/k8s';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import { selects } from '../../guarantees/label-selector';
import type { Cluster, Live } from '../cluster';
import type { Trial } from '../trial';
import { labelsOf } from './every-pod';
import { podsOf, runningIn, whole } from './drill';

/** Seconds that an eviction may be refused for before a drain would be stuck: a budget must come free again. */
const REFUSED_SECONDS = 300;

/**
 * Evicts each set's pods as the drain of their node would. What has a disruption budget lets one go at once, and no second
 * one before the first is back; what has none may be evicted, and comes back.
 */
export async function drain({ cluster, recorder, manifests }: Trial): Promise<void> {
  for (const object of runningIn(manifests)) {
    const { namespace = '', name } = object.metadata;
    const isBudgeted = await budgeted(cluster, namespace, labelsOf(object));
    await recorder.check('drained', `${object.kind} ${namespace}/${name}`, async () => {
      const pods = await podsOf(cluster, namespace, labelsOf(object));
      const [first, second] = pods;
      if (!first) throw new Error('it has no pod');
      if (!(await cluster.evict(first)))
        throw new Error(`${first.metadata.name}: the first eviction is refused`);
      if (isBudgeted && second && (await cluster.evict(second)))
        throw new Error(`${second.metadata.name} may go while ${first.metadata.name} is away`);
      const times = [await whole(cluster, [object], first)];
      for (const pod of pods.slice(1)) {
        await evicted(cluster, pod);
        times.push(await whole(cluster, [object], pod));
      }
      const budget = isBudgeted ? 'one at a time, a second is refused' : 'no budget';
      return `${pods.length} evicted, ${budget}, whole after ${times.map((time) => time.toFixed(1)).join(', ')} s`;
    });
  }
}

async function evicted(cluster: Cluster, pod: Live): Promise<void> {
  const end = performance.now() + REFUSED_SECONDS * 1000;
  while (!(await cluster.evict(pod))) {
    if (performance.now() > end)
      throw new Error(
        `${pod.metadata.name}: no eviction allowed for ${REFUSED_SECONDS} s: its node could not be drained`,
      );
    await sleep(1000);
  }
}

/** Whether a budget, ours or an operator's, holds for these pods. */
async function budgeted(
  cluster: Cluster,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<boolean> {
  const budgets: Manifest[] = await cluster.list('policy/v1', 'PodDisruptionBudget', namespace);
  const pods = await podsOf(cluster, namespace, labels);
  return budgets.some((budget) =>
    pods.some(({ metadata }) =>
      selects(spec<{ selector?: LabelSelector }>(budget).selector, metadata.labels ?? {}),
    ),
  );
}
