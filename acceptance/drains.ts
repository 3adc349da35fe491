import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../constructs/platform/workloads';
import { identify, identityOf } from '../synth/references';
import type { Cluster, Live } from './cluster';
import type { Watched } from './inspections';
import {
  type Budget,
  homelessness,
  isOver,
  isReady,
  type LivePod,
  podsIn,
  podsOf,
  readyOf,
  selects,
} from './pods';
import type { Finding } from './report';

/** Seconds that pods have to leave, and to be ready elsewhere. */
const DRAIN_SECONDS = 60;

/** Drains nodes as a person does before an upgrade; then waits until every pod is ready elsewhere, or cannot be. */
export async function drained(
  cluster: Cluster,
  nodes: readonly Live[],
  watched: Watched,
  mayWait: boolean,
): Promise<{ readonly evicted: number; readonly waiting: number; readonly findings: readonly Finding[] }> {
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  await Promise.all(nodes.map((node) => setCordon(cluster, node, true)));
  try {
    const { evicted, stuck } = await evictAll(cluster, names, watched.budgets);
    if (stuck.length > 0) return { evicted, waiting: 0, findings: stuck };
    return { evicted, ...(await settled(cluster, watched, mayWait)) };
  } finally {
    await Promise.all(nodes.map((node) => setCordon(cluster, node, false)));
  }
}

export async function setCordon(cluster: Cluster, node: Live, unschedulable: boolean): Promise<void> {
  await cluster.request('PATCH', await cluster.pathOf(node), {
    body: { spec: { unschedulable } },
    contentType: 'application/merge-patch+json',
  });
}

async function evictAll(
  cluster: Cluster,
  nodes: ReadonlySet<string>,
  budgets: readonly Budget[],
): Promise<{ evicted: number; stuck: Finding[] }> {
  const end = performance.now() + DRAIN_SECONDS * 1000;
  const gone = new Set<string>();
  for (;;) {
    const left = (await podsIn(cluster)).filter(
      (pod) => nodes.has(pod.spec.nodeName ?? '') && !isOver(pod) && !staysOnNode(pod),
    );
    if (left.length === 0) return { evicted: gone.size, stuck: [] };
    if (performance.now() > end)
      return { evicted: gone.size, stuck: left.map((pod) => stuckAt(pod, budgets)) };
    for (const pod of left.filter(({ metadata }) => metadata.deletionTimestamp === undefined))
      if (await cluster.evict(pod)) gone.add(pod.metadata.uid);
    await sleep(200);
  }
}

/** Pods of DaemonSets: they would be made again on the very node. */
function staysOnNode({ metadata: { ownerReferences = [] } }: LivePod): boolean {
  return ownerReferences.some(({ kind }) => kind === 'DaemonSet');
}

function stuckAt({ metadata: { name, namespace, labels } }: LivePod, budgets: readonly Budget[]): Finding {
  const holding = budgets
    .filter((budget) => budget.namespace === namespace && selects(budget.selector, labels))
    .map((budget) => `${budget.name} (at least ${budget.minimum} of ${budget.expected})`);
  return {
    name: identify('Pod', namespace, name),
    message: `does not leave within ${DRAIN_SECONDS} s; its PodDisruptionBudget: ${holding.join(', ') || 'none'}`,
  };
}

/** Waits until all pods are there again: ready, or judged by the scheduler to have no place. */
async function settled(
  cluster: Cluster,
  { workloads, budgets }: Watched,
  mayWait: boolean,
): Promise<{ waiting: number; findings: Finding[] }> {
  const end = performance.now() + DRAIN_SECONDS * 1000;
  for (;;) {
    const pods = await podsIn(cluster);
    const states = workloads.map((workload) => stateOf(workload, pods, mayWait));
    const open = states.flatMap(({ unsettled }) => unsettled);
    const short = budgets.flatMap((budget) => shortOf(budget, pods));
    const findings = [...open, ...short];
    if (findings.length === 0 || performance.now() > end)
      return { waiting: states.reduce((sum, { waiting }) => sum + waiting, 0), findings };
    await sleep(200);
  }
}

/** What of a workload is not as it should be just now; pods that may wait are counted. */
function stateOf(
  workload: Workload,
  pods: readonly LivePod[],
  mayWait: boolean,
): { waiting: number; unsettled: Finding[] } {
  const { manifest, replicas } = workload;
  const own = podsOf(workload, pods);
  const name = identityOf(manifest);
  const unready = own.filter((pod) => !isReady(pod));
  const excused = unready.filter((pod) => mayWait && isExcused(homelessness(pod)));
  const unsettled = unready
    .filter((pod) => !excused.includes(pod))
    .map((pod) => ({ name, message: `${pod.metadata.name}: ${homelessness(pod) ?? 'is not ready'}` }));
  const missing = replicas - own.length;
  return {
    waiting: excused.length,
    unsettled:
      missing > 0
        ? [...unsettled, { name, message: `${missing} of ${replicas} pods are missing` }]
        : unsettled,
  };
}

/**
 * A pod may wait for its zone's volumes and for required spreading, never for room. The scheduler names one reason a node:
 * where fewer nodes lack room than a zone has, and the drained nodes are a zone, no zone as a whole lacks it.
 */
export function isExcused(reason: string | undefined): boolean {
  if (!reason?.includes('nodes are available')) return false;
  const count = (what: RegExp): number =>
    [...reason.matchAll(what)].reduce((sum, [, nodes]) => sum + Number(nodes), 0);
  const lacking = count(/(\d+) Insufficient/g);
  return lacking === 0 || lacking < count(/(\d+) node\(s\) were unschedulable/g);
}

function shortOf(budget: Budget, pods: readonly LivePod[]): Finding[] {
  const { name, namespace, minimum, expected } = budget;
  const ready = readyOf(budget, pods);
  if (ready >= minimum) return [];
  return [
    {
      name: identify('PodDisruptionBudget', namespace, name),
      message: `${ready} of ${expected} ready, needs ${minimum}`,
    },
  ];
}
