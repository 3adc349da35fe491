import { operatedBy } from '../constructs/platform/operated';
import { oneAtATime, restrictedPod, RESTRICTED } from '../constructs/platform/pod';
import type { Manifest } from '../constructs/platform/manifest';
import { formatBytes, formatCores } from '../constructs/platform/quantity';
import { spec, workloadOf } from '../constructs/platform/workloads';
import type { Container, PodTemplateSpec, TopologySpreadConstraint } from '../imports/k8s';
import type { Provision } from '../synth/provisions';

/** Where no version is said: the repository is what counts. */
const RELOADER = 'quay.io/prometheus-operator/prometheus-config-reloader:v0.93.1';

/** Objects that stand in for what an operator makes of a custom resource, so that its pods are really placed. */
export function standInsFor(manifest: Manifest): Manifest[] {
  return MAKERS[manifest.kind]?.(manifest) ?? [];
}

type Maker = (manifest: Manifest) => Manifest[];

const MAKERS: Readonly<Record<string, Maker>> = {
  Cluster: databaseOf,
  Pooler: poolerOf,
  Prometheus: monitorOf,
  Alertmanager: monitorOf,
  Rollout: rolloutOf,
};

interface ClusterSpec {
  readonly instances: number;
  readonly imageName?: string;
  readonly enablePDB?: boolean;
  readonly storage?: VolumeSpec;
  readonly walStorage?: VolumeSpec;
  readonly topologySpreadConstraints?: readonly TopologySpreadConstraint[];
  readonly affinity?: {
    readonly enablePodAntiAffinity?: boolean;
    readonly podAntiAffinityType?: 'required' | 'preferred';
    readonly topologyKey?: string;
  };
}

interface VolumeSpec {
  readonly size?: string;
  readonly storageClass?: string;
}

/**
 * Members of a database. The operator makes pods by itself and moves the primary before a drain takes it; a StatefulSet
 * with a budget of one takes them one at a time as well.
 */
function databaseOf(manifest: Manifest): Manifest[] {
  const { instances, imageName = 'postgresql', enablePDB = true, ...rest } = spec<ClusterSpec>(manifest);
  const workload = workloadOf(manifest);
  if (!workload) return [];
  const { name, namespace } = manifest.metadata;
  const { requests, limits, labels } = workload;
  const template: PodTemplateSpec = {
    metadata: {
      labels,
      annotations:
        manifest.metadata.annotations?.[REVISION] === undefined
          ? {}
          : { [REVISION]: manifest.metadata.annotations[REVISION] },
    },
    spec: {
      serviceAccountName: name,
      securityContext: restrictedPod(26),
      topologySpreadConstraints: rest.topologySpreadConstraints,
      affinity: antiAffinity(rest.affinity, labels),
      containers: [
        {
          name: 'postgres',
          image: imageName,
          securityContext: RESTRICTED,
          resources: {
            requests: { cpu: formatCores(requests.cpu), memory: formatBytes(requests.memory) },
            ...(Number.isFinite(limits.memory) ? { limits: { memory: formatBytes(limits.memory) } } : {}),
          },
        },
      ],
    },
  };
  const members: Manifest = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace, labels },
    spec: {
      replicas: instances,
      serviceName: name,
      selector: { matchLabels: labels },
      template,
      volumeClaimTemplates: Object.entries({ data: rest.storage, wal: rest.walStorage }).flatMap(
        ([claim, volume]) =>
          volume?.size === undefined
            ? []
            : [
                {
                  metadata: { name: claim },
                  spec: {
                    accessModes: ['ReadWriteOnce'],
                    storageClassName: volume.storageClass,
                    resources: { requests: { storage: volume.size } },
                  },
                },
              ],
      ),
    },
  };
  return enablePDB && instances > 1 ? [members, budgetOf(members, labels)] : [members];
}

function budgetOf({ metadata }: Manifest, labels: Readonly<Record<string, string>>): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  };
}

function antiAffinity(
  {
    enablePodAntiAffinity = true,
    podAntiAffinityType = 'preferred',
    topologyKey = 'kubernetes.io/hostname',
  }: NonNullable<ClusterSpec['affinity']> = {},
  labels: Readonly<Record<string, string>>,
): NonNullable<PodTemplateSpec['spec']>['affinity'] {
  if (!enablePodAntiAffinity) return undefined;
  const term = { topologyKey, labelSelector: { matchLabels: labels } };
  return {
    podAntiAffinity:
      podAntiAffinityType === 'required'
        ? { requiredDuringSchedulingIgnoredDuringExecution: [term] }
        : { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] },
  };
}

interface PoolerSpec {
  readonly instances?: number;
  readonly deploymentStrategy?: unknown;
  readonly pgbouncer: { readonly image?: string };
  readonly template: PodTemplateSpec;
}

/** Poolers: the operator makes a Deployment of the template, and fills in what it leaves out. */
function poolerOf(manifest: Manifest): Manifest[] {
  const { instances = 1, deploymentStrategy, pgbouncer, template } = spec<PoolerSpec>(manifest);
  const { name, namespace } = manifest.metadata;
  const labels = workloadOf(manifest)?.labels ?? {};
  const pod = template.spec ?? { containers: [] };
  const filled = (container: Container): Container => ({
    image: pgbouncer.image ?? 'pgbouncer',
    securityContext: RESTRICTED,
    ...container,
  });
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas: instances,
        strategy: deploymentStrategy,
        selector: { matchLabels: labels },
        template: {
          metadata: { ...template.metadata, labels },
          spec: {
            serviceAccountName: name,
            securityContext: restrictedPod(998),
            ...pod,
            initContainers: pod.initContainers?.map(filled),
            containers: pod.containers.map(filled),
          },
        },
      },
    },
  ];
}

/** A Rollout at rest: its controller makes the pods by itself, as a Deployment would. */
function rolloutOf(manifest: Manifest): Manifest[] {
  const { selector, template } = spec<{ selector: unknown; template: PodTemplateSpec }>(manifest);
  const { name, namespace, labels } = manifest.metadata;
  const replicas = workloadOf(manifest)?.replicas;
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: { replicas, selector, template, strategy: oneAtATime(replicas ?? 1) },
    },
  ];
}

interface MonitorSpec {
  readonly serviceName?: string;
  readonly storage?: { readonly volumeClaimTemplate?: { readonly spec?: unknown } };
}

/** What prometheus-operator makes of a Prometheus or an Alertmanager, with an image for its own program. */
function monitorOf(manifest: Manifest): Manifest[] {
  const { name, replicas, template } = operatedBy(manifest);
  const { serviceName, storage } = spec<MonitorSpec>(manifest);
  const labels = template.metadata?.labels ?? {};
  const filled = (container: Container): Container => ({ image: RELOADER, ...container });
  const claim = storage?.volumeClaimTemplate?.spec;
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name, namespace: manifest.metadata.namespace, labels },
      spec: {
        replicas,
        serviceName: serviceName ?? `${manifest.kind.toLowerCase()}-operated`,
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: {
          ...template,
          spec: {
            ...template.spec,
            initContainers: template.spec?.initContainers?.map(filled),
            containers: template.spec?.containers.map(filled),
          },
        },
        volumeClaimTemplates: claim === undefined ? [] : [{ metadata: { name: `${name}-db` }, spec: claim }],
      },
    },
  ];
}

/** Annotation of a pod template that makes a new revision of it. */
export const REVISION = 'lighthouse/acceptance-revision';

/** Something that a Job or an operator makes of an object: empty, with the keys that are known. */
export function emptyOf({ identity, keys = [] }: Provision): Manifest | undefined {
  const [kind = '', namespace, name = ''] = identity.split('/');
  if (!['Secret', 'ConfigMap', 'ServiceAccount'].includes(kind)) return undefined;
  const metadata = { namespace, name };
  if (kind === 'ServiceAccount') return { apiVersion: 'v1', kind, metadata };
  return { apiVersion: 'v1', kind, metadata, data: Object.fromEntries(keys.map((key) => [key, ''])) };
}
