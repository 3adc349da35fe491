import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, type Live, Refusal } from '../../acceptance/cluster';

const condition = (type: string) => (object: Live) => ({
  conditions: [
    {
      type,
      status: 'True',
      reason: type,
      message: '',
      observedGeneration: object.metadata.generation,
      lastTransitionTime: '2030-01-01T00:00:00Z',
    },
  ],
});

const instances = (object: Live): number => (object['spec'] as { instances?: number }).instances ?? 1;

type Working = readonly [apiVersion: string, kind: string, status: (object: Live) => object];

/** The status that its operator gives to an object once it works. */
const WORKING: readonly Working[] = [
  ['cert-manager.io/v1', 'Certificate', condition('Ready')],
  ['cert-manager.io/v1', 'ClusterIssuer', condition('Ready')],
  ['trust.cert-manager.io/v1alpha1', 'Bundle', condition('Synced')],
  ['external-secrets.io/v1', 'ExternalSecret', condition('Ready')],
  [
    'postgresql.cnpg.io/v1',
    'Cluster',
    (object) => ({ phase: 'Cluster in healthy state', readyInstances: instances(object) }),
  ],
  ['postgresql.cnpg.io/v1', 'Pooler', (object) => ({ phase: 'active', instances: instances(object) })],
  [
    'postgresql.cnpg.io/v1',
    'Database',
    ({ metadata }) => ({ applied: true, observedGeneration: metadata.generation }),
  ],
  [
    'postgresql.cnpg.io/v1',
    'DatabaseRole',
    ({ metadata }) => ({
      applied: true,
      observedGeneration: metadata.generation,
      clientCertificate: { expiration: '2030-01-01T00:00:00Z' },
    }),
  ],
  ['postgresql.cnpg.io/v1', 'ScheduledBackup', () => ({ nextScheduleTime: '2030-01-01T00:00:00Z' })],
];

/** Says of every custom resource that it works, a moment after it was made, as its operator would. */
export class Operators {
  private isOpen = true;
  private readonly done: Promise<void>;

  constructor(private readonly cluster: Cluster) {
    this.done = this.work();
  }

  close(): Promise<void> {
    this.isOpen = false;
    return this.done;
  }

  private async work(): Promise<void> {
    for (; this.isOpen; await sleep(500))
      for (const working of WORKING)
        // A kind that was defined just now cannot be listed yet, and an object may be gone meanwhile.
        await this.attend(working).catch((error: unknown) => {
          if (!(error instanceof Refusal)) throw error;
        });
  }

  private async attend([apiVersion, kind, statusOf]: Working): Promise<void> {
    for (const object of await this.cluster.list(apiVersion, kind)) {
      const status = statusOf(object);
      if (isIn(status, object['status'])) continue;
      await this.cluster.request('PATCH', `${await this.cluster.pathOf(object)}/status`, {
        body: { status },
        contentType: 'application/merge-patch+json',
      });
    }
  }
}

/** Whether a value has all that another has. */
function isIn(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === whole;
  if (typeof whole !== 'object' || whole === null) return false;
  return Object.entries(part).every(([key, value]) => isIn(value, (whole as Record<string, unknown>)[key]));
}
