import type { NetworkPolicySpec } from '../imports/k8s';
import type { Manifest } from '../constructs/platform/manifest';
import { spec } from '../constructs/platform/workloads';
import type { Platform } from '../synth/platform';
import { type Section, sortedRows } from './section';

/** The level of Pod Security that a namespace enforces. */
export function levelOf({ metadata }: Manifest): string | undefined {
  return metadata.labels?.['pod-security.kubernetes.io/enforce'];
}

/** Whether a policy denies every pod of its namespace everything that no other policy allows. */
export function deniesAll(manifest: Manifest): boolean {
  if (manifest.kind !== 'NetworkPolicy') return false;
  const { podSelector, policyTypes = [], ingress = [], egress = [] } = spec<NetworkPolicySpec>(manifest);
  const isOfAll = Object.keys(podSelector ?? {}).length === 0;
  const isOfBoth = policyTypes.includes('Ingress') && policyTypes.includes('Egress');
  return isOfAll && isOfBoth && ingress.length === 0 && egress.length === 0;
}

interface AdmissionPolicySpec {
  readonly validations?: readonly { readonly message?: string; readonly expression: string }[];
  readonly failurePolicy?: string;
}

interface ProjectSpec {
  readonly destinations: readonly { readonly namespace: string }[];
  readonly clusterResourceWhitelist?: readonly { readonly kind: string }[];
}

/** What a policy blocks, by its kind. */
const BLOCKS: Readonly<Record<string, (manifest: Manifest) => string>> = {
  Namespace: (manifest) => {
    const level = levelOf(manifest) ?? 'privileged';
    return level === 'privileged' ? 'no pod' : `pods that Pod Security ${level} does not admit`;
  },
  NetworkPolicy: () => 'every connection, both ways, that no other policy allows',
  ResourceQuota: () => 'pods, CPU and memory beyond what the platform’s own objects ask for',
  ValidatingAdmissionPolicy: (manifest) => {
    const { validations = [], failurePolicy = 'Fail' } = spec<AdmissionPolicySpec>(manifest);
    const rules = validations.map(({ message, expression }) => message ?? expression);
    return `${rules.join('; ')} (failure: ${failurePolicy})`;
  },
  AppProject: (manifest) => {
    const { destinations, clusterResourceWhitelist = [] } = spec<ProjectSpec>(manifest);
    const kinds = clusterResourceWhitelist.map(({ kind }) => kind).join(', ') || 'none';
    const namespaces = destinations.map(({ namespace }) => namespace).join(', ');
    return `Argo CD syncing to namespaces other than ${namespaces}, or cluster-wide kinds other than ${kinds}`;
  },
};

export function policiesOf({ objects }: Platform): Section {
  return {
    title: 'Policies',
    text: 'What the cluster itself refuses, whoever asks. The NetworkPolicies that allow are the reachable paths above.',
    columns: ['policy', 'where', 'blocks'],
    rows: sortedRows(
      objects.flatMap(({ manifest }) => {
        const { kind, metadata } = manifest;
        const blocks = BLOCKS[kind];
        if (!blocks || (kind === 'NetworkPolicy' && !deniesAll(manifest))) return [];
        return [[`${kind} ${metadata.name}`, metadata.namespace ?? 'the whole cluster', blocks(manifest)]];
      }),
    ),
  };
}
