import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster as Place } from '../config/schema';
import type { Manifest } from '../constructs/platform/manifest';
import type { Printed } from '../synth/dist';
import { waitForHealth } from './apply';
import type { Cluster } from './cluster';
import { foreignNamespaces, namespace, nodesOf, PROVISIONER, storageClasses } from './prerequisites';

/** Seconds that definitions and nodes have to be ready. */
const READY_SECONDS = 60;

/**
 * Makes what an environment stands on and does not make itself: definitions, the namespaces of operators, classes of volumes,
 * nodes. A cluster that has nodes keeps them.
 * @returns what was made
 * @throws Error where something of it is there already: the cluster is somebody's, and what is tried here would change it
 */
export async function prepare(
  cluster: Cluster,
  objects: readonly Printed[],
  place: Place,
  definitions: readonly Manifest[],
): Promise<Manifest[]> {
  const manifests = objects.map(({ manifest }) => manifest);
  const namespaces = foreignNamespaces(manifests).map(namespace);
  const own = manifests.filter(({ kind }) => kind === 'Namespace');
  await refuseUnlessBare(cluster, [...definitions, ...namespaces, ...own]);

  const made = [...definitions, ...namespaces, ...storageClasses(manifests)];
  await Promise.all(made.map((manifest) => cluster.apply(manifest)));
  const isEmpty = (await cluster.list('v1', 'Node')).length === 0;
  const nodes = isEmpty ? nodesOf(place) : [];
  // A status counts where a node registers itself, not where somebody applies one.
  await Promise.all(nodes.map((node) => cluster.request('POST', '/api/v1/nodes', { body: node })));
  const waiting = await waitForHealth(cluster, [...definitions, ...nodes], READY_SECONDS);
  const [first] = waiting;
  if (first)
    throw new Error(
      `${first.identity}: not ready after ${READY_SECONDS} s (${first.message}); nodes need kwok at work on this cluster`,
    );
  return [...made, ...nodes];
}

/**
 * Removes what was made on a cluster that stays. Namespaces take along what is in them; before they are gone for good, so
 * is everything that acceptance made.
 */
export async function tidy(cluster: Cluster, made: readonly (Manifest | Printed)[]): Promise<void> {
  const manifests = made.map((each) =>
    'manifest' in each ? (each as Printed).manifest : (each as Manifest),
  );
  const wide = manifests.filter(({ metadata }) => metadata.namespace === undefined);
  const volumes = await cluster.list('v1', 'PersistentVolume');
  const own = volumes.filter(
    ({ metadata }) => metadata.annotations?.['pv.kubernetes.io/provisioned-by'] === PROVISIONER,
  );
  // Definitions last: with them goes what is of their kind, and a namespace may still hold some.
  const isDefinition = ({ kind }: Manifest): boolean => kind === 'CustomResourceDefinition';
  for (const object of [...own, ...wide.filter((each) => !isDefinition(each))]) await cluster.remove(object);
  const namespaces = wide.filter(({ kind }) => kind === 'Namespace');
  for (let tries = 0; tries < READY_SECONDS * 2; tries++) {
    const left = await Promise.all(namespaces.map((each) => cluster.get(each)));
    if (left.every((each) => each === undefined)) break;
    await sleep(500);
  }
  for (const object of wide.filter(isDefinition)) await cluster.remove(object);
}

async function refuseUnlessBare(cluster: Cluster, wanted: readonly Manifest[]): Promise<void> {
  const there = await Promise.all(wanted.map(async (each) => ((await cluster.get(each)) ? each : undefined)));
  const [first] = there.filter((each) => each !== undefined);
  if (!first) return;
  throw new Error(
    `${cluster.kubeconfig}: the cluster has ${first.kind} ${first.metadata.name} already; acceptance applies, drains and rolls ` +
      'everything, so it is for a cluster with nothing on it; `npm run e2e` tries one that is in use',
  );
}
