import type {
  Container,
  DeploymentStrategy,
  PodSpec,
  PodTemplateSpec,
  ResourceRequirements,
} from '../../imports/k8s';
import { SIDECARS } from './labels';
import type { Manifest } from './manifest';
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
  /** What the scheduler reserves for one pod. */
  readonly requests: Amount;
  /** What one pod may use; infinite where a container has no limit. */
  readonly limits: Amount;
  /** Labels of the pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** The pod template, where the object carries one. */
  readonly pod?: PodSpec;
}

type Reader = (manifest: Manifest) => Workload;

/** The kinds that make pods. What is not here makes none. */
const READERS: Readonly<Record<string, Reader>> = {
  Deployment: (manifest) => {
    const {
      replicas = 1,
      strategy,
      template,
    } = spec<{
      replicas?: number;
      strategy?: { type?: string; rollingUpdate?: { maxSurge?: number | string } };
      template: PodTemplateSpec;
    }>(manifest);
    const rolls = strategy?.type !== 'Recreate';
    return fromTemplate(
      manifest,
      template,
      replicas,
      rolls ? surgePods(strategy?.rollingUpdate?.maxSurge, replicas) : 0,
    );
  },
  StatefulSet: (manifest) => {
    const { replicas = 1, template } = spec<{ replicas?: number; template: PodTemplateSpec }>(manifest);
    return fromTemplate(manifest, template, replicas, 0);
  },
  Job: (manifest) => {
    const { parallelism = 1, template } = spec<{ parallelism?: number; template: PodTemplateSpec }>(manifest);
    return fromTemplate(manifest, template, 0, parallelism);
  },
  CronJob: (manifest) => {
    const { jobTemplate } = spec<{ jobTemplate: { spec: { template: PodTemplateSpec } } }>(manifest);
    return fromTemplate(manifest, jobTemplate.spec.template, 0, 1);
  },
  // One pod more while a new member is cloned from the primary.
  Cluster: (manifest) => {
    const { instances, resources } = spec<{ instances: number; resources?: ResourceRequirements }>(manifest);
    const { requests, limits } = amounts([resources, ...sidecars(manifest)]);
    const labels = cnpgLabels(manifest.metadata.name, 'database');
    return { manifest, replicas: instances, surge: 1, requests, limits, labels };
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
    const surge = surgePods(deploymentStrategy?.rollingUpdate?.maxSurge, instances);
    const workload = fromTemplate(manifest, template, instances, surge);
    const labels = { ...cnpgLabels(cluster.name, 'pooler'), 'cnpg.io/poolerName': manifest.metadata.name };
    return { ...workload, labels: { ...workload.labels, ...labels } };
  },
};

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

/** Kubernetes' default: a quarter of the replicas, rounded up. */
function surgePods(maxSurge: number | string = '25%', replicas: number): number {
  if (typeof maxSurge === 'number') return maxSurge;
  return Math.ceil((Number.parseFloat(maxSurge) / 100) * replicas);
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

/** What a pod reserves: its containers and native sidecars together, or a larger init container before them. */
function podAmounts(pod: PodSpec): { requests: Amount; limits: Amount } {
  const init = pod.initContainers ?? [];
  const running = [...pod.containers, ...init.filter(({ restartPolicy }) => restartPolicy === 'Always')];
  const together = amounts(running.map(({ resources }) => resources));
  return init
    .filter(({ restartPolicy }) => restartPolicy !== 'Always')
    .map(({ resources }) => amounts([resources]))
    .reduce(
      (a, b) => ({ requests: larger(a.requests, b.requests), limits: larger(a.limits, b.limits) }),
      together,
    );
}

function larger(a: Amount, b: Amount): Amount {
  return { cpu: Math.max(a.cpu, b.cpu), memory: Math.max(a.memory, b.memory) };
}

function amounts(all: readonly (ResourceRequirements | undefined)[]): { requests: Amount; limits: Amount } {
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
