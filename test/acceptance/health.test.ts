import type { Live } from '../../acceptance/cluster';
import { healthOf } from '../../acceptance/health';

const live = (kind: string, spec: object, status: object, generation = 1): Live => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'a', uid: '1', resourceVersion: '1', generation },
  spec,
  status,
});

const says = (reconciled: string, available: string, observedGeneration = 1) => ({
  conditions: [
    { type: 'Available', status: available, observedGeneration },
    { type: 'Reconciled', status: reconciled, observedGeneration },
  ],
});

test.each([
  ['Deployment', { replicas: 2 }, { replicas: 2, updatedReplicas: 2, availableReplicas: 2 }, 'Healthy'],
  ['Deployment', { replicas: 2 }, { replicas: 3, updatedReplicas: 2, availableReplicas: 3 }, 'Progressing'],
  ['Deployment', { replicas: 2 }, { replicas: 2, updatedReplicas: 1, availableReplicas: 2 }, 'Progressing'],
  [
    'Deployment',
    { replicas: 2 },
    { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] },
    'Degraded',
  ],
  [
    'StatefulSet',
    { replicas: 3 },
    { readyReplicas: 3, currentRevision: 'a', updateRevision: 'a' },
    'Healthy',
  ],
  [
    'StatefulSet',
    { replicas: 3 },
    { readyReplicas: 3, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
    'Progressing',
  ],
  ['Job', {}, { conditions: [{ type: 'Complete', status: 'True' }] }, 'Healthy'],
  ['Job', {}, {}, 'Progressing'],
  ['Job', {}, { conditions: [{ type: 'Failed', status: 'True', message: 'too often' }] }, 'Degraded'],
  ['CustomResourceDefinition', {}, { conditions: null }, 'Progressing'],
  ['CustomResourceDefinition', {}, { conditions: [{ type: 'Established', status: 'True' }] }, 'Healthy'],
  ['Prometheus', {}, {}, 'Progressing'],
  ['Prometheus', {}, says('True', 'Degraded'), 'Progressing'],
  ['Alertmanager', {}, says('False', 'True'), 'Progressing'],
  ['Alertmanager', {}, says('True', 'True'), 'Healthy'],
  ['Alertmanager', {}, says('True', 'True', 0), 'Progressing'],
  ['Database', {}, {}, 'Progressing'],
  ['Database', {}, { applied: true }, 'Healthy'],
  ['DatabaseRole', {}, { applied: false, message: 'no such owner' }, 'Degraded'],
  [
    'DatabaseRole',
    {},
    { applied: false, message: 'cluster resource has been deleted, skipping reconciliation' },
    'Progressing',
  ],
  ['DatabaseRole', {}, { message: 'waiting for the cluster to become primary' }, 'Healthy'],
  ['ConfigMap', {}, {}, 'Healthy'],
])('a %s wanted as %j that says %j is %s', (kind, spec, status, health) => {
  expect(healthOf(live(kind, spec, status)).health).toBe(health);
});

test('what was changed and not looked at since is progressing', () => {
  const status = { replicas: 1, updatedReplicas: 1, availableReplicas: 1, observedGeneration: 1 };
  expect(healthOf(live('Deployment', { replicas: 1 }, status, 1)).health).toBe('Healthy');
  expect(healthOf(live('Deployment', { replicas: 1 }, status, 2)).health).toBe('Progressing');
});
