import type { Connections } from '../../constructs/platform/connections';
import type { Endpoint } from '../../constructs/platform/endpoint';
import { HBONE_PORT, principalOf } from '../../constructs/platform/mesh';
import type { Peer } from '../../constructs/platform/peer';
import { operatorChart } from '../../constructs/platform-operators/operators';
import type { PodSource } from '../../synth/inventory';
import type { Finding } from '../guarantee';
import { covers, describePeer, matches, selecting } from '../policy';
import { type Admission, deniesAll, STRANGER } from './policy';
import { labelled, nameOf, podsOf, rulesFor, type World } from './world';

/** One declared connection into a set of pods. */
interface Edge {
  readonly to: Connections;
  readonly endpoint: Endpoint;
  readonly from: Peer;
}

export function edgesInto(to: Connections): Edge[] {
  return [...to.clients].flatMap(([endpoint, peers]) => [...peers].map((from) => ({ to, endpoint, from })));
}

const about = ({ to, endpoint, from }: Edge): string =>
  `${describePeer(from)} to port ${endpoint.port} of ${to.construct.node.path}`;

/** Connections that the mesh refuses, or lets in twice. */
export function refused(edge: Edge, world: World): Finding[] {
  const { to, endpoint, from } = edge;
  if (to.strangers.has(endpoint)) return turnedAway(to, endpoint, [STRANGER], world);
  const path = to.construct.node.path;
  const principal = principalOf(from);
  if (principal === undefined)
    return [
      {
        path,
        cause: `the mesh refuses ${about(edge)}: whoever connects is not in it, and shows no identity`,
        remedy:
          "say which service account these pods run as (the peer's account), and the mesh takes them in",
      },
    ];
  const rules = rulesFor(to, world, principal, endpoint.port);
  const counted =
    rules === 1
      ? []
      : [
          {
            path,
            cause: `${rules} rules of the mesh let in ${about(edge)}; it must be exactly one`,
            remedy:
              'declare the edge with connections.allowTo(endpoint), and write no AuthorizationPolicy by hand',
          },
        ];
  return [...counted, ...uninvited(edge, world)];
}

/** Clients made by others, in a namespace that nobody tells the mesh to take in. */
function uninvited(edge: Edge, { namespaces, guests, platform }: World): Finding[] {
  const { namespace } = edge.from;
  const isThere = (platform.cluster.installed ?? []).some(
    (name) => operatorChart(name).namespace === namespace,
  );
  if (namespaces.has(namespace) || guests.has(namespace) || isThere) return [];
  return [
    {
      path: edge.to.construct.node.path,
      cause: `the mesh refuses ${about(edge)}: it does not take in namespace ${namespace}`,
      remedy: 'give PlatformOperators the namespace (meshed), from guestsOf(connections)',
    },
  ];
}

/** Connections whose tunnel a NetworkPolicy does not let out or in. */
export function cutOff(edge: Edge, { pods, policies }: World): Finding[] {
  const { to, from } = edge;
  if (principalOf(from) === undefined) return [];
  const port = `TCP ${HBONE_PORT}`;
  const lets = (source: PodSource, direction: 'ingress' | 'egress', other: Peer): boolean =>
    selecting(policies, source.namespace, source.workload.labels)
      .flatMap((policy) => policy[direction])
      .some((rule) => covers(rule, { namespace: other.namespace, labels: other.labels, port }));
  const out = podsOf(from, pods).filter((source) => !lets(source, 'egress', labelled(to, pods)));
  const into = podsOf(to, pods).filter((source) => !lets(source, 'ingress', labelled(from, pods)));
  return [...out, ...into].map(({ object }) => ({
    path: object.path,
    cause: `no NetworkPolicy of ${nameOf(object)} lets through port ${HBONE_PORT}, by which the mesh takes ${about(edge)}`,
    remedy: 'declare the edge with connections.allowTo(endpoint); both policies follow',
  }));
}

/** What comes from outside the mesh, shows no identity, and is let in nowhere. */
export function turnedAway(
  own: Connections,
  { port }: Endpoint,
  clients: readonly string[],
  world: World,
): Finding[] {
  const isExempt = world.demands.some(
    ({ namespace, labels, ports }) =>
      namespace === own.namespace &&
      labels !== undefined &&
      matches(labels, own.labels) &&
      ports.get(String(port)) === 'PERMISSIVE',
  );
  const unknown = clients.filter((who) => rulesFor(own, world, who, port) !== 1);
  const why = [
    ...(isExempt ? [] : ['no PeerAuthentication exempts the port']),
    ...unknown.map((who) => `not exactly one rule lets in ${who}`),
  ];
  return why.map((reason) => ({
    path: own.construct.node.path,
    cause: `the mesh refuses what comes from outside of it to port ${port}: ${reason}`,
    remedy:
      'declare it with connections.allowFromOutside(endpoint, cidrs), or allowFromStranger(peer, endpoint) where pods connect',
  }));
}

/** Rules that let in more than was declared, or that are not read as they are written. */
export function undeclared(admission: Admission): Finding[] {
  const { object, action, entries, isUnread } = admission;
  if (deniesAll(admission)) return [];
  const { name } = object.manifest.metadata;
  const own = object.connections;
  const declared = new Set(
    own
      ? [
          ...edgesInto(own).map(({ endpoint, from }) => `${principalOf(from)} ${endpoint.port}`),
          ...[...own.outsiders].flatMap(([{ port }, cidrs]) => cidrs.map((cidr) => `${cidr} ${port}`)),
          ...[...own.strangers].map(({ port }) => `${STRANGER} ${port}`),
        ]
      : [],
  );
  const remedy = 'declare it with allowTo, allowFrom or allowFromOutside, or take the rule away';
  const because = [
    ...(action === 'ALLOW' ? [] : [`does not allow but says ${action}: declared connections may be refused`]),
    ...(isUnread ? ['has a rule that does not say by whom and at which port, and nothing else'] : []),
    ...entries
      .filter(({ who, port }) => !declared.has(`${who} ${port}`))
      .map(({ who, port }) => `lets in ${who} at port ${port}, which no connection declares`),
  ];
  return because.map((reason) => ({
    path: object.path,
    cause: `policy ${name} of the mesh ${reason}`,
    remedy,
  }));
}
