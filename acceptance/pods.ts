import { spec, type Workload } from '../constructs/platform/workloads';
import type { PodSpec, TopologySpreadConstraint } from '../imports/k8s';
import type { Cluster, Live } from './cluster';

/** A pod as the API server keeps it. */
export interface LivePod extends Live {
  readonly spec: PodSpec & { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

/** All pods of a cluster. */
export async function podsIn(cluster: Cluster): Promise<LivePod[]> {
  return (await cluster.list('v1', 'Pod')) as LivePod[];
}

/** Whether a pod is there to stay and has what it needs: neither finished nor on its way out, and ready. */
export function isReady({ metadata, status }: LivePod): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    conditionOf(status, 'Ready')?.status === 'True' &&
    status?.phase === 'Running'
  );
}

/** Whether a pod's work is done: it counts nowhere any more. */
export function isOver({ status }: LivePod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** Why the scheduler finds no place for a pod; undefined where it has one. */
export function homelessness({ status, spec: { nodeName } }: LivePod): string | undefined {
  if (nodeName !== undefined) return undefined;
  return conditionOf(status, 'PodScheduled')?.message ?? 'the scheduler has not seen it';
}

function conditionOf(
  status: LivePod['status'],
  type: string,
): { status: string; message?: string } | undefined {
  return status?.conditions?.find((each) => each.type === type);
}

type Labels = Readonly<Record<string, string>>;

/** What selects pods: labels that all must be there, and expressions that all must hold. */
export interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** Whether a selector selects labels; an empty one selects everything. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels = {}): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      const isIn = value !== undefined && values.includes(value);
      switch (operator) {
        case 'In':
          return isIn;
        case 'NotIn':
          return !isIn;
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** Labels of nodes, by name. */
export type NodeLabels = ReadonlyMap<string, Labels>;

/**
 * Where pods do not lie as their constraint demands: the fullest domain has more than `maxSkew` pods more than the emptiest.
 * @returns what is wrong, or undefined
 */
export function skewOf(
  { topologyKey, maxSkew, whenUnsatisfiable, labelSelector = {} }: TopologySpreadConstraint,
  pods: readonly LivePod[],
  nodes: NodeLabels,
): string | undefined {
  if (whenUnsatisfiable !== 'DoNotSchedule') return undefined;
  const counts = new Map(
    [...nodes.values()].flatMap((labels) => labels[topologyKey] ?? []).map((domain) => [domain, 0]),
  );
  for (const { metadata, spec: pod } of pods) {
    const domain = nodes.get(pod.nodeName ?? '')?.[topologyKey];
    if (domain !== undefined && selects(labelSelector as Selector, metadata.labels))
      counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  const amounts = [...counts.values()];
  const skew = Math.max(...amounts) - Math.min(...amounts);
  if (amounts.length === 0 || skew <= maxSkew) return undefined;
  const places = [...counts].map(([domain, amount]) => `${amount} in ${domain}`).join(', ');
  return `${topologyKey}: skew ${skew} is over ${maxSkew}: ${places}`;
}

/** Anti-affinity that was demanded and is not kept: pods that share a domain. */
export function crowdsOf(pod: PodSpec, pods: readonly LivePod[], nodes: NodeLabels): string[] {
  const terms = pod.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.flatMap(({ topologyKey, labelSelector = {} }) => {
    const domains = pods
      .filter(({ metadata }) => selects(labelSelector as Selector, metadata.labels))
      .flatMap(({ spec: { nodeName = '' } }) => nodes.get(nodeName)?.[topologyKey] ?? []);
    const shared = domains.filter((domain, index) => domains.indexOf(domain) !== index);
    return [...new Set(shared)].map((domain) => `${topologyKey}: more than one in ${domain}`);
  });
}

/** The pods of a workload that are there to stay. */
export function podsOf({ manifest, labels }: Workload, pods: readonly LivePod[]): LivePod[] {
  return pods.filter(
    (pod) =>
      pod.metadata.namespace === manifest.metadata.namespace &&
      pod.metadata.deletionTimestamp === undefined &&
      !isOver(pod) &&
      selects({ matchLabels: labels }, pod.metadata.labels),
  );
}

interface BudgetSpec {
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
  readonly selector?: Selector;
}

/** A PodDisruptionBudget, reckoned against the pods that it is for. */
export interface Budget {
  readonly name: string;
  readonly namespace?: string;
  readonly selector: Selector;
  /** Pods that belong to it at rest. */
  readonly expected: number;
  /** Pods of it that must be ready at any time. */
  readonly minimum: number;
}

/** Reckons as Kubernetes does: percentages are of what is expected, rounded up. */
export function budgetOf(manifest: Live | Workload['manifest'], workloads: readonly Workload[]): Budget {
  const { minAvailable, maxUnavailable, selector = {} } = spec<BudgetSpec>(manifest);
  const { name, namespace } = manifest.metadata;
  const own = workloads.filter(
    (workload) => workload.manifest.metadata.namespace === namespace && selects(selector, workload.labels),
  );
  const expected = own.reduce((sum, { replicas }) => sum + replicas, 0);
  const minimum =
    minAvailable === undefined
      ? expected - part(maxUnavailable ?? 0, expected)
      : part(minAvailable, expected);
  return { name, namespace, selector, expected, minimum: Math.max(0, minimum) };
}

function part(value: number | string, whole: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) * whole) / 100);
}

/** How many pods of a budget are ready. */
export function readyOf({ namespace, selector }: Budget, pods: readonly LivePod[]): number {
  return pods.filter(
    (pod) => pod.metadata.namespace === namespace && selects(selector, pod.metadata.labels) && isReady(pod),
  ).length;
}
