import { Connections } from '../constructs/platform/connections';
import type { Endpoint } from '../constructs/platform/endpoint';
import { objectName } from '../constructs/platform/names';
import type { Peer } from '../constructs/platform/peer';
import type { Platform } from '../synth/platform';
import { grouped, listed, type Section, sortedRows } from './section';

/** One direction in which pods may connect. */
interface Path {
  readonly from: Place;
  readonly to: Place;
  /** Port, and what it speaks where that is not TCP. */
  readonly port: string;
}

/** A set of pods, or what is no pod. */
interface Place {
  /** Undefined outside the cluster. */
  readonly namespace?: string;
  readonly name: string;
}

const title = ({ namespace, name }: Place): string =>
  namespace === undefined ? `outside: ${name}` : `${namespace}/${name}`;

function placeOf(peer: Peer): Place {
  const { namespace, labels } = peer;
  if (peer instanceof Connections) return { namespace, name: objectName(peer.construct) };
  const values = Object.entries(labels).map(([key, value]) => `${key.split('/').at(-1)}=${value}`);
  return { namespace, name: values.join(' ') || 'every pod' };
}

const portOf = ({ port, protocol }: Pick<Endpoint, 'port' | 'protocol'>): string =>
  protocol === 'UDP' ? `${port}/UDP` : String(port);

/** Every path that is declared, which are those that the NetworkPolicies let through; DNS apart, which all pods reach. */
function pathsIn({ connections }: Platform): Path[] {
  return connections.flatMap((own) => [
    ...[...own.clients].flatMap(([endpoint, peers]) =>
      [...peers].map((peer) => ({ from: placeOf(peer), to: placeOf(own), port: portOf(endpoint) })),
    ),
    // Pods made by somebody else's program are in no list of clients: the other side is not ours to open.
    ...[...own.reached]
      .filter(({ owner }) => !(owner instanceof Connections))
      .map((endpoint) => ({ from: placeOf(own), to: placeOf(endpoint.owner), port: portOf(endpoint) })),
    ...[...own.outsiders].flatMap(([endpoint, cidrs]) =>
      cidrs.map((cidr) => ({ from: { name: cidr }, to: placeOf(own), port: portOf(endpoint) })),
    ),
    ...[...own.ranges].map(({ name, cidr, port }) => ({
      from: placeOf(own),
      to: { name: `${name} (${cidr})` },
      port: String(port),
    })),
  ]);
}

export function pathsOf(platform: Platform): Section {
  const paths = pathsIn(platform);
  const byTarget = grouped(paths, ({ to, port }) => `${title(to)}\u0000${port}`);
  return {
    title: 'Reachable paths',
    text: 'Who may connect to whom, from the declared connections; both ends’ NetworkPolicies are made of the same. DNS, which every pod may ask, is left out. All that is not here is refused where the cluster enforces NetworkPolicies: `npm run e2e` tries every pair on a running platform.',
    columns: ['to', 'port', 'from'],
    rows: sortedRows(
      [...byTarget].map(([target, all]) => [
        ...target.split('\u0000'),
        listed(all.map(({ from }) => title(from))),
      ]),
    ),
    pictures: picturesOf(paths),
  };
}

/** One picture for each namespace: its pods each by itself, other namespaces as one box each. */
function picturesOf(paths: readonly Path[]): NonNullable<Section['pictures']> {
  const places = paths.flatMap(({ from, to }) => [from, to]);
  const namespaces = [...new Set(places.flatMap(({ namespace }) => namespace ?? []))].sort();
  return namespaces.map((namespace) => ({ title: namespace, mermaid: picture(namespace, paths) }));
}

function picture(namespace: string, paths: readonly Path[]): string {
  const isOwn = (place: Place): boolean => place.namespace === namespace;
  const box = (place: Place): string => (isOwn(place) ? place.name : (place.namespace ?? place.name));
  const own = paths.filter(({ from, to }) => isOwn(from) || isOwn(to));
  const names = (of: (place: Place) => boolean): string[] =>
    [...new Set(own.flatMap(({ from, to }) => [from, to].filter(of).map(box)))].sort();
  const inside = names(isOwn);
  const outside = names((place) => !isOwn(place));
  const ids = new Map([
    ...inside.map((name, index) => [`own ${name}`, `p${index}`] as const),
    ...outside.map((name, index) => [`other ${name}`, `o${index}`] as const),
  ]);
  const id = (place: Place): string => ids.get(`${isOwn(place) ? 'own' : 'other'} ${box(place)}`) ?? '';
  const arrows = grouped(own, ({ from, to }) => `${id(from)} ${id(to)}`);
  const lines = [...arrows].map(([pair, all]) => {
    const [from, to] = pair.split(' ');
    const ports = listed(all.map(({ port }) => port));
    return `  ${from} -->|"${ports}"| ${to}`;
  });
  return [
    'flowchart LR',
    `  subgraph ns["${namespace}"]`,
    ...inside.map((name) => `    ${ids.get(`own ${name}`)}["${name}"]`),
    '  end',
    ...outside.map((name) => `  ${ids.get(`other ${name}`)}(["${name}"])`),
    ...lines.sort(),
  ].join('\n');
}
