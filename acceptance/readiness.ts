import type { Manifest } from '../constructs/platform/manifest';
import { OPERATOR_NAMES, operatorChart } from '../constructs/platform-operators/operators';
import { type Cluster, Refusal } from './cluster';
import { foreignNamespaces, storageClasses } from './prerequisites';

/** What a cluster lacks before manifests can be applied to it, one line each with what to do about it. */
export async function missingFor(cluster: Cluster, manifests: readonly Manifest[]): Promise<string[]> {
  const [kinds, classes, namespaces, nodes] = await Promise.all([
    missingKinds(cluster, manifests),
    missingStorage(cluster, manifests),
    missingNamespaces(cluster, manifests),
    cluster.list('v1', 'Node'),
  ]);
  return [
    ...(nodes.length > 0 ? [] : ['the cluster has no node: nothing would run']),
    ...kinds,
    ...classes,
    ...namespaces,
  ];
}

async function missingKinds(cluster: Cluster, manifests: readonly Manifest[]): Promise<string[]> {
  const wanted = new Map(
    manifests.map(({ apiVersion, kind }) => [`${kind} (${apiVersion})`, { apiVersion, kind }]),
  );
  const missing = await Promise.all(
    [...wanted].map(async ([text, { apiVersion, kind }]) => {
      try {
        await cluster.resource(apiVersion, kind);
        return [];
      } catch (error) {
        if (error instanceof Refusal) return [{ text, group: apiVersion.split('/')[0] ?? '' }];
        throw error;
      }
    }),
  );
  const byGroup = new Map<string, string[]>();
  for (const { text, group } of missing.flat()) byGroup.set(group, [...(byGroup.get(group) ?? []), text]);
  return [...byGroup].map(
    ([group, kindsOf]) =>
      `the cluster does not know ${kindsOf.join(', ')}: install ${operatorOf(group)} first`,
  );
}

/** The operator behind an API group, with its chart and the version that this platform is made for. */
function operatorOf(group: string): string {
  const name = OPERATOR_NAMES.find((each) => operatorChart(each).groups.includes(group));
  if (name === undefined) return `what serves ${group}`;
  const { chart, version, repository } = operatorChart(name);
  return `${name} (chart ${chart} ${version} of ${repository})`;
}

async function missingStorage(cluster: Cluster, manifests: readonly Manifest[]): Promise<string[]> {
  const there = await cluster.list('storage.k8s.io/v1', 'StorageClass');
  const known = there.map(({ metadata }) => metadata.name);
  return storageClasses(manifests)
    .filter(({ metadata }) => !known.includes(metadata.name))
    .map(
      ({ metadata: { name } }) =>
        `there is no StorageClass ${name} (there are ${known.join(', ') || 'none'}): make it, or name another in clusters[].storageClass`,
    );
}

/** Namespaces that operators bring with them. */
async function missingNamespaces(cluster: Cluster, manifests: readonly Manifest[]): Promise<string[]> {
  const there = new Set((await cluster.list('v1', 'Namespace')).map(({ metadata }) => metadata.name));
  return foreignNamespaces(manifests)
    .filter((name) => !there.has(name))
    .map(
      (name) =>
        `there is no namespace ${name}, in which ${kindsIn(manifests, name)} are made: its operator brings it`,
    );
}

function kindsIn(manifests: readonly Manifest[], namespace: string): string {
  const kinds = manifests
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ kind }) => `${kind}s`);
  return [...new Set(kinds)].join(', ');
}
