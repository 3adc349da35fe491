import type { Manifest } from '../../constructs/platform/manifest';

/** An object, and what Argo CD must make of it. */
interface Example {
  readonly when: string;
  readonly health: 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended';
  /** What the message begins with. */
  readonly message: string;
  readonly object: Pick<Manifest, 'apiVersion' | 'kind'> & { readonly metadata?: object };
}

type Case = readonly [
  when: string,
  health: Example['health'],
  message: string,
  status: unknown,
  more?: object,
];

const examples = (apiVersion: string, kind: string, spec: object, cases: readonly Case[]): Example[] =>
  cases.map(([when, health, message, status, more = {}]) => ({
    when,
    health,
    message,
    object: { apiVersion, kind, spec, ...(status === undefined ? {} : { status }), ...more },
  }));

const synced = (health: string, status = 'Synced') => ({ health: { status: health }, sync: { status } });

const condition = (status: string, reason: string, observedGeneration = 2) => ({
  conditions: [{ type: 'Synced', status, reason, message: `because of ${reason}`, observedGeneration }],
});

/** What a gateway says of a route. */
const route = (accepted: string, resolved: string, observedGeneration = 2) => ({
  parentRef: { name: 'public', namespace: 'gateways' },
  conditions: Object.entries({ Accepted: accepted, ResolvedRefs: resolved }).map(([type, status]) => ({
    type,
    status,
    message: `because of ${type}`,
    observedGeneration,
  })),
});

const parents = (...all: readonly object[]) => ({ parents: all });

/** Statuses as the operators write them; every kind whose health is ours, in all that it can be. */
export const HEALTH: readonly Example[] = [
  ...examples('argoproj.io/v1alpha1', 'Application', {}, [
    ['that is new', 'Progressing', 'has not been synced', undefined],
    // Nothing in it has a health of its own, so Argo CD calls it healthy before it exists.
    [
      'of policies, before its first sync',
      'Progressing',
      'has not been synced',
      synced('Healthy', 'OutOfSync'),
    ],
    [
      'between two waves',
      'Progressing',
      'waiting for healthy state',
      { ...synced('Healthy'), operationState: { phase: 'Running', message: 'waiting for healthy state' } },
    ],
    ['that was never synced because all was there', 'Healthy', '', synced('Healthy')],
    ['that was synced', 'Healthy', '', { ...synced('Healthy'), operationState: { phase: 'Succeeded' } }],
    [
      'whose pods start',
      'Progressing',
      '',
      { ...synced('Progressing'), operationState: { phase: 'Succeeded' } },
    ],
    ['whose pods fail', 'Degraded', '', { ...synced('Degraded'), operationState: { phase: 'Succeeded' } }],
    [
      'that could not be synced',
      'Degraded',
      'refused',
      { ...synced('Healthy', 'OutOfSync'), operationState: { phase: 'Failed', message: 'refused' } },
    ],
    [
      'whose failed revision was taken back',
      'Healthy',
      '',
      { ...synced('Healthy'), operationState: { phase: 'Failed', message: 'refused' } },
    ],
  ]),
  ...examples('postgresql.cnpg.io/v1', 'Cluster', { instances: 3 }, [
    ['that is new', 'Progressing', 'the operator has not seen it', undefined],
    [
      'that works',
      'Healthy',
      'Cluster in healthy state',
      { phase: 'Cluster in healthy state', readyInstances: 3, conditions: [] },
    ],
    [
      'with an instance too few',
      'Progressing',
      '2 of 3 instances are ready',
      { phase: 'Cluster in healthy state', readyInstances: 2 },
    ],
    ['that fails over', 'Progressing', 'Failing over', { phase: 'Failing over', readyInstances: 2 }],
    [
      'that waits for a person',
      'Degraded',
      'restart the primary',
      { phase: 'Waiting for user action', phaseReason: 'restart the primary' },
    ],
    [
      'that is hibernated',
      'Suspended',
      'is hibernated',
      { phase: 'Cluster in healthy state' },
      { metadata: { annotations: { 'cnpg.io/hibernation': 'on' } } },
    ],
  ]),
  ...examples('postgresql.cnpg.io/v1', 'Database', {}, [
    ['that is new', 'Progressing', 'the operator has not applied it', undefined],
    [
      'that changed',
      'Progressing',
      'the operator has not applied it',
      { applied: true, observedGeneration: 1 },
    ],
    ['that is applied', 'Healthy', 'is applied', { applied: true, observedGeneration: 2 }],
    [
      'that failed from the first',
      'Progressing',
      'no such owner',
      { applied: false, message: 'no such owner' },
    ],
    [
      'of a standby cluster',
      'Healthy',
      'waiting for the cluster to become primary',
      { message: 'waiting for the cluster to become primary' },
    ],
    [
      'that is refused',
      'Degraded',
      'no such owner',
      { applied: false, observedGeneration: 2, message: 'no such owner' },
    ],
  ]),
  ...examples('postgresql.cnpg.io/v1', 'DatabaseRole', { clientCertificate: { enabled: true } }, [
    ['that is new', 'Progressing', 'the operator has not applied it', undefined],
    [
      'that waits for its certificate',
      'Progressing',
      'the operator has not signed its certificate',
      { applied: true, observedGeneration: 2 },
    ],
    [
      'that has its certificate',
      'Healthy',
      'is applied',
      { applied: true, observedGeneration: 2, clientCertificate: { expiration: '2030-01-01T00:00:00Z' } },
    ],
    [
      'of a standby cluster',
      'Healthy',
      'waiting for the cluster to become primary',
      {
        message: 'waiting for the cluster to become primary',
        clientCertificate: { expiration: '2030-01-01T00:00:00Z' },
      },
    ],
    [
      'that was seen before its cluster',
      'Progressing',
      'the operator has not seen its cluster',
      { applied: false, message: 'cluster resource has been deleted, skipping reconciliation' },
    ],
    [
      'that is managed twice',
      'Degraded',
      'already managed',
      { applied: false, observedGeneration: 2, message: 'already managed' },
    ],
  ]),
  ...examples('postgresql.cnpg.io/v1', 'Pooler', { instances: 2 }, [
    ['that is new', 'Progressing', '0 of 2 pods are there', undefined],
    ['that works', 'Healthy', '2 pods', { phase: 'active', instances: 2 }],
    ['without its cluster', 'Progressing', 'no cluster', { phase: 'inactive', phaseReason: 'no cluster' }],
    ['that is wrong', 'Degraded', 'no such parameter', { phase: 'failed', phaseReason: 'no such parameter' }],
    ['that is paused', 'Suspended', 'holds its clients back', { phase: 'paused', instances: 2 }],
  ]),
  ...examples('postgresql.cnpg.io/v1', 'ScheduledBackup', {}, [
    ['that is new', 'Progressing', 'the operator has not scheduled it', undefined],
    [
      'that is scheduled',
      'Healthy',
      'next backup at 2030-01-01T00:00:00Z',
      { nextScheduleTime: '2030-01-01T00:00:00Z' },
    ],
    ['that is wrong', 'Degraded', 'no such method', { error: 'no such method' }],
    ['that is suspended', 'Suspended', 'no backup is scheduled', {}, { spec: { suspend: true } }],
  ]),
  ...examples('barmancloud.cnpg.io/v1', 'ObjectStore', {}, [
    ['that is new', 'Healthy', 'no backup yet', undefined],
    [
      'with a backup',
      'Healthy',
      'last backup of main at 2030-01-02T00:00:00Z',
      {
        serverRecoveryWindow: {
          main: {
            lastSuccessfulBackupTime: '2030-01-02T00:00:00Z',
            lastFailedBackupTime: '2030-01-01T00:00:00Z',
          },
        },
      },
    ],
    [
      'whose last backup failed',
      'Healthy',
      'the last backup of main failed at 2030-01-03T00:00:00Z',
      {
        serverRecoveryWindow: {
          main: {
            lastSuccessfulBackupTime: '2030-01-02T00:00:00Z',
            lastFailedBackupTime: '2030-01-03T00:00:00Z',
          },
        },
      },
    ],
  ]),
  ...examples('trust.cert-manager.io/v1alpha1', 'Bundle', {}, [
    ['that is new', 'Progressing', 'trust-manager has not seen it', undefined],
    ['that changed', 'Progressing', 'trust-manager has not seen it', condition('True', 'Synced', 1)],
    ['that is everywhere', 'Healthy', 'because of Synced', condition('True', 'Synced')],
    [
      'whose authority is still being issued',
      'Progressing',
      'because of SourceNotFound',
      condition('False', 'SourceNotFound'),
    ],
    [
      'that may not be written',
      'Degraded',
      'because of SecretTargetsDisabled',
      condition('False', 'SecretTargetsDisabled'),
    ],
  ]),
  ...examples('gateway.networking.k8s.io/v1', 'TLSRoute', {}, [
    ['that is new', 'Progressing', 'no gateway has seen it', undefined],
    ['that no gateway has seen', 'Progressing', 'no gateway has seen it', { parents: [] }],
    ['that changed', 'Progressing', 'no gateway has seen it', parents(route('True', 'True', 1))],
    ['that is taken', 'Healthy', 'is taken by public', parents(route('True', 'True'))],
    ['that the gateway lets nobody make', 'Degraded', 'because of Accepted', parents(route('False', 'True'))],
    ['whose Service is not there', 'Degraded', 'because of ResolvedRefs', parents(route('True', 'False'))],
    [
      'that one of two gateways does not take',
      'Degraded',
      'because of Accepted',
      parents(route('True', 'True'), route('False', 'True')),
    ],
  ]),
  // Argo CD's own, as far as waves wait for them.
  ...examples('cert-manager.io/v1', 'Certificate', {}, [
    ['that is new', 'Progressing', '', undefined],
    ['that is issued', 'Healthy', '', { conditions: [{ type: 'Ready', status: 'True', message: '' }] }],
  ]),
  ...examples('external-secrets.io/v1', 'ExternalSecret', {}, [
    ['that is read', 'Healthy', '', { conditions: [{ type: 'Ready', status: 'True', message: '' }] }],
    [
      'that is not in the store',
      'Degraded',
      '',
      { conditions: [{ type: 'Ready', status: 'False', message: '' }] },
    ],
  ]),
];
