import type { PodAntiAffinity, PodDisruptionBudgetSpec, TopologySpreadConstraint } from '../imports/k8s';
import type { ClusterSpec } from '../imports/postgresql.cnpg.io';
import { spec } from '../constructs/platform/workloads';
import { inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import type { Fact, Finding, Guarantee } from './guarantee';
import { selects } from './label-selector';

/**
 * A node can be drained, an update comes to its end, and where the environment requires spreading, a node or a zone can
 * be lost: what is left still serves, and what votes still has a majority.
 */
export const drains: Guarantee = {
  name: 'drains',
  check: (platform) => {
    // What runs on every node is not evicted by a drain: it goes and comes with its node.
    const sets = inventoryOf(platform).pods.filter(
      ({ object, workload }) => workload.replicas > 0 && object.manifest.kind !== 'DaemonSet',
    );
    const printed = printedBudgets(platform);
    const findings: Finding[] = [];
    const facts: Fact[] = [];
    for (const source of sets) {
      const set = read(source, platform, printed);
      findings.push(...eviction(set), ...placement(set), ...update(set), ...gracePeriod(set));
      if (platform.environment.spreading === 'required') findings.push(...losses(set));
      facts.push(fact(set));
    }
    return { findings, facts };
  },
};

const ZONE = 'topology.kubernetes.io/zone';
const NODE = 'kubernetes.io/hostname';

/** Pods of one kind, and all that decides where they are and how many of them may go. */
interface PodSet {
  readonly source: PodSource;
  /** As in `StatefulSet redis/cache-members`. */
  readonly name: string;
  readonly pods: number;
  /** How many must be left: a majority of those that vote, and one of all others. */
  readonly needed: number;
  readonly votes: boolean;
  /** How many may be evicted at once; undefined where no disruption budget is. */
  readonly evictable?: number;
  /** Disruption budgets over these pods. */
  readonly budgets: number;
  readonly domains: readonly Domain[];
}

/** What can be lost in one piece, and how many of the pods may be in it. */
interface Domain {
  readonly key: string;
  readonly name: 'zone' | 'node';
  readonly count: number;
  readonly together: number;
  /** What keeps the pods apart. */
  readonly rule: 'anti-affinity' | 'spreading' | 'none';
}

interface PrintedBudget {
  readonly namespace?: string;
  readonly rule: PodDisruptionBudgetSpec;
}

function printedBudgets({ objects }: Platform): PrintedBudget[] {
  return objects
    .filter(({ manifest }) => manifest.kind === 'PodDisruptionBudget')
    .map(({ manifest }) => ({
      namespace: manifest.metadata.namespace,
      rule: spec<PodDisruptionBudgetSpec>(manifest),
    }));
}

function read(source: PodSource, { cluster }: Platform, printed: readonly PrintedBudget[]): PodSet {
  const { object, workload, namespace } = source;
  const { kind, metadata } = object.manifest;
  const pods = workload.replicas;
  // What has an identity of its own votes here: members of Redis, of the vector database, instances of PostgreSQL.
  const votes = kind === 'StatefulSet' || kind === 'Cluster';
  const own = printed.filter(
    (budget) => budget.namespace === namespace && selects(budget.rule.selector, workload.labels),
  );
  const rules = rulesOf(source);
  return {
    source,
    name: `${kind} ${namespace}/${metadata.name}`,
    pods,
    votes,
    needed: Math.max(votes ? Math.floor(pods / 2) + 1 : 1, acknowledging(source)),
    budgets: own.length + (hasOperatorBudget(source) ? 1 : 0),
    evictable: hasOperatorBudget(source)
      ? Math.min(1, pods - 1)
      : own.map(({ rule }) => allowed(rule, pods)).reduce<number | undefined>(least, undefined),
    domains: [
      { key: ZONE, name: 'zone' as const, count: cluster.zones.length },
      { key: NODE, name: 'node' as const, count: cluster.nodes.count },
    ].map((domain) => ({ ...domain, ...together(rules, domain.key, pods, domain.count) })),
  };
}

function least(a: number | undefined, b: number): number {
  return a === undefined ? b : Math.min(a, b);
}

/** Members without which a primary that must be acknowledged accepts no writes: itself and those that acknowledge. */
function acknowledging({ object, workload }: PodSource): number {
  if (object.manifest.kind !== 'Cluster' || workload.replicas === 1) return 0;
  const { synchronous } = spec<ClusterSpec>(object.manifest).postgresql ?? {};
  return synchronous?.dataDurability === 'preferred' ? 0 : 1 + (synchronous?.number ?? -1);
}

/**
 * CloudNativePG's own budgets (pkg/specs/poddisruptionbudget.go): the primary may not be evicted, and moves to another
 * instance when its node is drained; of the others one may go.
 */
function hasOperatorBudget({ object: { manifest } }: PodSource): boolean {
  return manifest.kind === 'Cluster' && spec<ClusterSpec>(manifest).enablePDB !== false;
}

/** Pods that a budget lets go at once; a part of them is rounded up, as the disruption controller does. */
function allowed({ maxUnavailable, minAvailable }: PodDisruptionBudgetSpec, pods: number): number {
  const count = (value: number | string): number =>
    typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) / 100) * pods);
  if (maxUnavailable !== undefined) return Math.min(count(maxUnavailable), pods);
  return pods - count(minAvailable ?? 1);
}

interface Rules {
  /** Topology keys that no two of the pods may share a value of. */
  readonly apart: ReadonlySet<string>;
  readonly spread: readonly TopologySpreadConstraint[];
}

function rulesOf({ object: { manifest }, workload }: PodSource): Rules {
  const { labels, pod } = workload;
  if (manifest.kind === 'Cluster') {
    const { affinity = {}, topologySpreadConstraints = [] } = spec<ClusterSpec>(manifest);
    const { enablePodAntiAffinity = true, podAntiAffinityType, topologyKey = NODE } = affinity;
    const isApart = enablePodAntiAffinity && podAntiAffinityType === 'required';
    return {
      apart: new Set([
        ...(isApart ? [topologyKey] : []),
        ...apartBy(affinity.additionalPodAntiAffinity, labels),
      ]),
      spread: topologySpreadConstraints.filter((constraint) => holds(constraint, labels)),
    };
  }
  return {
    apart: apartBy(pod?.affinity?.podAntiAffinity, labels),
    spread: (pod?.topologySpreadConstraints ?? []).filter((constraint) => holds(constraint, labels)),
  };
}

function apartBy(rule: PodAntiAffinity | undefined, labels: PodSource['workload']['labels']): Set<string> {
  const terms = rule?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return new Set(
    terms.filter(({ labelSelector }) => selects(labelSelector, labels)).map(({ topologyKey }) => topologyKey),
  );
}

/** Whether a constraint is more than a wish, and about these pods. */
function holds(
  { whenUnsatisfiable, labelSelector }: TopologySpreadConstraint,
  labels: PodSource['workload']['labels'],
): boolean {
  return whenUnsatisfiable === 'DoNotSchedule' && selects(labelSelector, labels);
}

/** The most pods that one domain may come to hold. */
function together(
  { apart, spread }: Rules,
  key: string,
  pods: number,
  domains: number,
): Pick<Domain, 'together' | 'rule'> {
  if (apart.has(key)) return { together: 1, rule: 'anti-affinity' };
  const skews = spread.filter(({ topologyKey }) => topologyKey === key).map(({ maxSkew }) => maxSkew);
  if (skews.length === 0) return { together: pods, rule: 'none' };
  // All others hold maxSkew fewer than the fullest: m + (domains - 1) (m - maxSkew) ≤ pods.
  const most = Math.floor((pods + (domains - 1) * Math.min(...skews)) / domains);
  return { together: Math.min(pods, Math.max(most, 1)), rule: 'spreading' };
}

function eviction({ source, name, pods, needed, votes, budgets, evictable }: PodSet): Finding[] {
  const { path } = source.object;
  if (budgets > 1) {
    return [
      {
        path,
        cause: `${budgets} disruption budgets select the pods of ${name}; Kubernetes then refuses every eviction`,
        remedy: 'leave one PodDisruptionBudget',
      },
    ];
  }
  if (evictable === undefined) {
    if (pods === 1) return [];
    return [
      {
        path,
        cause: `${name} has ${pods} pods and no disruption budget: two drains at once may take all of them`,
        remedy: 'add a PodDisruptionBudget with maxUnavailable: 1 (a Cluster: enablePDB)',
      },
    ];
  }
  if (evictable < 1) {
    return [
      {
        path,
        cause: `the disruption budget of ${name} lets none of its ${pods} pod(s) go: a drain of their node never ends`,
        remedy:
          pods === 1
            ? 'leave the budget out where there is one pod (a Cluster: enablePDB: false)'
            : 'write maxUnavailable: 1',
      },
    ];
  }
  if (pods - evictable >= needed || pods === 1) return [];
  return [
    {
      path,
      cause: `the disruption budget of ${name} lets ${evictable} of ${pods} pods go at once, ${needed} are needed${votes ? ' for a majority' : ''}`,
      remedy: 'write maxUnavailable: 1, and have at least three members where they vote',
    },
  ];
}

function placement({ source, name, pods, domains }: PodSet): Finding[] {
  return domains
    .filter(({ rule, count }) => rule === 'anti-affinity' && pods > count)
    .map((domain) => ({
      path: source.object.path,
      cause: `${name} has ${pods} pods that may not share a ${domain.name}, the cluster has ${domain.count}`,
      remedy: `have at most as many pods as ${domain.name}s, or spread them evenly instead of keeping them apart`,
    }));
}

/** A drill: each kind of domain loses the member with the most of the pods. */
function losses({ source, name, pods, needed, votes, domains }: PodSet): Finding[] {
  if (pods === 1) return [];
  const zone = domains.find((domain) => domain.name === 'zone')?.together ?? pods;
  return domains
    .filter(({ count }) => count > 1)
    .flatMap((domain) => {
      // A node lies in a zone: it holds no more than its zone does.
      const lost = Math.min(domain.together, domain.name === 'node' ? zone : pods);
      const left = pods - lost;
      if (left >= needed) return [];
      return {
        path: source.object.path,
        cause: `${lost} of the ${pods} pods of ${name} may be in one ${domain.name}; without it ${left} are left, ${needed} are needed${votes ? ' to vote and to acknowledge' : ''}`,
        remedy:
          domain.rule === 'none'
            ? `spread them over ${domain.name}s: spread(connections, 'required')`
            : `have three ${domain.name}s or more, and as many pods`,
      };
    });
}

/** An update that may take no pod away first, and finds no place for one more. */
function update({ source, name, pods, domains }: PodSet): Finding[] {
  const { update: rolling } = source.workload;
  if (!rolling || rolling.unavailable > 0) return [];
  return domains
    .filter(({ rule, count }) => rule !== 'none' && pods >= count && (rule === 'anti-affinity' || count > 1))
    .slice(0, 1)
    .map((domain) => ({
      path: source.object.path,
      cause: `an update of ${name} makes ${rolling.surge} pod(s) more before it takes one away: with ${pods} pods in ${domain.count} ${domain.name}(s) under ${domain.rule} it never ends${domain.rule === 'spreading' ? ` while a ${domain.name} is down or full` : ''}`,
      remedy: 'write rollingUpdate: { maxSurge: 0, maxUnavailable: 1 }',
    }));
}

function gracePeriod({ source: { object, workload }, name }: PodSet): Finding[] {
  const { path, manifest } = object;
  if (manifest.kind === 'Cluster') {
    if (spec<ClusterSpec>(manifest).stopDelay !== undefined) return [];
    return [
      {
        path,
        cause: `${name} states no stopDelay: a drain may wait half an hour for it (1800 s)`,
        remedy: 'state how many seconds it may take to stop',
      },
    ];
  }
  if (workload.pod?.terminationGracePeriodSeconds !== undefined) return [];
  return [
    {
      path,
      cause: `${name} states no terminationGracePeriodSeconds: it is killed after 30 s whatever it is doing`,
      remedy: 'state how many seconds it may take to stop',
    },
  ];
}

function fact({ name, pods, needed, votes, evictable, domains }: PodSet): Fact {
  if (pods === 1) return { subject: name, figure: '1 pod: away until it runs elsewhere' };
  const zone = domains.find((domain) => domain.name === 'zone');
  const lost = Math.min(zone?.together ?? pods, pods);
  const spreadOver =
    zone && zone.count > 1 ? `${pods - lost} left without a zone (${needed} needed)` : `${needed} needed`;
  const voting = votes ? ', voting' : '';
  return {
    subject: name,
    figure: `${pods} pods${voting}, ${evictable ?? 0} evicted at a time, ${spreadOver}`,
  };
}
