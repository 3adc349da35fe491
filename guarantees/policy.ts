import { spec } from '../constructs/platform/workloads';
import type { NetworkPolicySpec } from '../imports/k8s';
import type { PlatformObject } from '../synth/platform';

// NetworkPolicies as the cluster reads them.

export type Labels = Readonly<Record<string, string>>;

/** One port of one peer that a rule opens. An undefined part stands for "any". */
export interface Opening {
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly cidr?: string;
  readonly port?: string;
  /** A selector that this program cannot read as labels. */
  readonly unread?: true;
}

export interface Policy {
  readonly object: PlatformObject;
  readonly namespace: string;
  /** None: every pod of the namespace. */
  readonly labels: Labels;
  readonly types: readonly string[];
  readonly ingress: readonly Opening[];
  readonly egress: readonly Opening[];
}

export function readPolicy(object: PlatformObject): Policy[] {
  const { manifest } = object;
  if (manifest.kind !== 'NetworkPolicy') return [];
  const namespace = manifest.metadata.namespace ?? '';
  const { podSelector, policyTypes = [], ingress = [], egress = [] } = spec<NetworkPolicySpec>(manifest);
  return [
    {
      object,
      namespace,
      labels: podSelector?.matchLabels ?? {},
      types: policyTypes,
      ingress: ingress.flatMap(({ from, ports }) => openings(namespace, from, ports)),
      egress: egress.flatMap(({ to, ports }) => openings(namespace, to, ports)),
    },
  ];
}

type Rules = NonNullable<NetworkPolicySpec['egress']>[number];

/** Kubernetes' reading: no peers are all peers, no ports are all ports, no namespace selector is the policy's own. */
function openings(own: string, peers: Rules['to'] = [], ports: Rules['ports'] = []): Opening[] {
  const opened = peers.map(({ namespaceSelector, podSelector, ipBlock }): Opening => {
    if (ipBlock) return { cidr: ipBlock.cidr };
    const { [NAMESPACE]: named, ...others } = namespaceSelector?.matchLabels ?? {};
    const isRead =
      Object.keys(others).length === 0 &&
      !namespaceSelector?.matchExpressions &&
      !podSelector?.matchExpressions;
    if (!isRead) return { unread: true };
    return { namespace: namespaceSelector ? named : own, labels: podSelector?.matchLabels ?? {} };
  });
  const everywhere: readonly Opening[] = opened.length > 0 ? opened : [{}];
  if (ports.length === 0) return [...everywhere];
  return everywhere.flatMap((peer) =>
    ports.map(({ protocol = 'TCP', port, endPort }) =>
      endPort === undefined && port !== undefined ? { ...peer, port: `${protocol} ${port}` } : peer,
    ),
  );
}

const NAMESPACE = 'kubernetes.io/metadata.name';

/** The part of a policy's openings that concerns one port of one peer, as text: what is declared and what is printed. */
export function describe({ port = 'any port', ...peer }: Opening): string {
  return `${describePeer(peer)}, ${port}`;
}

export function describePeer({ namespace = 'any namespace', labels = {}, cidr }: Opening): string {
  if (cidr !== undefined) return cidr;
  const selected = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return `pods ${selected.sort().join(',') || 'of any label'} in ${namespace}`;
}

export function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

export const isDefaultDeny = ({ labels, types, ingress, egress }: Policy): boolean =>
  Object.keys(labels).length === 0 && types.length === 2 && ingress.length + egress.length === 0;

export function selecting(printed: readonly Policy[], namespace: string, labels: Labels): Policy[] {
  return printed.filter((policy) => policy.namespace === namespace && matches(policy.labels, labels));
}

/** Whether a rule lets through what is wanted, as Kubernetes reads it: labels select a superset. */
export function covers(rule: Opening, wanted: Opening): boolean {
  if (rule.unread || (rule.port !== undefined && rule.port !== wanted.port)) return false;
  if (rule.cidr !== undefined || wanted.cidr !== undefined) return rule.cidr === wanted.cidr;
  return (
    (rule.namespace === undefined || rule.namespace === wanted.namespace) &&
    matches(rule.labels ?? {}, wanted.labels ?? {})
  );
}

export function isWorld({ namespace, labels, cidr, unread }: Opening): boolean {
  if (cidr !== undefined) return cidr.endsWith('/0');
  return !unread && namespace === undefined && Object.keys(labels ?? {}).length === 0;
}
