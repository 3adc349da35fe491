import type { Manifest } from '../constructs/platform/manifest';
import { type Workload, workloadsIn } from '../constructs/platform/workloads';
import { identify, identityOf, referencesOf } from '../synth/references';
import type { Cluster, Live } from './cluster';
import { answersTo, badMakers, questionsOf } from './permissions';
import { type Budget, budgetOf, crowdsOf, podsIn, podsOf, skewOf } from './pods';
import type { Finding, Seen } from './report';

/** The label that says in which zone a node is. */
export const ZONE = 'topology.kubernetes.io/zone';

/** Workloads that are always there, wherever their nodes go, and the budgets over their pods. */
export interface Watched {
  readonly workloads: readonly Workload[];
  readonly budgets: readonly Budget[];
}

export function watchedIn(manifests: readonly Manifest[]): Watched {
  const workloads = workloadsIn(manifests).filter(
    ({ manifest, replicas }) => replicas > 0 && manifest.kind !== 'DaemonSet',
  );
  const budgets = manifests
    .filter(({ kind }) => kind === 'PodDisruptionBudget')
    .map((manifest) => budgetOf(manifest, workloads));
  return { workloads, budgets };
}

const NAMED = ['Secret', 'ConfigMap', 'ServiceAccount', 'PersistentVolumeClaim'];

/** Whether what objects name is there, with the keys that they read. */
export async function inspectReferences(cluster: Cluster, manifests: readonly Manifest[]): Promise<Seen> {
  const references = manifests.flatMap((manifest) =>
    referencesOf(manifest)
      .filter(({ to }) => NAMED.some((kind) => to.startsWith(`${kind}/`)))
      .map((reference) => ({ ...reference, name: identityOf(manifest) })),
  );
  const asked = new Map<string, Promise<Live | undefined>>();
  const look = (to: string): Promise<Live | undefined> => {
    const [kind = '', namespace, name = ''] = to.split('/');
    const answer = asked.get(to) ?? cluster.get({ apiVersion: 'v1', kind, metadata: { namespace, name } });
    asked.set(to, answer);
    return answer;
  };
  const findings = await Promise.all(
    references.map(async ({ to, keys, field, name }) => {
      const live = await look(to);
      if (!live) return [{ name, message: `${field} names ${to}, which is not there` }];
      const inside = Object.keys({ ...(live['data'] ?? {}), ...(live['binaryData'] ?? {}) });
      // Nothing is known of what is inside an object that stands in empty.
      return keys
        .filter((key) => inside.length > 0 && !inside.includes(key))
        .map((key) => ({
          name,
          message: `${field} reads ${key} of ${to}, which has only ${inside.join(', ')}`,
        }));
    }),
  );
  return { seen: `${references.length} references to ${asked.size} objects`, findings: findings.flat() };
}

/** Whether service accounts may do what their roles say, and nothing else that matters. */
export async function inspectPermissions(cluster: Cluster, manifests: readonly Manifest[]): Promise<Seen> {
  const questions = questionsOf(manifests);
  const findings = [...badMakers(manifests), ...(await answersTo(cluster, questions))];
  const allowed = questions.filter(({ isAllowed }) => isAllowed).length;
  return { seen: `${allowed} things allowed, ${questions.length - allowed} denied, as declared`, findings };
}

/** Whether pods lie as their constraints demand, and every budget is about pods and lets one of them go. */
export async function inspectPlacement(cluster: Cluster, { workloads, budgets }: Watched): Promise<Seen> {
  const live = await cluster.list('v1', 'Node');
  const nodes = new Map(live.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const pods = await podsIn(cluster);
  const misplaced = workloads.flatMap((workload): Finding[] => {
    const { manifest, replicas, pod = { containers: [] } } = workload;
    const own = podsOf(workload, pods);
    const beside = pods.filter(({ metadata }) => metadata.namespace === manifest.metadata.namespace);
    return [
      ...(own.length === replicas ? [] : [`${own.length} pods instead of ${replicas}`]),
      ...(pod.topologySpreadConstraints ?? []).flatMap((each) => skewOf(each, own, nodes) ?? []),
      ...crowdsOf(pod, beside, nodes),
    ].map((message) => ({ name: identityOf(manifest), message }));
  });
  const zones = new Set(live.map(({ metadata }) => metadata.labels?.[ZONE]));
  const amount = workloads.reduce((sum, { replicas }) => sum + replicas, 0);
  return {
    seen: `${amount} pods of ${workloads.length} workloads over ${live.length} nodes in ${zones.size} zones, ${budgets.length} budgets`,
    findings: [...misplaced, ...budgets.flatMap(uselessness)],
  };
}

function uselessness({ name, namespace, expected, minimum }: Budget): Finding[] {
  const finding = (message: string): Finding[] => [
    { name: identify('PodDisruptionBudget', namespace, name), message },
  ];
  if (expected === 0) return finding('selects no pods');
  return minimum < expected
    ? []
    : finding(`lets none of its ${expected} pods go: no node of theirs can be drained`);
}
