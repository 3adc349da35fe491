import { BlockList, isIPv6 } from 'node:net';
import type { NetworkPolicySpec } from '../../imports/k8s';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec, workloadsIn } from '../../constructs/platform/workloads';
import { selects } from '../../guarantees/label-selector';

type Labels = Readonly<Record<string, string>>;

/** Pods as policies know them. */
export interface Pods {
  readonly namespace: string;
  readonly labels: Labels;
}

/** Pods that connections are tried from. */
export interface Source extends Pods {
  /** For people. */
  readonly name: string;
}

/** A port of a pod, or of something that is no pod, such as the API server. */
export interface Target {
  /** For people. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly portName?: string;
  readonly pods?: Pods;
}

/** What policies are read with. */
export interface Rules {
  readonly policies: readonly Manifest[];
  /** Labels of namespaces, by name, where they are known. */
  readonly namespaces: ReadonlyMap<string, Labels>;
}

const NAMESPACE = 'kubernetes.io/metadata.name';

/**
 * Whether NetworkPolicies let a TCP connection through, as the API's documentation has it: a pod that a policy of a
 * direction selects may do in that direction what any such policy allows; one that none selects may do all.
 */
export function isOpen(rules: Rules, from: Pods, to: Target): boolean {
  const sender: Target = { name: '', address: '', port: to.port, pods: from };
  return (
    allows(rules, 'Egress', from, to, to) &&
    (to.pods === undefined || allows(rules, 'Ingress', to.pods, sender, to))
  );
}

function allows(
  rules: Rules,
  direction: 'Ingress' | 'Egress',
  subject: Pods,
  other: Target,
  to: Target,
): boolean {
  const selecting = rules.policies.filter(
    ({ metadata, ...policy }) =>
      metadata.namespace === subject.namespace &&
      typesOf(spec<NetworkPolicySpec>({ metadata, ...policy })).includes(direction) &&
      selects(spec<NetworkPolicySpec>({ metadata, ...policy }).podSelector ?? {}, subject.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some((policy) => {
    const { ingress = [], egress = [] } = spec<NetworkPolicySpec>(policy);
    const openings =
      direction === 'Ingress'
        ? ingress.map(({ from, ports }) => ({ peers: from, ports }))
        : egress.map(({ to: peers, ports }) => ({ peers, ports }));
    return openings.some(
      ({ peers = [], ports = [] }) =>
        (peers.length === 0 || peers.some((peer) => isPeer(rules, peer, other, subject.namespace))) &&
        (ports.length === 0 || ports.some((port) => isPort(port, to))),
    );
  });
}

/** Without a list, ingress always, and egress where there is a rule for it. */
function typesOf({ policyTypes, egress }: NetworkPolicySpec): readonly string[] {
  return policyTypes ?? ['Ingress', ...(egress ? ['Egress'] : [])];
}

type Peer = NonNullable<NonNullable<NetworkPolicySpec['egress']>[number]['to']>[number];
type Port = NonNullable<NonNullable<NetworkPolicySpec['egress']>[number]['ports']>[number];

function isPeer(
  { namespaces }: Rules,
  { ipBlock, namespaceSelector, podSelector }: Peer,
  other: Target,
  own: string,
): boolean {
  if (ipBlock) {
    return (
      other.address !== '' &&
      isInside(ipBlock.cidr, other.address) &&
      !(ipBlock.except ?? []).some((cidr) => isInside(cidr, other.address))
    );
  }
  const { pods } = other;
  if (!pods) return false;
  const labels = { [NAMESPACE]: pods.namespace, ...namespaces.get(pods.namespace) };
  const isThere = namespaceSelector ? selects(namespaceSelector, labels) : pods.namespace === own;
  return isThere && (!podSelector || selects(podSelector, pods.labels));
}

function isPort({ protocol = 'TCP', port, endPort }: Port, to: Target): boolean {
  if (protocol !== 'TCP') return false;
  if (port === undefined) return true;
  if (typeof port === 'string') return port === to.portName;
  return endPort === undefined ? port === to.port : port <= to.port && to.port <= endPort;
}

/** Whether an address lies in a range. */
export function isInside(cidr: string, address: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  const range = new BlockList();
  range.addSubnet(network, Number(prefix), family);
  return range.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * From where connections are tried: as each set of pods that the manifests make, as each set outside that a policy
 * mentions, and as a stranger to all of them in every namespace and in one outside.
 */
export function sourcesIn(manifests: readonly Manifest[]): Source[] {
  const own = workloadsIn(manifests).map(({ manifest: { kind, metadata }, labels }) => ({
    name: `${kind} ${metadata.name}`,
    namespace: metadata.namespace ?? '',
    labels,
  }));
  const homes = new Set(own.map(({ namespace }) => namespace));
  const strangers = [...homes, 'default'].map((namespace) => ({ name: 'a stranger', namespace, labels: {} }));
  return unique([
    ...own,
    ...foreignPeers(manifests).filter(({ namespace }) => !homes.has(namespace)),
    ...strangers,
  ]);
}

/** Pods elsewhere that policies let in, where labels say which they are. */
function foreignPeers(manifests: readonly Manifest[]): Source[] {
  return manifests
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .flatMap((policy) => spec<NetworkPolicySpec>(policy).ingress ?? [])
    .flatMap(({ from = [] }) => from)
    .flatMap(({ namespaceSelector, podSelector }) => {
      const namespace = namespaceSelector?.matchLabels?.[NAMESPACE];
      const labels = podSelector?.matchLabels;
      if (namespace === undefined || !labels) return [];
      return [{ name: Object.values(labels).join(' '), namespace, labels }];
    });
}

function unique(sources: readonly Source[]): Source[] {
  const key = ({ namespace, labels }: Source): string =>
    `${namespace} ${JSON.stringify(Object.entries(labels).sort())}`;
  return [...new Map([...sources].reverse().map((source) => [key(source), source])).values()].reverse();
}

/** Labels of the namespaces among some manifests. */
export function namespacesIn(manifests: readonly Manifest[]): Map<string, Labels> {
  return new Map(
    manifests
      .filter(({ kind }) => kind === 'Namespace')
      .map(({ metadata: { name, labels = {} } }) => [name, labels]),
  );
}
