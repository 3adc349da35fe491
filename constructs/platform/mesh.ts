import type {
  AuthorizationPolicySpec,
  AuthorizationPolicySpecRules,
  PeerAuthenticationSpec,
} from '../../imports/security.istio.io';
import { CLUSTER_DOMAIN, type Endpoint } from './endpoint';
import type { Peer } from './peer';

/** How a mesh takes pods in: `ambient`, Istio's, by an agent on each node and without a container in each pod. */
export type MeshMode = 'ambient';

/** Label of a namespace whose pods the mesh takes in. */
export const MESH_LABEL = 'istio.io/dataplane-mode';

/** The namespace of the mesh itself; what is said there of how pods are to be spoken to holds for all of them. */
export const MESH_NAMESPACE = 'istio-system';

/** The port at which a pod of the mesh takes what comes from another, whatever port it is meant for (HBONE). */
export const HBONE_PORT = 15008;

/**
 * The address that the kubelet's probes come from in a pod that the mesh has taken in: the agent on the node rewrites it, so
 * that probes are told from everything else and go past the mesh (cni/pkg/config and cni/pkg/iptables, Istio 1.31).
 */
export const KUBELET_CIDR = '169.254.7.127/32';

/** What is declared of who may connect to a set of pods. */
export interface Admission {
  readonly labels: Readonly<Record<string, string>>;
  readonly clients: ReadonlyMap<Endpoint, ReadonlySet<Peer>>;
  readonly outsiders: ReadonlyMap<Endpoint, readonly string[]>;
  /** Ports for pods that the mesh does not take in. */
  readonly strangers: ReadonlySet<Endpoint>;
}

/** Whoever shows no identity: as a principal that is none, and means so in a rule's `notPrincipals` alone. */
export const ANY_PRINCIPAL = '*';

/** By what name the mesh knows pods; undefined where it has not taken them in. */
export function principalOf({ namespace, account }: Peer): string | undefined {
  return account === undefined ? undefined : `${CLUSTER_DOMAIN}/ns/${namespace}/sa/${account}`;
}

/**
 * The one policy of a set of pods in the mesh: exactly its declared clients, each by the service account that it runs as, and
 * each only at the ports it was let in to. Addresses say who comes from outside the cluster, for nothing there has an identity;
 * of pods outside the mesh it can only be said that they show none. Only TCP: the mesh carries nothing else.
 */
export function authorizationPolicySpec({
  labels,
  clients,
  outsiders,
  strangers,
}: Admission): AuthorizationPolicySpec {
  const byPort = new Map<number, Set<string>>();
  for (const [{ port, protocol }, peers] of clients) {
    if (protocol !== 'TCP') continue;
    const known = [...peers].flatMap((peer) => principalOf(peer) ?? []);
    byPort.set(port, new Set([...(byPort.get(port) ?? []), ...known]));
  }
  return {
    action: 'ALLOW',
    selector: { matchLabels: labels },
    rules: [
      ...[...byPort]
        .filter(([, principals]) => principals.size > 0)
        .sort(([a], [b]) => a - b)
        .map(([port, principals]) => rule(port, { principals: [...principals].sort() })),
      ...[...outsiders].map(([{ port }, ipBlocks]) => rule(port, { ipBlocks })),
      ...[...strangers].map(({ port }) => rule(port, { notPrincipals: [ANY_PRINCIPAL] })),
    ],
  };
}

function rule(
  port: number,
  source: Readonly<Partial<Record<'principals' | 'ipBlocks' | 'notPrincipals', readonly string[]>>>,
): AuthorizationPolicySpecRules {
  return { from: [{ source }], to: [{ operation: { ports: [String(port)] } }] };
}

/** Lets what comes from outside the cluster, or from outside the mesh, connect without an identity, at these ports alone. */
export function exemption({ labels, outsiders, strangers }: Admission): PeerAuthenticationSpec {
  const ports = [...outsiders.keys(), ...strangers].map(({ port }) => [
    String(port),
    { mode: 'PERMISSIVE' as const },
  ]);
  return { selector: { matchLabels: labels }, portLevelMtls: Object.fromEntries(ports) };
}
