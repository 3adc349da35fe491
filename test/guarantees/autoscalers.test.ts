import { MOST_PODS } from '../../constructs/platform/labels';
import { autoscalers } from '../../guarantees/autoscalers';
import { object, platformOf, workload } from './objects';
import { causesOf } from './support';

const scaled = (own: object = {}, most = '5') => {
  const { spec, ...rest } = workload('Deployment');
  const metadata = { ...rest.metadata, annotations: { [MOST_PODS]: most } };
  return { ...rest, metadata, spec: { ...(spec as object), replicas: undefined, ...own } };
};

const scaler = (own: object = {}) =>
  object('ScaledObject', 'x', {
    scaleTargetRef: { name: 'x' },
    minReplicaCount: 2,
    maxReplicaCount: 5,
    triggers: [],
    ...own,
  });

const causes = (...manifests: Parameters<typeof platformOf>[0]) =>
  causesOf(autoscalers, platformOf(manifests));

test('what says no number, and is counted with the most, may be scaled', () => {
  expect(causes(scaled(), scaler())).toEqual([]);
  const autoscaler = object('HorizontalPodAutoscaler', 'x', {
    scaleTargetRef: { kind: 'Deployment', name: 'x' },
    maxReplicas: 5,
  });
  expect(causes(scaled(), autoscaler)).toEqual([]);
});

test('what keeps a state of its own may not', () => {
  const target = { scaleTargetRef: { kind: 'StatefulSet', name: 'x' } };
  expect(causes(workload('StatefulSet'), scaler(target))).toEqual([
    'ScaledObject x scales StatefulSet x, whose pods keep a state of their own',
  ]);
});

test('what says a number itself is found: each sync would undo the autoscaler', () => {
  expect(causes(scaled({ replicas: 2 }), scaler())).toEqual([
    'ScaledObject x scales Deployment x, which says how many pods it has',
  ]);
});

test.each([
  ['4', 'which is counted with 4 pods, and may have 5'],
  ['6', 'which is counted with 6 pods, and may have 5'],
])('a count of %s for five pods is found', (most, cause) => {
  expect(causes(scaled({}, most), scaler())).toEqual([`ScaledObject x scales Deployment x, ${cause}`]);
});

test.each([0, 6])('a least of %d pods is found', (minReplicaCount) => {
  expect(causes(scaled(), scaler({ minReplicaCount }))).toEqual([
    `ScaledObject x scales Deployment x, between ${minReplicaCount} and 5 pods`,
  ]);
});
