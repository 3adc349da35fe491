import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../constructs/platform/manifest';
import { workloadOf, workloadsIn } from '../../constructs/platform/workloads';
import { waitForHealth } from '../apply';
import type { Cluster, Live } from '../cluster';
import type { Place } from '../place';
import { isOver, isReady, type LivePod } from '../pods';

/** Seconds that a service may take to be whole again after one pod of it was lost. */
const RECOVERY_SECONDS = 300;

/** Objects whose pods are always there. */
export function runningIn(manifests: readonly Manifest[]): Manifest[] {
  return workloadsIn(manifests)
    .filter(({ replicas }) => replicas > 0)
    .map(({ manifest }) => manifest);
}

/**
 * Waits until a pod is gone and all that an object wants are ready again.
 * @returns seconds that it took
 * @throws Error where it takes too long
 */
export async function whole(cluster: Cluster, object: Manifest, lost: Live): Promise<number> {
  const start = performance.now();
  const { namespace = '' } = object.metadata;
  const { replicas, labels } = workloadOf(object) ?? { replicas: 1, labels: {} };
  await until(`${lost.metadata.name} is gone and its successor is ready`, async () => {
    const pods = await podsOf(cluster, namespace, labels);
    const isGone = pods.every(({ metadata }) => metadata.uid !== lost.metadata.uid);
    return isGone && pods.filter(isReady).length >= replicas;
  });
  // Controllers count a moment later.
  const waiting = await waitForHealth(cluster, [object], RECOVERY_SECONDS);
  if (waiting.length > 0) throw new Error(`not whole: ${waiting.map(({ message }) => message).join(', ')}`);
  return (performance.now() - start) / 1000;
}

/** Waits for something; @throws Error where it takes longer than that, by default than a service may take to recover */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  seconds = RECOVERY_SECONDS,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`after ${seconds} s it does not hold that ${what}`);
    await sleep(200);
  }
}

/** Ends a pod as a crash does: its programs have a second, which none of them needs to lose what it did not write. */
export function kill(cluster: Cluster, pod: Manifest): Promise<void> {
  return cluster.remove(pod, { gracePeriodSeconds: 1 });
}

/** Pods of a namespace by labels, without those that are done or going. */
export async function podsOf(
  cluster: Cluster,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<LivePod[]> {
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const pods = (await cluster.list('v1', 'Pod', namespace, selector.join(','))) as LivePod[];
  return pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isOver(pod));
}

/** Labels of the pods that an object keeps. */
export function labelsOf(object: Manifest): Readonly<Record<string, string>> {
  return workloadOf(object)?.labels ?? {};
}

/** What a writer did while something was broken. */
export interface Written {
  /** What it was told is kept, in order. */
  readonly acknowledged: readonly string[];
  /** The longest time between two acknowledgements, seconds: how long writes stood still. */
  readonly longestPause: number;
}

/**
 * Writes on and on in a place, one write after the other, while something is done to what is written to.
 * @param write a shell command that writes `$N`, and succeeds when it was acknowledged
 */
export async function writingWhile(
  place: Place,
  prelude: string,
  write: string,
  act: () => Promise<void>,
): Promise<Written> {
  const loop = place.run(
    `set -u
${prelude}
rm -f /tmp/stop; : > /tmp/acknowledged
N=0
while [ ! -e /tmp/stop ]; do
  N=$((N + 1))
  if ${write} > /tmp/said 2>&1; then echo "$N $(cut -d' ' -f1 /proc/uptime)" >> /tmp/acknowledged; fi
  sleep 0.1
done
cat /tmp/acknowledged`,
    RECOVERY_SECONDS * 3,
  );
  // Should acting fail, the writer is ended with its place; its own failure is then of no interest.
  loop.catch(() => undefined);
  await until('the writer writes', async () => (await acknowledgedAt(place)) >= 3);
  await act();
  const before = await acknowledgedAt(place);
  await until('the writer writes again', async () => (await acknowledgedAt(place)) >= before + 3);
  await place.run('touch /tmp/stop');
  return writtenIn(await loop);
}

/** How many writes were acknowledged so far; none before the writer began. */
async function acknowledgedAt(place: Place): Promise<number> {
  return Number(await place.run('cat /tmp/acknowledged 2> /dev/null | wc -l'));
}

/** Reads what the writer noted: a number and the seconds of a clock, a line each. */
export function writtenIn(text: string): Written {
  const lines = text.split('\n').filter((line) => line !== '');
  const times = lines.map((line) => Number(line.split(' ')[1]));
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? time));
  return {
    acknowledged: lines.map((line) => line.split(' ')[0] ?? ''),
    longestPause: Math.max(0, ...pauses),
  };
}

/** What was acknowledged and is not there. */
export function lostOf({ acknowledged }: Written, there: readonly string[]): string[] {
  const found = new Set(there);
  return acknowledged.filter((number) => !found.has(number));
}
