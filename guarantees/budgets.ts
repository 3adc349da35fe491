import { OPERATORS, type OperatorChart } from '../constructs/platform-operators/operators';
import { NODES } from '../constructs/platform/labels';
import { formatBytes, formatCores, parseQuantity } from '../constructs/platform/quantity';
import { Amount, spec, totalOf } from '../constructs/platform/workloads';
import { inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import { bytes, cores, percent } from './figures';
import type { Fact, Finding, Guarantee } from './guarantee';

/**
 * Whatever the pods reserve at one moment, updates, jobs and operators included, is granted by the quota of their
 * namespace, stays in the environment's budget, and finds room on the nodes; and the pods at rest find room on the nodes
 * that are left when the largest zone is gone.
 */
export const budgets: Guarantee = {
  name: 'budgets',
  check: (platform) => {
    const load = loadOf(platform);
    return {
      findings: [
        ...uncounted(platform),
        ...miscounted(platform),
        ...overQuota(platform),
        ...overBudget(platform, load),
        ...homelessPods(platform, load),
      ],
      facts: facts(platform, load),
    };
  },
};

/** Equal pods, and where they come from. */
interface Group {
  readonly path: string;
  /** As in `StatefulSet redis/cache-members`. */
  readonly name: string;
  readonly namespace: string;
  readonly requests: Amount;
  /** Pods at rest. */
  readonly rest: number;
  /** Pods at the worst moment. */
  readonly peak: number;
  /** Whether every node has one, and a node that is gone takes it along. */
  readonly isOnEveryNode: boolean;
}

const RESOURCES = ['cpu', 'memory'] as const;

const FORMAT = { cpu: cores, memory: bytes };

/** What development must stay under: it is to run on one laptop. */
const LAPTOP = 8 * 2 ** 30;

function loadOf(platform: Platform): Group[] {
  const own = inventoryOf(platform).pods.map(({ object, workload, namespace }) => ({
    path: object.path,
    name: `${object.manifest.kind} ${namespace}/${object.manifest.metadata.name}`,
    namespace,
    requests: workload.requests,
    rest: workload.replicas,
    peak: workload.replicas + workload.surge,
    isOnEveryNode: object.manifest.kind === 'DaemonSet',
  }));
  return [...own, ...operatorsIn(platform)];
}

const CHARTS: ReadonlyMap<string, OperatorChart> = new Map(
  Object.values<OperatorChart>(OPERATORS).map((operator) => [operator.chart, operator]),
);

/** The operators that this platform installs, each as one pod of what all of its pods reserve, or as one on every node. */
function operatorsIn({ objects, cluster }: Platform): Group[] {
  return objects.flatMap(({ path, manifest }) => {
    const operator = CHARTS.get(chartOf(manifest) ?? '');
    if (!operator) return [];
    const { chart, namespace, requests, isOnEveryNode = false } = operator;
    const amount = { cpu: parseQuantity(requests.cpu), memory: parseQuantity(requests.memory) };
    const name = `chart ${namespace}/${chart}`;
    // One more while an update rolls, where there is one on every node.
    const pods = isOnEveryNode
      ? { rest: cluster.nodes.count, peak: cluster.nodes.count + 1 }
      : { rest: 1, peak: 1 };
    return { path, name, namespace, requests: amount, ...pods, isOnEveryNode };
  });
}

function chartOf(manifest: Platform['objects'][number]['manifest']): string | undefined {
  if (manifest.kind !== 'Application') return undefined;
  return spec<{ source?: { chart?: string } }>(manifest).source?.chart;
}

/** Kinds whose pods nothing here knows how to count. */
const UNCOUNTED: ReadonlySet<string> = new Set(['Pod', 'ReplicaSet']);

function uncounted({ objects }: Platform): Finding[] {
  return objects.flatMap(({ path, manifest }) => {
    const chart = chartOf(manifest);
    if (chart === undefined ? !UNCOUNTED.has(manifest.kind) : CHARTS.has(chart)) return [];
    return {
      path,
      cause: `the pods of ${manifest.kind} ${manifest.metadata.name}${chart === undefined ? '' : ` (chart ${chart})`} are not counted`,
      remedy:
        chart === undefined
          ? 'teach constructs/platform/workloads.ts to read this kind'
          : 'add the chart with its requests to constructs/platform-operators/operators.ts',
    };
  });
}

/** DaemonSets that were told another number of nodes than the cluster has. */
function miscounted({ objects, cluster }: Platform): Finding[] {
  return objects.flatMap(({ path, manifest: { kind, metadata } }) => {
    const told = metadata.annotations?.[NODES];
    if (kind !== 'DaemonSet' || told === String(cluster.nodes.count)) return [];
    return {
      path,
      cause: `DaemonSet ${metadata.name} counts ${told ?? 'no'} nodes, the cluster has ${cluster.nodes.count}`,
      remedy: `write clusters[].nodes.count as annotation ${NODES}`,
    };
  });
}

function overQuota(platform: Platform): Finding[] {
  const { pods } = inventoryOf(platform);
  return platform.objects
    .filter(({ manifest }) => manifest.kind === 'ResourceQuota')
    .flatMap(({ path, manifest }) => {
      const { hard = {} } = spec<{ hard?: Readonly<Record<string, string>> }>(manifest);
      const { namespace } = manifest.metadata;
      const needed = needsOf(pods.filter((source) => source.namespace === namespace));
      return Object.entries(needed).flatMap(([name, { amount, format }]) => {
        const granted = hard[name];
        // What has no limit at all is the containers' fault, not the quota's.
        if (granted === undefined || !Number.isFinite(amount)) return [];
        if (amount <= parseQuantity(granted) * (1 + 1e-9)) return [];
        return {
          path,
          cause: `quota of namespace ${namespace} grants ${name} ${granted}, its pods need ${format(amount)} at one moment`,
          remedy:
            'build what makes the pods inside the same PlatformNamespace as the quota, or count it there',
        };
      });
    });
}

function needsOf(
  sources: readonly PodSource[],
): Record<string, { amount: number; format: (amount: number) => string }> {
  const workloads = sources.map(({ workload }) => workload);
  const requests = totalOf(workloads, 'requests');
  const limits = totalOf(workloads, 'limits');
  const pods = workloads.reduce((sum, { replicas, surge }) => sum + replicas + surge, 0);
  return {
    pods: { amount: pods, format: String },
    'requests.cpu': { amount: requests.cpu, format: formatCores },
    'requests.memory': { amount: requests.memory, format: formatBytes },
    'limits.memory': { amount: limits.memory, format: formatBytes },
  };
}

function overBudget({ environment }: Platform, load: readonly Group[]): Finding[] {
  const total = sum(load, 'peak');
  const tooMuch = RESOURCES.flatMap((resource) => {
    const format = FORMAT[resource];
    const budget = environment.budgets[resource];
    const largest = largestIn(load, resource);
    if (!largest || total[resource] <= parseQuantity(budget) * (1 + 1e-9)) return [];
    const part = format(largest.peak * largest.requests[resource]);
    return {
      path: largest.path,
      cause: `the pods of the cluster reserve ${format(total[resource])} of ${resource} at one moment, budgets.${resource} is ${budget}; the largest part, ${part}, is ${largest.name}`,
      remedy: `raise budgets.${resource} in config/${environment.environment}.yaml, or give less to services`,
    };
  });
  const largest = largestIn(load, 'memory');
  if (environment.environment !== 'development' || !largest || total.memory < LAPTOP) return tooMuch;
  const overLaptop = {
    path: largest.path,
    cause: `development reserves ${bytes(total.memory)} of memory, it must stay under ${bytes(LAPTOP)}; the largest part is ${largest.name}`,
    remedy: 'give less memory to services in config/development.yaml',
  };
  return [...tooMuch, overLaptop];
}

/** Pods that no node has room for: on all nodes at the worst moment, and at rest on those of the other zones. */
function homelessPods({ cluster }: Platform, load: readonly Group[]): Finding[] {
  const node = nodeOf(cluster);
  const size = `${cluster.nodes.cpu} CPU and ${cluster.nodes.memory}`;
  const tooLarge = load.filter((group) => group.peak > 0 && !fits(group.requests, node));
  if (tooLarge.length > 0) {
    return tooLarge.map(({ path, name, requests }) => ({
      path,
      cause: `a pod of ${name} reserves ${formatCores(requests.cpu)} CPU and ${formatBytes(requests.memory)}, a node has ${size}`,
      remedy: 'give the pod less or the cluster larger nodes (clusters[].nodes)',
    }));
  }
  return [
    { nodes: cluster.nodes.count, when: 'peak' as const, which: 'nodes' },
    ...(cluster.zones.length > 1
      ? [{ nodes: nodesLeft(cluster), when: 'rest' as const, which: 'nodes left without the largest zone' }]
      : []),
  ].flatMap(({ nodes, when, which }) => {
    const homeless = pack(load, when, nodes, node);
    if (!homeless) return [];
    const total = sum(load, when);
    return {
      path: homeless.path,
      cause: `no room for a pod of ${homeless.name} (${formatCores(homeless.requests.cpu)} CPU, ${formatBytes(homeless.requests.memory)}) on the ${nodes} ${which} of ${size}: all pods reserve ${formatCores(total.cpu)} CPU and ${formatBytes(total.memory)} ${when === 'peak' ? 'at one moment' : 'at rest'}`,
      remedy: 'give services less or the cluster more nodes (clusters[].nodes)',
    };
  });
}

/** Zones differ by one node at most; the fuller one is the one that goes. */
function nodesLeft({ nodes, zones }: Platform['cluster']): number {
  return nodes.count - Math.ceil(nodes.count / zones.length);
}

function nodeOf({ nodes }: Platform['cluster']): Amount {
  return { cpu: parseQuantity(nodes.cpu), memory: parseQuantity(nodes.memory) };
}

/**
 * Puts the largest pods first, each on the first node with room beside what runs on every node; the first that finds
 * none, if there is one.
 */
function pack(load: readonly Group[], when: 'rest' | 'peak', nodes: number, node: Amount): Group | undefined {
  const share = ({ requests }: Group): number =>
    Math.max(requests.cpu / node.cpu, requests.memory / node.memory);
  const left = beside(
    load.filter(({ isOnEveryNode }) => isOnEveryNode),
    when,
    node,
  );
  const placed = load.filter(({ isOnEveryNode }) => !isOnEveryNode);
  const pods = placed.reduce((count, group) => count + group[when], 0);
  const free = Array.from({ length: Math.min(nodes, pods) }, () => ({ ...left }));
  for (const group of placed.toSorted((a, b) => share(b) - share(a))) {
    let at = 0;
    for (let pod = 0; pod < group[when]; pod++) {
      let room = free[at];
      // Where one pod of the group found no room, none of its equals will.
      while (room && !fits(group.requests, room)) room = free[++at];
      if (!room) return group;
      room.cpu -= group.requests.cpu;
      room.memory -= group.requests.memory;
    }
  }
  return undefined;
}

/** What a node has left beside the pods that every node has, during their updates too. */
function beside(everywhere: readonly Group[], when: 'rest' | 'peak', node: Amount): Amount {
  return everywhere.reduce<Amount>((left, { requests, rest, peak }) => {
    const pods = when === 'peak' && peak > rest ? 2 : 1;
    return { cpu: left.cpu - pods * requests.cpu, memory: left.memory - pods * requests.memory };
  }, node);
}

function fits(requests: Amount, room: Amount): boolean {
  return requests.cpu <= room.cpu + 1e-9 && requests.memory <= room.memory;
}

function sum(load: readonly Group[], when: 'rest' | 'peak'): Amount {
  return load.reduce<Amount>(
    ({ cpu, memory }, group) => ({
      cpu: cpu + group[when] * group.requests.cpu,
      memory: memory + group[when] * group.requests.memory,
    }),
    { cpu: 0, memory: 0 },
  );
}

function largestIn(load: readonly Group[], resource: 'cpu' | 'memory'): Group | undefined {
  const part = (group: Group): number => group.peak * group.requests[resource];
  return load.reduce<Group | undefined>(
    (largest, group) => (largest && part(largest) >= part(group) ? largest : group),
    undefined,
  );
}

function facts({ environment, cluster }: Platform, load: readonly Group[]): Fact[] {
  const peak = sum(load, 'peak');
  const rest = sum(load, 'rest');
  const node = nodeOf(cluster);
  const all = (resource: 'cpu' | 'memory'): string => {
    const budget = parseQuantity(environment.budgets[resource]);
    const format = FORMAT[resource];
    return `${format(peak[resource])} at the most, ${format(rest[resource])} at rest; ${percent(peak[resource], budget)} of the budget of ${format(budget)}`;
  };
  const namespaces = [...new Set(load.map(({ namespace }) => namespace))];
  const left = nodesLeft(cluster) * node.memory;
  return [
    ...load
      .filter((group) => group.rest > 0)
      .map(({ name, rest, requests }) => ({
        subject: `memory of ${name}`,
        figure: `${rest} × ${bytes(requests.memory)}`,
      })),
    ...namespaces.map((namespace) => ({
      subject: `memory of namespace ${namespace}`,
      figure: bytes(
        sum(
          load.filter((group) => group.namespace === namespace),
          'peak',
        ).memory,
      ),
    })),
    { subject: 'memory in all', figure: all('memory') },
    { subject: 'CPU in all', figure: all('cpu') },
    {
      subject: 'memory of the nodes',
      figure: `${percent(peak.memory, cluster.nodes.count * node.memory)} reserved at the most`,
    },
    ...(cluster.zones.length > 1
      ? [
          {
            subject: 'memory of the nodes without one zone',
            figure: `${percent(rest.memory, left)} reserved by the pods at rest`,
          },
        ]
      : []),
  ];
}
