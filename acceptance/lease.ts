import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Manifest } from '../constructs/platform/manifest';
import { type Cluster, Refusal } from './cluster';

/** Seconds after which a lease that nobody renews is anybody's. */
const SECONDS = 60;

/**
 * Runs something that only one at a time may do to a cluster.
 * @throws Error where another run is at it
 */
export async function alone<T>(cluster: Cluster, use: () => Promise<T>): Promise<T> {
  const holder = `${hostname()} ${process.pid} ${randomUUID()}`;
  await take(cluster, holder);
  const renewal = setInterval(
    () => void cluster.apply(lease(holder)).catch(() => undefined),
    (SECONDS / 4) * 1000,
  );
  try {
    return await use();
  } finally {
    clearInterval(renewal);
    await release(cluster);
  }
}

/** Lets the next run begin; for whoever holds the lease. */
export function release(cluster: Cluster): Promise<void> {
  return cluster.remove(lease(''));
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly renewTime?: string;
}

function lease(holder: string): Manifest {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'lighthouse-e2e', namespace: 'default' },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: SECONDS,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  };
}

async function take(cluster: Cluster, holder: string): Promise<void> {
  const wanted = lease(holder);
  const there = await cluster.get(wanted);
  if (there) {
    const { holderIdentity = 'somebody', renewTime = '' } = (there['spec'] ?? {}) as LeaseSpec;
    const age = (Date.now() - Date.parse(renewTime)) / 1000;
    if (age < SECONDS) {
      throw new Error(
        `another run is at this cluster (${holderIdentity}, ${age.toFixed(0)} s ago): wait for its end; one that was killed is forgotten after ${SECONDS} s`,
      );
    }
    // Whoever deletes this very one may go on; another that tried the same is refused.
    await cluster.remove(there, { preconditions: { uid: there.metadata.uid } });
  }
  const path = (await cluster.pathOf(wanted)).replace(/\/[^/]*$/, '');
  try {
    await cluster.request('POST', path, { body: wanted });
  } catch (error) {
    if (error instanceof Refusal && error.status === 409)
      throw new Error('another run has just begun at this cluster: wait for its end', { cause: error });
    throw error;
  }
}
