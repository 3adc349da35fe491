import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { PHASES } from '../charts/phase-chart';
import type { Manifest } from '../constructs/platform/manifest';
import { identityOf } from '../synth/references';
import { type Printed, waveOf } from '../synth/dist';
import { type Answer, type Cluster, type Live, Refusal } from './cluster';
import { healthOf } from './health';

/** What came of applying one object. */
export interface Applied {
  readonly printed: Printed;
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'refused';
  /** Why it was refused. */
  readonly message?: string;
  readonly warnings: readonly string[];
}

/** Objects that are synced together: those of one phase that have the same wave. */
export interface Wave {
  /** As in `foundation, wave 3`. */
  readonly name: string;
  readonly objects: readonly Printed[];
}

/** The waves of a cluster, in the order in which Argo CD syncs them: phase by phase, wave by wave. */
export function wavesOf(objects: readonly Printed[]): Wave[] {
  const waves = new Map<string, { rank: number; objects: Printed[] }>();
  for (const printed of objects) {
    const wave = waveOf(printed.manifest);
    const name = `${printed.phase}, wave ${wave}`;
    const known = waves.get(name) ?? { rank: PHASES.indexOf(printed.phase) * 1000 + wave, objects: [] };
    known.objects.push(printed);
    waves.set(name, known);
  }
  return [...waves]
    .sort(([, a], [, b]) => a.rank - b.rank)
    .map(([name, { objects: inWave }]) => ({ name, objects: inWave }));
}

/** Applies objects, namespaces first: what is inside one is refused before it is there. A refusal stops nothing else. */
export async function applyAll(cluster: Cluster, objects: readonly Printed[]): Promise<Applied[]> {
  const isNamespace = ({ manifest }: Printed): boolean => manifest.kind === 'Namespace';
  const first = await Promise.all(objects.filter(isNamespace).map((each) => applyOne(cluster, each)));
  const rest = await Promise.all(
    objects.filter((each) => !isNamespace(each)).map((each) => applyOne(cluster, each)),
  );
  return [...first, ...rest];
}

async function applyOne(cluster: Cluster, printed: Printed): Promise<Applied> {
  try {
    const before = await cluster.get(printed.manifest);
    const { body, warnings } = await applyOrReplace(cluster, printed.manifest);
    const outcome = !before ? 'created' : isSame(before, body) ? 'unchanged' : 'configured';
    return { printed, outcome, warnings };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { printed, outcome: 'refused', message: error.message, warnings: [] };
  }
}

/** What cannot be changed is made anew where its sync options say so, as Argo CD does with Jobs. */
async function applyOrReplace(cluster: Cluster, manifest: Manifest): Promise<Answer<Live>> {
  try {
    return await cluster.apply(manifest);
  } catch (error) {
    const options = manifest.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '';
    const isReplaced = error instanceof Refusal && error.status === 422 && options.includes('Replace=true');
    if (!isReplaced || !(await cluster.get(manifest))) throw error;
    await cluster.remove(manifest, { propagationPolicy: 'Foreground' });
    for (let tries = 0; (await cluster.get(manifest)) && tries < 300; tries++) await sleep(100);
    return cluster.apply(manifest);
  }
}

function isSame(before: Live, after: Live): boolean {
  return (
    before.metadata.resourceVersion === after.metadata.resourceVersion ||
    // Its controller may have written a status in between.
    (before.metadata.uid === after.metadata.uid && isDeepStrictEqual(wantedOf(before), wantedOf(after)))
  );
}

/** What controllers write down of their own counting: it grows with every update, also with one that takes another back. */
const COUNTED: ReadonlySet<string> = new Set([
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
]);

/** What is wanted of an object, without what the API server and controllers add: equal before a change and after its undoing. */
export function wantedOf({ metadata, ...rest }: Live): Manifest {
  const { name, namespace, labels, annotations = {} } = metadata;
  const kept = Object.entries(annotations).filter(([key]) => !COUNTED.has(key));
  const wanted: Manifest = {
    ...rest,
    metadata: { name, namespace, labels, annotations: Object.fromEntries(kept) },
  };
  // A Job's pods are told apart by the Job's own identity.
  return JSON.parse(
    JSON.stringify({ ...wanted, status: undefined }, (key, value: unknown) =>
      key.endsWith('controller-uid') ? undefined : value,
    ),
  ) as Manifest;
}

/** An object that is not healthy, and what it says of itself. */
export interface Waiting {
  readonly identity: string;
  readonly message: string;
}

/**
 * Waits until all objects are healthy, or one cannot become so without a person, or time is up.
 * @param seconds how long to wait
 * @param progress told whenever what is waited for changes
 * @returns those that are not healthy
 */
export async function waitForHealth(
  cluster: Cluster,
  objects: readonly Manifest[],
  seconds: number,
  progress: (waiting: readonly Waiting[]) => void = () => undefined,
): Promise<readonly Waiting[]> {
  const end = performance.now() + seconds * 1000;
  let said = '';
  for (;;) {
    const judged = await Promise.all(objects.map(async (object) => judge(object, await cluster.get(object))));
    const waiting = judged.filter(({ health }) => health !== 'Healthy');
    const text = waiting.map(({ identity, message }) => `${identity}: ${message}`).join('\n');
    if (text !== said) progress(waiting);
    said = text;
    const isOver = performance.now() >= end || waiting.some(({ health }) => health === 'Degraded');
    if (waiting.length === 0 || isOver) return waiting;
    await sleep(500);
  }
}

function judge(object: Manifest, live: Live | undefined): Waiting & { readonly health: string } {
  const identity = identityOf(object);
  if (!live) return { identity, health: 'Progressing', message: 'is not there' };
  return { identity, ...healthOf(live) };
}
