import {
  budgetOf,
  crowdsOf,
  homelessness,
  isOver,
  isReady,
  type LivePod,
  podsOf,
  readyOf,
  selects,
  skewOf,
} from '../../acceptance/pods';
import type { Manifest } from '../../constructs/platform/manifest';
import { workloadsIn } from '../../constructs/platform/workloads';

const ZONE = 'topology.kubernetes.io/zone';

const NODES = new Map([
  ['a-1', { [ZONE]: 'a' }],
  ['a-2', { [ZONE]: 'a' }],
  ['b-1', { [ZONE]: 'b' }],
]);

const pod = (name: string, nodeName: string | undefined, more: Partial<LivePod> = {}): LivePod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'app', uid: name, resourceVersion: '1', labels: { app: 'web' } },
  spec: { containers: [], nodeName },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  ...more,
});

const deployment = (replicas: number): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'app' },
  spec: { replicas, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } } },
});

const budget = (spec: object, replicas = 3) =>
  budgetOf(
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web', namespace: 'app' },
      spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    },
    workloadsIn([deployment(replicas)]),
  );

describe('a pod', () => {
  test('is ready only while it runs and is not on its way out', () => {
    const ready = pod('1', 'a-1');
    expect(isReady(ready)).toBe(true);
    expect(isReady({ ...ready, metadata: { ...ready.metadata, deletionTimestamp: 'now' } })).toBe(false);
    expect(isReady({ ...ready, status: { ...ready.status, phase: 'Pending' } })).toBe(false);
    expect(isReady({ ...ready, status: { phase: 'Running' } })).toBe(false);
  });

  test('that is over counts nowhere', () => {
    const done = pod('1', 'a-1', { status: { phase: 'Succeeded' } });
    expect(isOver(done)).toBe(true);
    const [workload] = workloadsIn([deployment(1)]);
    expect(
      workload && podsOf(workload, [done, pod('2', 'a-1')]).map(({ metadata }) => metadata.name),
    ).toEqual(['2']);
  });

  test('says why it has no node', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }];
    expect(homelessness(pod('1', undefined, { status: { conditions } }))).toBe('0/3 nodes are available');
    expect(homelessness(pod('1', 'a-1', { status: { conditions } }))).toBeUndefined();
  });
});

test.each([
  [{}, true],
  [{ matchLabels: { app: 'web' } }, true],
  [{ matchLabels: { app: 'web', tier: 'front' } }, false],
  [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] }, true],
  [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
  [{ matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['front'] }] }, true],
  [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
  [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
])('the selector %j selects app=web: %s', (selector, expected) => {
  expect(selects(selector, { app: 'web' })).toBe(expected);
});

describe('spreading', () => {
  const constraint = {
    topologyKey: ZONE,
    maxSkew: 1,
    whenUnsatisfiable: 'DoNotSchedule' as const,
    labelSelector: { matchLabels: { app: 'web' } },
  };

  test('counts zones that have none', () => {
    expect(skewOf(constraint, [pod('1', 'a-1')], NODES)).toBeUndefined();
    expect(skewOf(constraint, [pod('1', 'a-1'), pod('2', 'a-2')], NODES)).toBe(
      `${ZONE}: skew 2 is over 1: 2 in a, 0 in b`,
    );
    expect(skewOf(constraint, [pod('1', 'a-1'), pod('2', 'a-2'), pod('3', 'b-1')], NODES)).toBeUndefined();
  });

  test('that is a wish is not held against anybody', () => {
    const wish = { ...constraint, whenUnsatisfiable: 'ScheduleAnyway' as const };
    expect(skewOf(wish, [pod('1', 'a-1'), pod('2', 'a-2')], NODES)).toBeUndefined();
  });

  test('required anti-affinity allows one in a domain', () => {
    const labelSelector = { matchLabels: { app: 'web' } };
    const spec = {
      containers: [],
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: ZONE, labelSelector }],
        },
      },
    };
    expect(crowdsOf(spec, [pod('1', 'a-1'), pod('2', 'b-1')], NODES)).toEqual([]);
    expect(crowdsOf(spec, [pod('1', 'a-1'), pod('2', 'a-2')], NODES)).toEqual([
      `${ZONE}: more than one in a`,
    ]);
  });
});

describe('a budget', () => {
  test.each([
    [{ maxUnavailable: 1 }, 3, 2],
    [{ minAvailable: 2 }, 3, 2],
    [{ maxUnavailable: '34%' }, 3, 1],
    [{ minAvailable: '50%' }, 3, 2],
    [{ maxUnavailable: 5 }, 3, 0],
    [{}, 3, 3],
  ])('of %j over %i pods needs %i', (spec, replicas, minimum) => {
    expect(budget(spec, replicas)).toMatchObject({ expected: replicas, minimum });
  });

  test('counts the ready pods of its own namespace', () => {
    const foreign = pod('3', 'a-1', {
      metadata: { ...pod('3', 'a-1').metadata, namespace: 'elsewhere' },
    });
    const starting = pod('2', 'a-1', { status: { phase: 'Pending' } });
    expect(readyOf(budget({ maxUnavailable: 1 }), [pod('1', 'a-1'), starting, foreign])).toBe(1);
  });
});
