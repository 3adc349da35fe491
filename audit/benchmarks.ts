import { ADMISSION } from '../guarantees/pod-security';
import type { Platform } from '../synth/platform';
import {
  byGrants,
  byLedger,
  deniedByDefault,
  imagesPinned,
  type Judge,
  levelsEnforced,
  memoryLimited,
  namespacesByConcern,
  noDefaultAccount,
  noDefaultNamespace,
  noSecretValues,
  owner,
  restricted,
  secretsAsFiles,
  secretsOutside,
} from './judgement';
import type { Section } from './section';

/** One control of a benchmark. */
interface Control {
  /** Its number, or the part of the guide that it stands in. */
  readonly id: string;
  /** What it asks, in short. */
  readonly asks: string;
  readonly judge: Judge;
}

const WRITING = ['create', 'update', 'patch', 'delete'];
const MINTING = ['create'];

/** Roles of people that have what most must not, and why. */
const GLASS = {
  'ClusterRole/lighthouse-break-glass': 'for emergencies, by a token that ends within an hour',
};
const BREAKING = {
  'Role/access/lighthouse-glass': 'of the one account for emergencies, for an hour at most and with a reason',
};

/** Section 5, Policies, by the numbers of version 1.12 (kube-bench's cfg/cis-1.12/policies.yaml). */
const CIS: readonly Control[] = [
  { id: '5.1.1', asks: 'cluster-admin only where required', judge: byLedger('mighty role') },
  { id: '5.1.2', asks: 'little access to Secrets', judge: byLedger('reading Secrets') },
  { id: '5.1.3', asks: 'no wildcards in roles', judge: byLedger('wildcard') },
  { id: '5.1.4', asks: 'little right to create pods', judge: byGrants('', 'pods', MINTING, GLASS) },
  { id: '5.1.5', asks: 'default service accounts unused', judge: noDefaultAccount },
  { id: '5.1.6', asks: 'tokens mounted only where necessary', judge: byLedger('API token') },
  { id: '5.1.7', asks: 'nobody in system:masters', judge: owner('who is given such a certificate') },
  { id: '5.1.8', asks: 'little bind, escalate, impersonate', judge: byLedger('climbing') },
  { id: '5.1.9', asks: 'little right to create volumes', judge: byGrants('', 'persistentvolumes', MINTING) },
  {
    id: '5.1.10',
    asks: 'little access to nodes/proxy',
    judge: byGrants('', 'nodes/proxy', ['get', ...WRITING]),
  },
  {
    id: '5.1.11',
    asks: 'little right to approve certificate requests',
    judge: byGrants('certificates.k8s.io', 'certificatesigningrequests/approval', ['update', 'patch']),
  },
  {
    id: '5.1.12',
    asks: 'little access to webhook configurations',
    judge: byGrants('admissionregistration.k8s.io', 'validatingwebhookconfigurations', WRITING),
  },
  {
    id: '5.1.13',
    asks: 'little right to make tokens of service accounts',
    judge: byGrants('', 'serviceaccounts/token', MINTING, BREAKING),
  },
  { id: '5.2.1', asks: 'a policy control in every namespace', judge: levelsEnforced },
  { id: '5.2.2', asks: 'no privileged containers', judge: byLedger('privileged') },
  { id: '5.2.3', asks: 'no host process namespace', judge: byLedger('host namespaces') },
  { id: '5.2.4', asks: 'no host IPC namespace', judge: byLedger('host namespaces') },
  { id: '5.2.5', asks: 'no host network namespace', judge: byLedger('host namespaces') },
  { id: '5.2.6', asks: 'no privilege escalation', judge: byLedger('privilege escalation') },
  { id: '5.2.7', asks: 'no root containers', judge: byLedger('running as root') },
  { id: '5.2.8', asks: 'no NET_RAW', judge: byLedger('capabilities') },
  { id: '5.2.9', asks: 'no capabilities', judge: byLedger('capabilities') },
  { id: '5.2.10', asks: 'no Windows host processes', judge: owner('there are no Windows nodes in it') },
  { id: '5.2.11', asks: 'no host paths', judge: byLedger('host paths') },
  { id: '5.2.12', asks: 'no host ports', judge: byLedger('host ports') },
  {
    id: '5.3.1',
    asks: 'a network that enforces policies',
    judge: owner('the network plugin; `npm run e2e` shows on a running platform whether it does'),
  },
  { id: '5.3.2', asks: 'network policies in every namespace', judge: deniedByDefault },
  { id: '5.4.1', asks: 'Secrets as files', judge: secretsAsFiles },
  { id: '5.4.2', asks: 'external secret storage', judge: secretsOutside },
  { id: '5.5.1', asks: 'image provenance', judge: imagesPinned },
  { id: '5.6.1', asks: 'boundaries by namespaces', judge: namespacesByConcern },
  { id: '5.6.2', asks: 'seccomp RuntimeDefault', judge: byLedger('seccomp') },
  { id: '5.6.3', asks: 'security contexts', judge: restricted },
  { id: '5.6.4', asks: 'default namespace unused', judge: noDefaultNamespace },
  {
    id: '1 to 4',
    asks: 'control plane, etcd, nodes',
    judge: owner('no manifest decides it: kube-bench on the nodes'),
  },
];

const PODS = 'Pod security';
const NETWORK = 'Network separation';
const ACCESS = 'Authentication and authorization';
const LOGS = 'Audit logging and threat detection';
const UPGRADES = 'Upgrading';

/** The key recommendations of the guide, which has no numbers: by the section whose summary they stand in. */
const HARDENING: readonly Control[] = [
  { id: PODS, asks: 'non-root containers', judge: byLedger('running as root') },
  { id: PODS, asks: 'immutable file systems', judge: byLedger('root file system') },
  { id: PODS, asks: 'images scanned', judge: owner('the registry, or the pipeline that fills it') },
  { id: PODS, asks: 'a technical control that enforces a minimum', judge: levelsEnforced },
  {
    id: PODS,
    asks: 'no privileged containers, host namespaces, host paths',
    judge: byLedger('privileged', 'host namespaces', 'host paths'),
  },
  { id: PODS, asks: 'no elevation to root', judge: byLedger('privilege escalation', 'capabilities') },
  { id: PODS, asks: 'seccomp, AppArmor, SELinux', judge: byLedger('seccomp', 'AppArmor', 'SELinux') },
  { id: PODS, asks: 'tokens only where used', judge: byLedger('API token') },
  { id: NETWORK, asks: 'control plane and etcd behind firewalls, by TLS', judge: owner('the control plane') },
  { id: NETWORK, asks: 'policies that deny by default', judge: deniedByDefault },
  { id: NETWORK, asks: 'resource limits', judge: memoryLimited },
  {
    id: NETWORK,
    asks: 'Secrets encrypted at rest',
    judge: owner('the API server’s encryption configuration'),
  },
  { id: NETWORK, asks: 'credentials in Secrets, not in files', judge: noSecretValues },
  { id: ACCESS, asks: 'no anonymous login', judge: owner('the API server’s flags') },
  {
    id: ACCESS,
    asks: 'roles without more than needed',
    judge: byLedger('mighty role', 'wildcard', 'climbing'),
  },
  { id: LOGS, asks: 'audit log of the API server', judge: owner('the API server’s flags') },
  {
    id: LOGS,
    asks: 'logs kept outside of pods and nodes',
    judge: namedKind('DaemonSet', 'node-agents', 'collector'),
  },
  { id: LOGS, asks: 'alerting', judge: namedKind('StatefulSet', 'observability', 'alertmanager') },
  { id: UPGRADES, asks: 'exact versions, updated', judge: imagesPinned },
];

function namedKind(kind: string, namespace: string, name: string): Judge {
  return ({ objects }) => {
    const isThere = objects.some(
      ({ manifest }) =>
        manifest.kind === kind &&
        manifest.metadata.namespace === namespace &&
        manifest.metadata.name === name,
    );
    const identity = `${kind}/${namespace}/${name}`;
    return isThere
      ? { verdict: 'pass', evidence: identity }
      : { verdict: 'fails', evidence: `no ${identity}` };
  };
}

/** The Pod Security Standards, rule by rule as the admission plugin has them. */
const STANDARDS: readonly Control[] = [...ADMISSION].map((control) => ({
  id: 'restricted',
  asks: control,
  judge: byLedger(control),
}));

const BENCHMARKS: Readonly<Record<string, readonly Control[]>> = {
  'CIS Kubernetes Benchmark 1.12': CIS,
  'NSA/CISA Kubernetes Hardening Guide 1.2': HARDENING,
  'Pod Security Standards': STANDARDS,
};

export function benchmarksOf(platform: Platform): Section {
  return {
    title: 'Benchmarks',
    text: 'pass: the manifests show it. exception: it is not so everywhere, for a reason. owner: whoever owns the cluster decides it, no manifest can.',
    columns: ['benchmark', 'control', 'asks for', 'verdict', 'evidence'],
    rows: Object.entries(BENCHMARKS).flatMap(([benchmark, controls]) =>
      controls.map(({ id, asks, judge }) => {
        const { verdict, evidence } = judge(platform);
        return [benchmark, id, asks, verdict, evidence];
      }),
    ),
  };
}
