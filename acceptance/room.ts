import type { ResourceQuotaSpec } from '../imports/k8s';
import type { Resources } from '../constructs/platform/pod';
import { formatBytes, formatCores, parseQuantity } from '../constructs/platform/quantity';
import { spec } from '../constructs/platform/workloads';
import type { Cluster, Live } from './cluster';

type Hard = NonNullable<ResourceQuotaSpec['hard']>;

/**
 * Makes room for one pod more in a namespace's quotas for as long as something is done there: they count what the platform
 * runs itself, and where no job has finished, all of it is in use.
 */
export async function withRoom<T>(
  cluster: Cluster,
  namespace: string,
  size: Resources,
  use: () => Promise<T>,
): Promise<T> {
  const quotas = await cluster.list('v1', 'ResourceQuota', namespace);
  const hard = (quota: Live): Hard => spec<ResourceQuotaSpec>(quota).hard ?? {};
  const set = async (quota: Live, amounts: Hard): Promise<void> => {
    await cluster.request('PATCH', await cluster.pathOf(quota), {
      body: { spec: { hard: amounts } },
      contentType: 'application/merge-patch+json',
    });
  };
  for (const quota of quotas) await set(quota, roomier(hard(quota), size));
  try {
    return await use();
  } finally {
    for (const quota of quotas) await set(quota, hard(quota));
  }
}

/** The amounts of a quota, and one pod of a size more. */
export function roomier(hard: Hard, { cpu, memory }: Resources): Hard {
  const more: Readonly<Record<string, (amount: number) => string>> = {
    pods: (amount) => String(amount + 1),
    'requests.cpu': (amount) => formatCores(amount + parseQuantity(cpu)),
    'requests.memory': (amount) => formatBytes(amount + parseQuantity(memory)),
    'limits.memory': (amount) => formatBytes(amount + parseQuantity(memory)),
  };
  return Object.fromEntries(
    Object.entries(hard).map(([name, amount]) => [name, more[name]?.(parseQuantity(amount)) ?? amount]),
  );
}
