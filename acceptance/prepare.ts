import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster as Place } from '../config/schema';
import type { Manifest } from '../constructs/platform/manifest';
import type { Printed } from '../synth/dist';
import { identityOf } from '../synth/references';
import { waitForHealth } from './apply';
import { type Cluster, Refusal } from './cluster';
import { foreignNamespaces, namespace, nodesOf, PROVISIONER, storageClasses } from './prerequisites';

/** Seconds that definitions and nodes have to be ready: 5 to 10 on a machine that does nothing else. */
const READY_SECONDS = 180;

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

  const ground = [...definitions, ...namespaces, ...storageClasses(manifests)];
  const isEmpty = (await cluster.list('v1', 'Node')).length === 0;
  const nodes = isEmpty ? nodesOf(place) : [];
  const made = [...ground, ...nodes];
  try {
    await Promise.all(ground.map((manifest) => cluster.apply(manifest)));
    // A status counts where a node registers itself, not where somebody applies one.
    await Promise.all(nodes.map((node) => cluster.request('POST', '/api/v1/nodes', { body: node })));
    await beReady(cluster, [...definitions, ...nodes]);
  } catch (error) {
    await tidy(cluster, made);
    throw error;
  }
  return made;
}

async function beReady(cluster: Cluster, objects: readonly Manifest[]): Promise<void> {
  const [first] = await waitForHealth(cluster, objects, READY_SECONDS);
  if (!first) return;
  throw new Error(
    `${first.identity}: not ready after ${READY_SECONDS} s (${first.message}); nodes need kwok at work on this cluster`,
  );
}

/**
 * Removes what was made on a cluster that stays. Namespaces go first and take along what is in them, while their nodes still
 * end their pods and their definitions still say what they hold.
 * @throws Error where they do not go
 */
export async function tidy(cluster: Cluster, made: readonly Manifest[]): Promise<void> {
  const wide = made.filter(({ metadata }) => metadata.namespace === undefined);
  const namespaces = wide.filter(({ kind }) => kind === 'Namespace');
  for (const object of namespaces) await cluster.remove(object);
  await gone(cluster, namespaces);
  const volumes = await cluster.list('v1', 'PersistentVolume');
  const own = volumes.filter(
    ({ metadata }) => metadata.annotations?.['pv.kubernetes.io/provisioned-by'] === PROVISIONER,
  );
  // Definitions were made first and go last: without one, nobody knows what is of its kind.
  for (const object of [...own, ...wide.toReversed()]) await cluster.remove(object);
  await gone(cluster, [...own, ...wide]);
}

async function gone(cluster: Cluster, objects: readonly Manifest[]): Promise<void> {
  const end = performance.now() + READY_SECONDS * 1000;
  for (;;) {
    const left = [];
    for (const object of objects) if (await isThere(cluster, object)) left.push(identityOf(object));
    if (left.length === 0) return;
    if (performance.now() > end)
      throw new Error(
        `${cluster.kubeconfig}: not gone after ${READY_SECONDS} s: ${left.join(', ')}; remove them by hand`,
      );
    await sleep(500);
  }
}

/** What is of a kind that the cluster does not know is not there. */
async function isThere(cluster: Cluster, object: Manifest): Promise<boolean> {
  try {
    return (await cluster.get(object)) !== undefined;
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return false;
    throw error;
  }
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
