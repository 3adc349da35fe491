import {
  NetworkPolicyEgressRule,
  NetworkPolicyIngressRule,
  NetworkPolicyPeer,
  NetworkPolicySpec,
} from '../../imports/k8s';
import { Endpoint } from './endpoint';
import { HBONE_PORT, KUBELET_CIDR } from './mesh';
import { AddressRange, Peer } from './peer';

/** The cluster's DNS: CoreDNS and its replacements all carry this label in this namespace. */
const DNS: Peer = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } };

/** What is declared of a set of pods. */
export interface Edges {
  /** Labels that select the pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Their service account, where the mesh has taken them in. */
  readonly account?: string;
  /** Who connects to which of their ports. */
  readonly clients: ReadonlyMap<Endpoint, ReadonlySet<Peer>>;
  /** Address blocks (CIDR) outside the cluster from which somebody connects. */
  readonly outsiders: ReadonlyMap<Endpoint, readonly string[]>;
  /** What they may connect to. */
  readonly reached: ReadonlySet<Endpoint>;
  readonly ranges: ReadonlySet<AddressRange>;
}

/**
 * The one policy of a set of pods: exactly its declared connections, in both directions, and DNS. It stands on a
 * namespace that denies everything, so what is not declared is refused on both ends.
 */
export function networkPolicySpec(edges: Edges): NetworkPolicySpec {
  const clients = [...ingress(edges), ...fromOutside(edges), ...throughMesh(edges)];
  return {
    podSelector: { matchLabels: edges.labels },
    policyTypes: ['Ingress', 'Egress'],
    // The API server drops an empty list, and everybody who compares would find a difference for ever.
    ...(clients.length > 0 ? { ingress: clients } : {}),
    egress: [dns(), ...egress(edges)],
  };
}

function dns(): NetworkPolicyEgressRule {
  return {
    to: [peer(DNS)],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  };
}

function ingress({ clients }: Edges): NetworkPolicyIngressRule[] {
  const byPort = new Map<string, { readonly endpoint: Endpoint; readonly peers: Peer[] }>();
  for (const [endpoint, peers] of clients) {
    const key = `${endpoint.protocol}:${endpoint.port}`;
    byPort.set(key, { endpoint, peers: [...(byPort.get(key)?.peers ?? []), ...peers] });
  }
  return [...byPort.values()]
    .sort((a, b) => a.endpoint.port - b.endpoint.port || (a.endpoint.protocol < b.endpoint.protocol ? -1 : 1))
    .map(({ endpoint: { protocol, port }, peers }) => ({
      from: unique(peers.map(peer)),
      ports: [{ protocol, port }],
    }));
}

/**
 * What arrives through the mesh: from the same clients, at the one port at which all of it arrives. Whom it then lets in to
 * which port is for the AuthorizationPolicy to say. The declared ports stay open too, for as long as a pod at either end is
 * not yet, or no longer, taken in; the mesh refuses there whatever goes past it. And from the kubelet, whose probes then come
 * from an address of their own.
 */
function throughMesh({ account, clients }: Edges): NetworkPolicyIngressRule[] {
  if (account === undefined) return [];
  const meshed = [...clients].flatMap(([{ protocol }, peers]) =>
    protocol === 'TCP' ? [...peers].filter(isMeshed).map(peer) : [],
  );
  const tunnel = { from: unique(meshed), ports: [{ protocol: 'TCP' as const, port: HBONE_PORT }] };
  return [...(meshed.length > 0 ? [tunnel] : []), { from: [{ ipBlock: { cidr: KUBELET_CIDR } }] }];
}

function isMeshed({ account }: Peer): boolean {
  return account !== undefined;
}

function fromOutside({ outsiders }: Edges): NetworkPolicyIngressRule[] {
  return [...outsiders].map(([{ protocol, port }, cidrs]) => ({
    from: cidrs.map((cidr) => ({ ipBlock: { cidr } })),
    ports: [{ protocol, port }],
  }));
}

function egress({ account, reached, ranges }: Edges): NetworkPolicyEgressRule[] {
  const tunnels = [...reached]
    .filter(({ owner, protocol }) => account !== undefined && protocol === 'TCP' && isMeshed(owner))
    .map(({ owner }) => ({ owner, port: HBONE_PORT, protocol: 'TCP' as const }));
  const pods = [...reached, ...tunnels].map(({ owner, port, protocol }) => ({
    key: `${owner.namespace}/${JSON.stringify(owner.labels)}:${port}/${protocol}`,
    rule: { to: [peer(owner)], ports: [{ protocol, port }] },
  }));
  const outside = [...ranges].map(({ cidr, port }) => ({
    key: `${cidr}:${port}`,
    rule: { to: [{ ipBlock: { cidr } }], ports: [{ protocol: 'TCP' as const, port }] },
  }));
  return sorted([...pods, ...outside]);
}

function peer({ namespace, labels }: Peer): NetworkPolicyPeer {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    ...(Object.keys(labels).length > 0 ? { podSelector: { matchLabels: labels } } : {}),
  };
}

/** Rules in the order of their keys, one each: the order of declaration must not show in the output. */
function sorted<T>(rules: readonly { readonly key: string; readonly rule: T }[]): T[] {
  const byKey = new Map(rules.map(({ key, rule }) => [key, rule]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
}

function unique(peers: readonly NetworkPolicyPeer[]): NetworkPolicyPeer[] {
  return sorted(peers.map((each) => ({ key: JSON.stringify(each), rule: each })));
}
