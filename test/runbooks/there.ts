import type { Manifest } from '../../constructs/platform/manifest';
import { containersOf, spec, type Workload, workloadOf } from '../../constructs/platform/workloads';
import type { Platform } from '../../synth/platform';

/** Something that kubectl can be asked about. */
export interface Item {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Containers of the pods behind it. */
  readonly containers: readonly string[];
}

/** Everything in a cluster that a runbook may name. */
export interface There {
  readonly namespaces: ReadonlySet<string>;
  readonly items: readonly Item[];
}

/** What charts of operators install, as far as runbooks look at it: a Deployment is named as its release. */
const OPERATORS = { 'cert-manager': 'cert-manager', 'cnpg-system': 'cloudnative-pg' } as const;

/**
 * Kinds that the kubelet, controllers, cert-manager or CloudNativePG's schedule make objects of. All of them may be
 * listed, whether some are known here or not.
 */
export const TRANSIENT: ReadonlySet<string> = new Set([
  'Node',
  'Event',
  'Pod',
  'PersistentVolumeClaim',
  'Job',
  'Backup',
  'Secret',
  'CertificateRequest',
]);

/** What an object is turned into by its operator or by Kubernetes, besides pods. */
const MAKES: Readonly<
  Record<string, (manifest: Manifest) => readonly (readonly [kind: string, name: string])[]>
> = {
  Cluster: ({ metadata: { name } }) => ['rw', 'ro', 'r'].map((role) => ['Endpoints', `${name}-${role}`]),
  Service: ({ metadata: { name } }) => [['Endpoints', name]],
  Certificate: (manifest) => [['Secret', spec<{ secretName: string }>(manifest).secretName]],
  Pooler: ({ metadata: { name } }) => [['Deployment', name]],
  Prometheus: ({ metadata: { name } }) => [['StatefulSet', `prometheus-${name}`]],
};

/** How the pods of a set are named; those of Deployments and DaemonSets have names that nobody knows before. */
const PODS: Readonly<Record<string, (name: string, index: number) => string>> = {
  StatefulSet: (name, index) => `${name}-${index}`,
  Cluster: (name, index) => `${name}-${index + 1}`,
  Prometheus: (name, index) => `prometheus-${name}-${index}`,
};

/** What a cluster has after everything was synced. */
export function thereIn({ objects }: Platform): There {
  const manifests = objects.map(({ manifest }) => manifest);
  const operators = Object.entries(OPERATORS).map(([namespace, name]) => ({
    ...{ kind: 'Deployment', namespace, name, labels: {}, containers: [] },
  }));
  const items = [...manifests.flatMap(itemsOf), ...operators];
  return { namespaces: new Set(items.map(({ namespace }) => namespace)), items };
}

/** An object, what is made of it, and its pods. */
function itemsOf(manifest: Manifest): Item[] {
  const workload = workloadOf(manifest);
  const { kind, metadata } = manifest;
  const { name, namespace = '', labels = {} } = metadata;
  const containers = workload ? containersIn(workload) : [];
  const pods = Array.from({ length: workload?.replicas ?? 0 }, (_, index) => ({
    ...{ kind: 'Pod', namespace, labels: workload?.labels ?? {}, containers },
    name: PODS[kind]?.(name, index) ?? '',
  }));
  const made = (MAKES[kind]?.(manifest) ?? []).map(([madeKind, madeName]) => ({
    ...{ kind: madeKind, name: madeName, namespace, labels: {}, containers },
  }));
  return [{ kind, namespace, name, labels, containers }, ...made, ...pods];
}

function containersIn({ manifest, pod }: Workload): string[] {
  if (pod) return containersOf(pod).map(({ name }) => name);
  // What CloudNativePG and its plugin call theirs (pkg/specs/pods.go; internal/cnpgi/operator/lifecycle.go).
  const { plugins = [] } = spec<{ plugins?: readonly { name: string }[] }>(manifest);
  return [
    'postgres',
    ...(plugins.some(({ name }) => name.startsWith('barman-cloud')) ? ['plugin-barman-cloud'] : []),
  ];
}
