import type {
  Container,
  DaemonSetSpec,
  DeploymentStrategy,
  PodSpec,
  PodTemplateSpec,
  ResourceRequirements,
  StatefulSetSpec,
} from '../../imports/k8s';
import { MOST_PODS, NODES, SIDECARS } from './labels';
import type { Manifest } from './manifest';
import { operatedBy } from './operated';
import { parseQuantity } from './quantity';

/** Cores and bytes. */
export interface Amount {
  readonly cpu: number;
  readonly memory: number;
}

/** What is known of the pods that one object makes, whoever's program makes them of it. */
export interface Workload {
  readonly manifest: Manifest;
  /** Pods at rest; 0 for jobs, which come and go. */
  readonly replicas: number;
  /** Pods beyond `replicas` that exist while an update rolls, a member joins or a job runs. */
  readonly surge: number;
  /** How an update replaces the pods, where a Deployment or a DaemonSet does it. */
  readonly update?: Update;
  /** What the scheduler reserves for one pod. */
  readonly requests: Amount;
  /** What one pod may use; infinite where a container has no limit. */
  readonly limits: Amount;
  /** Labels of the pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** The pod template, where the object carries one or all of what its operator puts into one is known. */
  readonly pod?: PodSpec;
}

/** The pods that an update may make before it takes old ones away, and those that it may take away before. */
export interface Update {
  readonly surge: number;
  readonly unavailable: number;
}

type Reader = (manifest: Manifest) => Workload;

/** The kinds that make pods. What is not here makes none. */
const READERS: Readonly<Record<string, Reader>> = {
  Deployment: (manifest) => {
    const {
      replicas = mostPods(manifest),
      strategy,
      template,
    } = spec<{ replicas?: number; strategy?: DeploymentStrategy; template: PodTemplateSpec }>(manifest);
    return deployed(manifest, template, replicas, strategy);
  },
  // Blue-green: the new ones are all there before the old ones go.
  Rollout: (manifest) => {
    const { replicas = mostPods(manifest), template } = spec<{
      replicas?: number;
      template: PodTemplateSpec;
    }>(manifest);
    return fromTemplate(manifest, template, replicas, replicas);
  },
  StatefulSet: (manifest) => {
    const { replicas = 1, template } = spec<{ replicas?: number; template: PodTemplateSpec }>(manifest);
    return fromTemplate(manifest, template, replicas, 0);
  },
  // One on every node, those that an update makes before it takes the old one away included.
  DaemonSet: (manifest) => {
    const { template, updateStrategy } = spec<DaemonSetSpec>(manifest);
    const nodes = Number(manifest.metadata.annotations?.[NODES] ?? 0);
    const { maxSurge = 0, maxUnavailable = 1 } = updateStrategy?.rollingUpdate ?? {};
    const surge = part(maxSurge, nodes, Math.ceil);
    const update = { surge, unavailable: part(maxUnavailable, nodes, Math.ceil) };
    return { ...fromTemplate(manifest, template, nodes, surge), update };
  },
  Job: (manifest) => {
    const { parallelism = 1, template } = spec<{ parallelism?: number; template: PodTemplateSpec }>(manifest);
    return fromTemplate(manifest, template, 0, parallelism);
  },
  CronJob: (manifest) => {
    const { jobTemplate } = spec<{ jobTemplate: { spec: { template: PodTemplateSpec } } }>(manifest);
    return fromTemplate(manifest, jobTemplate.spec.template, 0, 1);
  },
  // One pod more while a new member is cloned from the primary; a single instance has none to be cloned.
  Cluster: (manifest) => {
    const { instances, resources } = spec<{ instances: number; resources?: ResourceRequirements }>(manifest);
    const { requests, limits } = amounts([resources, ...sidecars(manifest)]);
    const labels = cnpgLabels(manifest.metadata.name, 'database');
    return { manifest, replicas: instances, surge: instances > 1 ? 1 : 0, requests, limits, labels };
  },
  // The operator makes a Deployment of it.
  Pooler: (manifest) => {
    const {
      cluster,
      instances = 1,
      deploymentStrategy,
      template,
    } = spec<{
      cluster: { name: string };
      instances?: number;
      deploymentStrategy?: DeploymentStrategy;
      template: PodTemplateSpec;
    }>(manifest);
    const workload = deployed(manifest, template, instances, deploymentStrategy);
    const labels = { ...cnpgLabels(cluster.name, 'pooler'), 'cnpg.io/poolerName': manifest.metadata.name };
    return { ...workload, labels: { ...workload.labels, ...labels } };
  },
  Prometheus: operated,
  Alertmanager: operated,
};

/** Pods of a workload that says no number: as many as an autoscaler may make, or Kubernetes' default of one. */
function mostPods({ metadata }: Manifest): number {
  return Number(metadata.annotations?.[MOST_PODS] ?? 1);
}

function operated(manifest: Manifest): Workload {
  const { template, replicas } = operatedBy(manifest);
  return fromTemplate(manifest, template, replicas, 0);
}

/** What a plugin adds to the pods of an object. */
function sidecars({ metadata }: Manifest): ResourceRequirements[] {
  const added = metadata.annotations?.[SIDECARS];
  return added === undefined ? [] : [JSON.parse(added) as ResourceRequirements];
}

/**
 * Labels that CloudNativePG 1.30 puts on all pods of a cluster: on its members, on the jobs that make them, and on those of
 * its poolers, which differ in the component alone (pkg/specs/pods.go, jobs.go, pgbouncer/deployments.go).
 */
function cnpgLabels(cluster: string, component: 'database' | 'pooler'): Readonly<Record<string, string>> {
  return {
    'cnpg.io/cluster': cluster,
    'app.kubernetes.io/name': 'postgresql',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/managed-by': 'cloudnative-pg',
  };
}

/** Pods that a Deployment makes. One that is told to go still counts until it is gone, and its successor is there already. */
function deployed(
  manifest: Manifest,
  template: PodTemplateSpec,
  replicas: number,
  strategy: DeploymentStrategy = {},
): Workload {
  const update = updateOf(strategy, replicas);
  const surge = update ? Math.min(Math.max(update.surge, update.unavailable), replicas) : 0;
  return { ...fromTemplate(manifest, template, replicas, surge), ...(update ? { update } : {}) };
}

/** As the Deployment controller reckons: a quarter each by default, never both nothing. None where all go at once. */
function updateOf({ type, rollingUpdate = {} }: DeploymentStrategy, replicas: number): Update | undefined {
  if (type === 'Recreate') return undefined;
  const { maxSurge = '25%', maxUnavailable = '25%' } = rollingUpdate;
  const surge = part(maxSurge, replicas, Math.ceil);
  const unavailable = Math.min(part(maxUnavailable, replicas, Math.floor), replicas);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function part(value: number | string, whole: number, round: (value: number) => number): number {
  return typeof value === 'number' ? value : round((Number.parseFloat(value) * whole) / 100);
}

/** Whether objects of a kind make pods. */
export function makesPods(kind: string): boolean {
  return kind in READERS;
}

/** The pods an object makes; undefined where it makes none. */
export function workloadOf(manifest: Manifest): Workload | undefined {
  return READERS[manifest.kind]?.(manifest);
}

/** The pods that a list of objects makes. */
export function workloadsIn(manifests: readonly Manifest[]): Workload[] {
  return manifests.flatMap((manifest) => workloadOf(manifest) ?? []);
}

/** Everything that can be reserved at one moment: pods at rest and the largest surge, `requests` or `limits` of each. */
export function totalOf(workloads: readonly Workload[], of: 'requests' | 'limits' = 'requests'): Amount {
  return workloads.reduce<Amount>(
    (sum, workload) => {
      const pods = workload.replicas + workload.surge;
      return { cpu: sum.cpu + pods * workload[of].cpu, memory: sum.memory + pods * workload[of].memory };
    },
    { cpu: 0, memory: 0 },
  );
}

/**
 * The service account that pods run as: where an object carries no template, or its operator fills that in, one of its own
 * name (CloudNativePG 1.30, pkg/specs/pods.go and pgbouncer/deployments.go).
 */
export function accountOf({ manifest: { kind, metadata }, pod }: Workload): string {
  const own = kind === 'Cluster' || kind === 'Pooler' ? metadata.name : 'default';
  return pod?.serviceAccountName ?? own;
}

/** All containers of a pod, init containers first. */
export function containersOf(pod: PodSpec): Container[] {
  return [...(pod.initContainers ?? []), ...pod.containers];
}

function fromTemplate(
  manifest: Manifest,
  template: PodTemplateSpec,
  replicas: number,
  surge: number,
): Workload {
  const pod = template.spec;
  const { requests, limits } = pod ? podAmounts(pod) : amounts([]);
  return { manifest, replicas, surge, requests, limits, labels: template.metadata?.labels ?? {}, pod };
}

/**
 * What a pod reserves, as the scheduler reckons: its containers together with its sidecars, or more where an init
 * container, together with the sidecars started before it, needs more. What the pod itself states comes before all that.
 */
function podAmounts(pod: PodSpec): Amounts {
  let sidecars = amounts([]);
  let most = sidecars;
  for (const { resources, restartPolicy } of pod.initContainers ?? []) {
    const started = added(sidecars, amounts([resources]));
    if (restartPolicy === 'Always') sidecars = started;
    most = larger(most, started);
  }
  most = larger(most, added(sidecars, amounts(pod.containers.map(({ resources }) => resources))));
  return pod.resources ? stated(pod.resources, most) : most;
}

/** `requests` and `limits` of something. */
type Amounts = Pick<Workload, 'requests' | 'limits'>;

function stated(
  { requests = {}, limits = {} }: ResourceRequirements,
  { requests: asked, limits: allowed }: Amounts,
): Amounts {
  const either = (quantity: string | undefined, otherwise: number): number =>
    quantity === undefined ? otherwise : parseQuantity(quantity);
  return {
    requests: { cpu: either(requests['cpu'], asked.cpu), memory: either(requests['memory'], asked.memory) },
    limits: { cpu: either(limits['cpu'], allowed.cpu), memory: either(limits['memory'], allowed.memory) },
  };
}

function added(a: Amounts, b: Amounts): Amounts {
  const sum = (one: Amount, other: Amount): Amount => ({
    cpu: one.cpu + other.cpu,
    memory: one.memory + other.memory,
  });
  return { requests: sum(a.requests, b.requests), limits: sum(a.limits, b.limits) };
}

function larger(a: Amounts, b: Amounts): Amounts {
  const most = (one: Amount, other: Amount): Amount => ({
    cpu: Math.max(one.cpu, other.cpu),
    memory: Math.max(one.memory, other.memory),
  });
  return { requests: most(a.requests, b.requests), limits: most(a.limits, b.limits) };
}

function amounts(all: readonly (ResourceRequirements | undefined)[]): Amounts {
  const sum = (of: 'requests' | 'limits', name: 'cpu' | 'memory', missing: number): number =>
    all.reduce((total, each) => {
      const quantity = each?.[of]?.[name];
      return total + (quantity === undefined ? missing : parseQuantity(quantity));
    }, 0);
  return {
    requests: { cpu: sum('requests', 'cpu', 0), memory: sum('requests', 'memory', 0) },
    limits: { cpu: sum('limits', 'cpu', Infinity), memory: sum('limits', 'memory', Infinity) },
  };
}

/** A manifest's spec, read as the schema of its kind says; the kubeconform gate holds every file to that schema. */
export function spec<T>(manifest: Manifest): T {
  return manifest['spec'] as T;
}

/** Names of the claims that a StatefulSet makes of its templates, one for each of its pods; none of any other kind. */
export function claimsOf(manifest: Manifest): string[] {
  const { replicas = 1, volumeClaimTemplates = [] } = spec<StatefulSetSpec>(manifest);
  return volumeClaimTemplates.flatMap(({ metadata }) =>
    Array.from(
      { length: replicas },
      (_, ordinal) => `${metadata?.name}-${manifest.metadata.name}-${ordinal}`,
    ),
  );
}
