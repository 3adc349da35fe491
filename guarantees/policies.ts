import type { Connections } from '../constructs/platform/connections';
import type { Endpoint } from '../constructs/platform/endpoint';
import { HBONE_PORT, KUBELET_CIDR } from '../constructs/platform/mesh';
import type { Peer } from '../constructs/platform/peer';
import { Inventory, inventoryOf, PodSource } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import {
  covers,
  describe,
  describePeer,
  isDefaultDeny,
  isWorld,
  Labels,
  matches,
  Opening,
  Policy,
  readPolicy,
  selecting,
} from './policy';

/**
 * The printed NetworkPolicies are the declared connections, no less and no more. Worked out from the manifests as the
 * cluster would read them: which policies select which pods, and whether each edge is let out on one end and in on the
 * other.
 */
export const policies: Guarantee = {
  name: 'network policies',
  check: (platform) => {
    const inventory = inventoryOf(platform);
    const printed = platform.objects.flatMap(readPolicy);
    const edges = platform.connections.flatMap((client) => edgesOf(client, inventory));
    return {
      findings: [
        ...inventory.pods.flatMap((source) => selection(source, printed)),
        ...undenied(platform, printed),
        ...platform.connections.flatMap((own) => podless(own, inventory)),
        ...edges.flatMap((edge) => refused(edge, printed)),
        ...printed.flatMap(undeclared),
      ],
      facts: [
        { subject: 'connections let out and in', figure: String(edges.length) },
        { subject: 'sets of pods under one policy each', figure: String(inventory.pods.length) },
      ],
    };
  },
};

/** Every set of pods has one policy of its own. */
function selection({ object, workload, namespace }: PodSource, printed: readonly Policy[]): Finding[] {
  const own = selecting(printed, namespace, workload.labels).filter(
    ({ labels }) => Object.keys(labels).length > 0,
  );
  if (own.length === 1) return [];
  const { kind, metadata } = object.manifest;
  const names = own.map((policy) => policy.object.manifest.metadata.name).join(', ');
  return [
    {
      path: object.path,
      cause: `pods of ${kind} ${namespace}/${metadata.name} are selected by ${own.length} policies${names && `: ${names}`}`,
      remedy:
        own.length === 0
          ? 'put connections.podLabels on the pod template, or say operatorLabels that the pods carry'
          : 'rules of several policies add up: tell the sets of pods apart by their labels',
    },
  ];
}

/** Namespaces in which what no policy mentions is let through. */
function undenied({ objects }: Platform, printed: readonly Policy[]): Finding[] {
  const denied = new Set(printed.filter(isDefaultDeny).map(({ namespace }) => namespace));
  const homes = new Map<string, PlatformObject>();
  for (const object of objects) {
    const { kind, metadata } = object.manifest;
    if (kind === 'Namespace') homes.set(metadata.name, object);
    else if (POD_MAKERS.has(kind)) homes.set(metadata.namespace ?? '', object);
  }
  return [...homes]
    .filter(([namespace]) => !denied.has(namespace))
    .map(([namespace, { path }]) => ({
      path,
      cause: `no policy denies by default, both ways, in namespace ${namespace}`,
      remedy: 'build it inside PlatformNamespaces.add(…), which makes the policy',
    }));
}

/** Kinds that make pods, those included that workloads.ts cannot read yet. */
const POD_MAKERS: ReadonlySet<string> = new Set([
  'Alertmanager',
  'Cluster',
  'CronJob',
  'DaemonSet',
  'Deployment',
  'Job',
  'Pod',
  'Pooler',
  'Prometheus',
  'ReplicaSet',
  'Rollout',
  'StatefulSet',
]);

/** Connections declared for pods that nothing makes. */
function podless(own: Connections, { pods }: Inventory): Finding[] {
  if (podsOf(own, pods).length > 0) return [];
  return [
    {
      path: own.construct.node.path,
      cause: `nothing makes ${describePeer(own)}, which connections are declared for`,
      remedy: 'put connections.podLabels on the pod template, or say operatorLabels that the pods carry',
    },
  ];
}

/** One declared connection with the pods at its ends; undefined where an end is not ours. */
interface Edge {
  readonly path: string;
  readonly from?: PodSource;
  readonly to?: PodSource;
  readonly client: Opening;
  readonly target: Opening;
}

function edgesOf(own: Connections, { pods }: Inventory): Edge[] {
  const path = own.construct.node.path;
  const sources = podsOf(own, pods);
  const named = [...own.reached].map((endpoint) => ({ owner: endpoint.owner, port: portOf(endpoint) }));
  const dns = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } };
  return sources.flatMap((from) => {
    const client = peerOf(from);
    return [
      ...named.flatMap(({ owner, port }) =>
        podsOf(owner, pods).map((to) => ({ path, from, to, client, target: { ...peerOf(to), port } })),
      ),
      ...[...own.ranges].map(({ cidr, port }) => ({
        path,
        from,
        client,
        target: { cidr, port: `TCP ${port}` },
      })),
      ...['UDP 53', 'TCP 53'].map((port) => ({ path, from, client, target: { ...dns, port } })),
      ...[...own.clients].flatMap(([endpoint, peers]) =>
        [...peers]
          .filter((peer) => podsOf(peer, pods).length === 0)
          .map(({ namespace, labels }) => ({
            path,
            to: from,
            client: { namespace, labels },
            target: { ...client, port: portOf(endpoint) },
          })),
      ),
    ];
  });
}

function portOf({ protocol, port }: { readonly protocol: string; readonly port: number }): string {
  return `${protocol} ${port}`;
}

function peerOf({ namespace, workload: { labels } }: PodSource): Opening {
  return { namespace, labels };
}

/** The pods that a declaration is about: those whose labels it selects. */
function podsOf(
  peer: { readonly namespace: string; readonly labels: Labels },
  pods: readonly PodSource[],
): PodSource[] {
  return pods.filter(
    ({ namespace, workload }) => namespace === peer.namespace && matches(peer.labels, workload.labels),
  );
}

/** Whether the policies let a connection out of its client and into its target. */
function refused({ path, from, to, client, target }: Edge, printed: readonly Policy[]): Finding[] {
  const findings: Finding[] = [];
  const remedy =
    'declare the edge with connections.allowTo(endpoint), and give the pods connections.podLabels';
  if (from) {
    const rules = selecting(printed, from.namespace, from.workload.labels).flatMap(({ egress }) => egress);
    if (!rules.some((rule) => covers(rule, target))) {
      findings.push({ path, cause: `no policy lets ${nameOf(from)} out to ${describe(target)}`, remedy });
    }
  }
  if (to) {
    const rules = selecting(printed, to.namespace, to.workload.labels).flatMap(({ ingress }) => ingress);
    if (!rules.some((rule) => covers(rule, { ...client, port: target.port }))) {
      const cause = `no policy lets ${describe({ ...client, port: target.port })} in to ${nameOf(to)}`;
      findings.push({ path, cause, remedy });
    }
  }
  return findings;
}

function nameOf({ object: { manifest }, namespace }: PodSource): string {
  return `${manifest.kind} ${namespace}/${manifest.metadata.name}`;
}

/** Rules that open more than was declared. */
function undeclared(policy: Policy): Finding[] {
  const { object, ingress, egress } = policy;
  const { connections } = object;
  const { name } = object.manifest.metadata;
  const declared = connections ? declaredBy(connections) : { ingress: [], egress: [] };
  const check = (direction: 'ingress' | 'egress', opening: Opening): Finding[] => {
    const text = opening.unread ? 'pods or namespaces by expressions' : describe(opening);
    const word = direction === 'ingress' ? 'from' : 'to';
    if (isWorld(opening)) {
      return [
        {
          path: object.path,
          cause: `policy ${name} opens ${direction} ${word} the whole world: ${text}`,
          remedy: 'name the peer, and its port',
        },
      ];
    }
    if (!opening.unread && declared[direction].includes(text)) return [];
    return [
      {
        path: object.path,
        cause: `policy ${name} opens ${direction} ${word} ${text}, which no connection declares`,
        remedy: 'declare it with allowTo, allowFrom, allowFromOutside or allowToRange, or take the rule away',
      },
    ];
  };
  return [
    ...ingress.flatMap((opening) => check('ingress', opening)),
    ...egress.flatMap((opening) => check('egress', opening)),
  ];
}

function declaredBy(own: Connections): {
  readonly ingress: readonly string[];
  readonly egress: readonly string[];
} {
  return {
    ingress: [
      ...[...own.clients].flatMap(([endpoint, peers]) =>
        [...peers].map(({ namespace, labels }) => describe({ namespace, labels, port: portOf(endpoint) })),
      ),
      ...[...own.outsiders].flatMap(([endpoint, cidrs]) =>
        cidrs.map((cidr) => describe({ cidr, port: portOf(endpoint) })),
      ),
      ...(own.account === undefined ? [] : [describe({ cidr: KUBELET_CIDR })]),
      ...[...own.clients].flatMap(([endpoint, peers]) =>
        [...peers].flatMap((peer) => (throughMesh(own, peer, endpoint) ? describe(tunnelTo(peer)) : [])),
      ),
    ],
    egress: [
      ...[...own.reached].map((endpoint) => {
        const { namespace, labels } = endpoint.owner;
        return describe({ namespace, labels, port: portOf(endpoint) });
      }),
      ...[...own.reached].flatMap((endpoint) =>
        throughMesh(own, endpoint.owner, endpoint) ? describe(tunnelTo(endpoint.owner)) : [],
      ),
      ...[...own.ranges].map(({ cidr, port }) => describe({ cidr, port: `TCP ${port}` })),
      ...['UDP 53', 'TCP 53'].map((port) =>
        describe({ namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, port }),
      ),
    ],
  };
}

/** Whether the mesh carries a connection: it has taken in both ends, and carries TCP alone. */
function throughMesh(own: Peer, other: Peer, { protocol }: Endpoint): boolean {
  return own.account !== undefined && other.account !== undefined && protocol === 'TCP';
}

/** What the mesh carries arrives at one port, whatever port it is meant for. */
function tunnelTo({ namespace, labels }: Peer): Opening {
  return { namespace, labels, port: `TCP ${HBONE_PORT}` };
}
