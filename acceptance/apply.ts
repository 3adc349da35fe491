import { setTimeout as sleep } from 'node:timers/promises';
import { PHASES } from '../charts/phase-chart';
import type { Manifest } from '../constructs/platform/manifest';
import { identify } from '../synth/references';
import { type Printed, waveOf } from '../synth/dist';
import { type Cluster, type Live, Refusal } from './cluster';
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

/** A Job is made anew where its template changed, as its `Replace` option makes Argo CD do. */
async function applyOne(cluster: Cluster, printed: Printed): Promise<Applied> {
  try {
    const before = await cluster.get(printed.manifest);
    const { body, warnings } = await cluster.apply(printed.manifest);
    const outcome = !before
      ? 'created'
      : before.metadata.resourceVersion === body.metadata.resourceVersion
        ? 'unchanged'
        : 'configured';
    return { printed, outcome, warnings };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { printed, outcome: 'refused', message: error.message, warnings: [] };
  }
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
  const { kind, metadata } = object;
  const identity = identify(kind, metadata.namespace, metadata.name);
  if (!live) return { identity, health: 'Progressing', message: 'is not there' };
  return { identity, ...healthOf(live) };
}
