import { setTimeout as sleep } from 'node:timers/promises';
import type { LabelSelector, PodSpec } from '../../imports/k8s';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import { selects } from '../../guarantees/label-selector';
import type { Cluster, Live } from '../cluster';
import { setCordon } from '../drains';
import type { Trial } from '../trial';
import { labelsOf, podsOf, runningIn, whole } from './drill';

/** Seconds that an eviction may be refused for before a drain would be stuck: a budget must come free again. */
const REFUSED_SECONDS = 300;

/** Label by which CloudNativePG says that a pod is the primary. */
const ROLE = 'cnpg.io/instanceRole';

/**
 * Evicts each set's pods as the drain of their node would. What has a disruption budget lets one go at once, and no second
 * one before the first is back; what has none may be evicted, and comes back.
 */
export async function drain(trial: Trial): Promise<void> {
  for (const object of runningIn(trial.manifests)) {
    const { namespace = '', name } = object.metadata;
    await trial.recorder.check('drained', `${object.kind} ${namespace}/${name}`, () =>
      drained(trial, object),
    );
  }
}

async function drained({ cluster }: Trial, object: Manifest): Promise<string> {
  const { namespace = '' } = object.metadata;
  const nodes = await cluster.list('v1', 'Node');
  const all = await podsOf(cluster, namespace, labelsOf(object));
  const budgets = await cluster.list('policy/v1', 'PodDisruptionBudget', namespace);
  const isPrimary = ({ metadata }: Live): boolean => all.length > 1 && metadata.labels?.[ROLE] === 'primary';
  // A database's primary leaves a node that is cordoned, by handing over to a standby on another node.
  const isMovable = nodes.length > 1;
  const pods = [...all.filter((pod) => !isPrimary(pod)), ...(isMovable ? all.filter(isPrimary) : [])];
  const [first, second] = pods;
  if (!first) throw new Error('it has no pod');
  if (!(await cluster.evict(first))) throw new Error(`${first.metadata.name}: the first eviction is refused`);
  const isBudgeted = budgets.some((budget) => isFor(budget, first));
  if (isBudgeted && second && !isPrimary(second) && (await cluster.evict(second)))
    throw new Error(`${second.metadata.name} may go while ${first.metadata.name} is away`);
  const times = [await whole(cluster, object, first)];
  for (const pod of pods.slice(1)) {
    await (isPrimary(pod) ? cordoned(cluster, nodes, pod) : evicted(cluster, pod));
    times.push(await whole(cluster, object, pod));
  }
  return [
    `${pods.length} evicted`,
    isBudgeted ? 'one at a time, a second is refused' : 'no budget',
    `whole after ${times.map((time) => time.toFixed(1)).join(', ')} s`,
    ...(pods.length < all.length
      ? ['the primary stays: there is no other node that it could hand over to']
      : []),
  ].join(', ');
}

async function cordoned(cluster: Cluster, nodes: readonly Live[], pod: Live): Promise<void> {
  const { nodeName } = spec<PodSpec & { readonly nodeName?: string }>(pod);
  const node = nodes.find(({ metadata }) => metadata.name === nodeName);
  if (!node) throw new Error(`${pod.metadata.name} is on no node`);
  await setCordon(cluster, node, true);
  try {
    await evicted(cluster, pod);
  } finally {
    await setCordon(cluster, node, false);
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

/** Whether a budget, ours or an operator's, holds for a pod. */
function isFor(budget: Manifest, { metadata }: Live): boolean {
  return selects(spec<{ selector?: LabelSelector }>(budget).selector, metadata.labels ?? {});
}
