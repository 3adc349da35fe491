import { IConstruct } from 'constructs';
import { Connections } from '../constructs/platform/connections';
import type { Manifest } from '../constructs/platform/manifest';
import { provisionsOf } from './provisions';
import { identify, referencesOf } from './references';

/** An object, and what it is synced with: its set of pods, or itself alone. */
export interface Node {
  readonly manifest: Manifest;
  readonly unit: IConstruct;
}

type Graph = ReadonlyMap<IConstruct, ReadonlySet<IConstruct>>;

/**
 * The Argo CD sync wave of every unit: one more than the highest wave of what it needs, so that what is needed is
 * healthy first. It needs its namespace, what its objects name (Secrets, ConfigMaps, issuers …), what its pods connect to
 * and what they were told to start after. Units that need each other share a wave.
 */
export function syncWaves(nodes: readonly Node[]): Map<IConstruct, number> {
  const graph = needs(nodes);
  const waves = new Map<IConstruct, number>();
  for (const circle of circles(graph)) {
    const needed = circle.flatMap((unit) => [...(graph.get(unit) ?? [])]);
    const wave = Math.max(-1, ...needed.map((unit) => waves.get(unit) ?? -1)) + 1;
    for (const unit of circle) waves.set(unit, wave);
  }
  return waves;
}

function needs(nodes: readonly Node[]): Graph {
  const namespaces = nodes.flatMap(({ manifest }) =>
    manifest.kind === 'Namespace' ? manifest.metadata.name : [],
  );
  const providers = new Map(
    nodes.flatMap(({ manifest, unit }) =>
      provisionsOf(manifest, namespaces).map(({ identity }) => [identity, unit]),
    ),
  );
  const graph = new Map<IConstruct, Set<IConstruct>>();
  for (const { manifest, unit } of nodes) {
    const { namespace } = manifest.metadata;
    const named = referencesOf(manifest).map(({ to }) => to);
    const inside = namespace === undefined ? [] : [identify('Namespace', undefined, namespace)];
    const units = [...named, ...inside].flatMap((name) => providers.get(name) ?? []);
    const connections = Connections.of(unit);
    const targets = [...(connections?.targets ?? [])].map(({ owner }) => owner.construct);
    const earlier = [...(connections?.predecessors ?? [])].map(({ construct }) => construct);
    const all = graph.get(unit) ?? new Set();
    for (const needed of [...units, ...targets, ...earlier]) if (needed !== unit) all.add(needed);
    graph.set(unit, all);
  }
  return graph;
}

/**
 * The strongly connected components of a graph, each after all that it points to (Tarjan 1972).
 */
function circles(graph: Graph): IConstruct[][] {
  const found: IConstruct[][] = [];
  const index = new Map<IConstruct, number>();
  const stack: IConstruct[] = [];
  const open = new Set<IConstruct>();
  const visit = (unit: IConstruct): number => {
    const own = index.size;
    let lowest = own;
    index.set(unit, own);
    stack.push(unit);
    open.add(unit);
    for (const next of graph.get(unit) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, visit(next));
      else if (open.has(next)) lowest = Math.min(lowest, index.get(next) ?? own);
    }
    if (lowest === own) {
      const circle = stack.splice(stack.indexOf(unit));
      for (const member of circle) open.delete(member);
      found.push(circle);
    }
    return lowest;
  };
  for (const unit of graph.keys()) if (!index.has(unit)) visit(unit);
  return found;
}
