import type { Manifest } from '../constructs/platform/manifest';
import { type Cluster, Refusal } from './cluster';

/** Label of everything that checks put into a cluster for a while; its value says for what. */
export const TEMPORARY = 'lighthouse/acceptance';

/** Kinds that checks make, in the order of their removal. */
const KINDS = [
  ['v1', 'Pod'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['cert-manager.io/v1', 'Certificate'],
  ['v1', 'Secret'],
  ['v1', 'Namespace'],
] as const;

/** Removes what checks left behind, also those of a run that was killed; says how much it was. */
export async function removeTemporary(cluster: Cluster): Promise<number> {
  const found: Manifest[] = [];
  for (const [apiVersion, kind] of KINDS) found.push(...(await temporaryOf(cluster, apiVersion, kind)));
  for (const object of found) await cluster.remove(object, { gracePeriodSeconds: 0 });
  return found.length;
}

/** None where the cluster does not know the kind. */
async function temporaryOf(cluster: Cluster, apiVersion: string, kind: string): Promise<Manifest[]> {
  try {
    return await cluster.list(apiVersion, kind, undefined, TEMPORARY);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return [];
    throw error;
  }
}
