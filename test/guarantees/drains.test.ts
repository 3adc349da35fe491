import type { Cluster } from '../../config/schema';
import { drains } from '../../guarantees/drains';
import type { ClusterSpec } from '../../imports/postgresql.cnpg.io';
import { database, disruption, object, platformOf, pod, SELECTOR, SPREAD, workload } from './objects';
import { causesOf, findingsOf } from './support';

const SPREAD_POD = pod({ topologySpreadConstraints: SPREAD });

const members = (replicas: number, podSpec = SPREAD_POD) => workload('StatefulSet', { replicas }, podSpec);

const apart = (topologyKey: string) =>
  pod({
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: SELECTOR }],
      },
    },
  });

const ZONE = 'topology.kubernetes.io/zone';

test('three members over three zones, of which one may go, are no finding', () => {
  const platform = platformOf([members(3), disruption(), database()]);

  expect(findingsOf(drains, platform)).toEqual([]);
  expect(drains.check(platform).facts).toEqual([
    {
      subject: 'StatefulSet app/x',
      figure: '3 pods, voting, 1 evicted at a time, 2 left without a zone (2 needed)',
    },
    {
      subject: 'Cluster app/db',
      figure: '3 pods, voting, 1 evicted at a time, 2 left without a zone (2 needed)',
    },
  ]);
});

test('what is left is reckoned by zones, where there are several', () => {
  const figure = (cluster: Partial<Cluster>) =>
    drains.check(platformOf([members(5), disruption()], cluster)).facts.map((fact) => fact.figure);

  expect(figure({})).toEqual(['5 pods, voting, 1 evicted at a time, 3 left without a zone (3 needed)']);
  expect(figure({ zones: ['a'] })).toEqual(['5 pods, voting, 1 evicted at a time, 3 needed']);
});

test('what runs on every node is no business of drains', () => {
  const everywhere = object(
    'DaemonSet',
    'every',
    { template: { spec: pod() } },
    { metadata: { name: 'every', namespace: 'app', annotations: { 'lighthouse/nodes': '3' } } },
  );
  expect(drains.check(platformOf([everywhere]))).toEqual({ findings: [], facts: [] });
});

test('what prometheus-operator makes is read from its custom resource: spreading, budget and time to stop', () => {
  const monitor = (spec: object) => platformOf([object('Alertmanager', 'main', { replicas: 3, ...spec })]);
  expect(causesOf(drains, monitor({}))).toEqual([
    'Alertmanager app/main has 3 pods and no disruption budget: two drains at once may take all of them',
    '3 of the 3 pods of Alertmanager app/main may be in one zone; without it 0 are left, 1 are needed',
    '3 of the 3 pods of Alertmanager app/main may be in one node; without it 0 are left, 1 are needed',
  ]);
  const topologySpreadConstraints = (SPREAD ?? []).map((constraint) => ({
    ...constraint,
    labelSelector: { matchLabels: { alertmanager: 'main' } },
  }));
  const budget = object('PodDisruptionBudget', 'main', {
    maxUnavailable: 1,
    selector: { matchLabels: { alertmanager: 'main' } },
  });
  const sound = monitor({ topologySpreadConstraints });
  expect(
    causesOf(drains, { ...sound, objects: [...sound.objects, ...platformOf([budget]).objects] }),
  ).toEqual([]);
});

test('a single pod without a budget is no finding, and is told', () => {
  const platform = platformOf([members(1)]);

  expect(findingsOf(drains, platform)).toEqual([]);
  expect(drains.check(platform).facts).toEqual([
    { subject: 'StatefulSet app/x', figure: '1 pod: away until it runs elsewhere' },
  ]);
});

test('a budget over a single pod blocks its node for ever', () => {
  expect(findingsOf(drains, platformOf([members(1), disruption({ minAvailable: 1 })]))).toEqual([
    {
      path: 'StatefulSet/x',
      cause:
        'the disruption budget of StatefulSet app/x lets none of its 1 pod(s) go: a drain of their node never ends',
      remedy: 'leave the budget out where there is one pod (a Cluster: enablePDB: false)',
    },
  ]);
  expect(findingsOf(drains, platformOf([members(1), disruption({ maxUnavailable: 1 })]))).toEqual([]);
});

test.each<[object, number]>([
  [{ minAvailable: 3 }, 1],
  [{ minAvailable: '67%' }, 1],
  [{ maxUnavailable: 0 }, 1],
  [{ maxUnavailable: '0%' }, 1],
  [{ minAvailable: 2 }, 0],
  [{ minAvailable: '66%' }, 0],
  [{ maxUnavailable: '1%' }, 0],
])('of three members a budget of %j blocks: %i finding(s)', (rule, count) => {
  const causes = causesOf(drains, platformOf([members(3), disruption(rule)]));

  expect(causes).toEqual(
    Array(count).fill(
      'the disruption budget of StatefulSet app/x lets none of its 3 pod(s) go: a drain of their node never ends',
    ),
  );
});

test('a budget that lets more go than a majority can spare is found', () => {
  expect(findingsOf(drains, platformOf([members(3), disruption({ maxUnavailable: 2 })]))).toEqual([
    {
      path: 'StatefulSet/x',
      cause:
        'the disruption budget of StatefulSet app/x lets 2 of 3 pods go at once, 2 are needed for a majority',
      remedy: 'write maxUnavailable: 1, and have at least three members where they vote',
    },
  ]);
});

test('what does not vote needs one pod', () => {
  const proxies = workload('Deployment', { replicas: 2, strategy: { type: 'Recreate' } }, SPREAD_POD);

  expect(findingsOf(drains, platformOf([proxies, disruption()]))).toEqual([]);
  expect(causesOf(drains, platformOf([proxies, disruption({ maxUnavailable: 2 })]))).toEqual([
    'the disruption budget of Deployment app/x lets 2 of 2 pods go at once, 1 are needed',
  ]);
});

test('several pods without a budget are found', () => {
  expect(findingsOf(drains, platformOf([members(3)]))).toEqual([
    {
      path: 'StatefulSet/x',
      cause: 'StatefulSet app/x has 3 pods and no disruption budget: two drains at once may take all of them',
      remedy: 'add a PodDisruptionBudget with maxUnavailable: 1 (a Cluster: enablePDB)',
    },
  ]);
  const elsewhere = { ...disruption(), metadata: { name: 'x', namespace: 'other' } };
  expect(causesOf(drains, platformOf([members(3), elsewhere]))).toHaveLength(1);
  const others = disruption({ selector: { matchLabels: { app: 'y' } }, maxUnavailable: 1 });
  expect(causesOf(drains, platformOf([members(3), others]))).toHaveLength(1);
});

test('two budgets over one pod: Kubernetes refuses every eviction', () => {
  expect(
    causesOf(drains, platformOf([members(3), disruption(), disruption({ maxUnavailable: 1 }, 'y')])),
  ).toEqual([
    '2 disruption budgets select the pods of StatefulSet app/x; Kubernetes then refuses every eviction',
  ]);
});

test.each<[string, Partial<ClusterSpec>, string[]]>([
  [
    'the operator keeps a budget over a single instance',
    { instances: 1 },
    [
      'the disruption budget of Cluster app/db lets none of its 1 pod(s) go: a drain of their node never ends',
    ],
  ],
  ['a single instance without it may go', { instances: 1, enablePDB: false }, []],
  [
    'several without it are unprotected',
    { enablePDB: false },
    ['Cluster app/db has 3 pods and no disruption budget: two drains at once may take all of them'],
  ],
  ['the operator keeps one where nothing is said', { enablePDB: undefined }, []],
  [
    'a stop of half an hour by default is found',
    { stopDelay: undefined },
    ['Cluster app/db states no stopDelay: a drain may wait half an hour for it (1800 s)'],
  ],
])('PostgreSQL: %s', (_, own, causes) => {
  expect(causesOf(drains, platformOf([database(own)]))).toEqual(causes);
});

test('PostgreSQL: a budget beside that of the operator is one too many', () => {
  const second = disruption({ selector: { matchLabels: { 'cnpg.io/cluster': 'db' } }, maxUnavailable: 1 });

  expect(causesOf(drains, platformOf([database(), second]))).toEqual([
    '2 disruption budgets select the pods of Cluster app/db; Kubernetes then refuses every eviction',
  ]);
});

test('PostgreSQL: instances kept apart need as many nodes, as the operator does unless it is told not to', () => {
  const apartOn = (own: object) =>
    platformOf([database({ instances: 7, affinity: { podAntiAffinityType: 'required', ...own } })]);

  expect(causesOf(drains, apartOn({}))).toEqual([
    'Cluster app/db has 7 pods that may not share a node, the cluster has 6',
  ]);
  expect(causesOf(drains, apartOn({ podAntiAffinityType: 'preferred' }))).toEqual([]);
  expect(causesOf(drains, apartOn({ enablePodAntiAffinity: false }))).toEqual([]);
});

test('PostgreSQL that waits for two others stops writing when a zone is gone', () => {
  const synchronous = { method: 'any' as const, number: 2, dataDurability: 'required' as const };
  expect(causesOf(drains, platformOf([database({ postgresql: { synchronous } })]))).toEqual([
    'the disruption budget of Cluster app/db lets 1 of 3 pods go at once, 3 are needed for a majority',
    '1 of the 3 pods of Cluster app/db may be in one zone; without it 2 are left, 3 are needed to vote and to acknowledge',
    '1 of the 3 pods of Cluster app/db may be in one node; without it 2 are left, 3 are needed to vote and to acknowledge',
  ]);
  const preferred = { ...synchronous, dataDurability: 'preferred' as const };
  expect(findingsOf(drains, platformOf([database({ postgresql: { synchronous: preferred } })]))).toEqual([]);
});

test('members that may share a zone and a node are found where spreading is required', () => {
  const loose = [members(3, pod()), disruption()];

  expect(findingsOf(drains, platformOf(loose))).toEqual([
    {
      path: 'StatefulSet/x',
      cause:
        '3 of the 3 pods of StatefulSet app/x may be in one zone; without it 0 are left, 2 are needed to vote and to acknowledge',
      remedy: "spread them over zones: spread(connections, 'required')",
    },
    {
      path: 'StatefulSet/x',
      cause:
        '3 of the 3 pods of StatefulSet app/x may be in one node; without it 0 are left, 2 are needed to vote and to acknowledge',
      remedy: "spread them over nodes: spread(connections, 'required')",
    },
  ]);
  expect(findingsOf(drains, platformOf(loose, {}, { spreading: 'preferred' }))).toEqual([]);
});

test('a wish, and a constraint about other pods, spread nothing', () => {
  const wish = SPREAD?.map((each) => ({ ...each, whenUnsatisfiable: 'ScheduleAnyway' as const }));
  const others = SPREAD?.map((each) => ({ ...each, labelSelector: { matchLabels: { app: 'y' } } }));

  for (const topologySpreadConstraints of [wish, others]) {
    expect(
      causesOf(drains, platformOf([members(3, pod({ topologySpreadConstraints })), disruption()])),
    ).toHaveLength(2);
  }
});

test.each<[string, number, Partial<Cluster>, number]>([
  ['five over three zones keep three', 5, {}, 0],
  ['three over two zones may keep one', 3, { zones: ['a', 'b'] }, 1],
  ['two have no majority without one of them', 2, {}, 3],
  [
    'one zone and one node have nothing to lose',
    3,
    { zones: ['a'], nodes: { count: 1, cpu: '4', memory: '8Gi' } },
    0,
  ],
])('the drill: %s', (_, replicas, cluster, count) => {
  expect(causesOf(drains, platformOf([members(replicas), disruption()], cluster))).toHaveLength(count);
});

test('a wider skew lets more pods into one zone', () => {
  const [zone, node] = SPREAD ?? [];
  const topologySpreadConstraints = zone && node ? [{ ...zone, maxSkew: 2 }, node] : [];

  // Two, one and none: with a zone down one of three is left.
  expect(
    causesOf(drains, platformOf([members(3, pod({ topologySpreadConstraints })), disruption()])),
  ).toEqual([
    '2 of the 3 pods of StatefulSet app/x may be in one zone; without it 1 are left, 2 are needed to vote and to acknowledge',
  ]);
});

test('pods that may not share a zone need as many zones', () => {
  expect(findingsOf(drains, platformOf([members(5, apart(ZONE)), disruption()]))).toEqual([
    {
      path: 'StatefulSet/x',
      cause: 'StatefulSet app/x has 5 pods that may not share a zone, the cluster has 3',
      remedy: 'have at most as many pods as zones, or spread them evenly instead of keeping them apart',
    },
  ]);
});

const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
});

test.each<[string, object, ReturnType<typeof pod>, string[]]>([
  [
    'kept apart, by the default strategy',
    {},
    apart(ZONE),
    [
      'an update of Deployment app/x makes 1 pod(s) more before it takes one away: with 3 pods in 3 zone(s) under anti-affinity it never ends',
    ],
  ],
  [
    'spread, one more first',
    rolling(1, 0),
    SPREAD_POD,
    [
      'an update of Deployment app/x makes 1 pod(s) more before it takes one away: with 3 pods in 3 zone(s) under spreading it never ends while a zone is down or full',
    ],
  ],
  ['spread, one away first', rolling(0, 1), SPREAD_POD, []],
  ['kept apart, one away first', rolling(0, 1), apart(ZONE), []],
  [
    'kept apart, nothing more and nothing away, which Kubernetes takes for one away',
    rolling(0, 0),
    apart(ZONE),
    [],
  ],
  ['all at once', { strategy: { type: 'Recreate' } }, apart(ZONE), []],
])('the update of three pods in three zones: %s', (_, strategy, podSpec, causes) => {
  const platform = platformOf([workload('Deployment', { replicas: 3, ...strategy }, podSpec), disruption()]);

  expect(causesOf(drains, platform)).toEqual(causes);
});

test('an update that makes one pod more finds room where there are fewer pods than zones, or one zone', () => {
  const two = [workload('Deployment', { replicas: 2, ...rolling(1, 0) }, SPREAD_POD), disruption()];

  expect(findingsOf(drains, platformOf(two))).toEqual([]);
  expect(causesOf(drains, platformOf(two, { zones: ['a', 'b'] }))).toHaveLength(1);
  expect(findingsOf(drains, platformOf(two, { zones: ['a'] }))).toEqual([]);
});

test('a pooler updates as a Deployment does, and its budget counts', () => {
  const labels = { 'cnpg.io/poolerName': 'pool' };
  const pooler = (deploymentStrategy: object) =>
    object('Pooler', 'pool', {
      cluster: { name: 'db' },
      instances: 3,
      deploymentStrategy,
      template: {
        spec: pod({
          topologySpreadConstraints: SPREAD?.map((each) => ({
            ...each,
            labelSelector: { matchLabels: labels },
          })),
        }),
      },
    });
  const budget = disruption({ selector: { matchLabels: labels }, maxUnavailable: 1 });

  expect(findingsOf(drains, platformOf([pooler(rolling(0, 1).strategy), budget]))).toEqual([]);
  expect(causesOf(drains, platformOf([pooler({}), budget]))).toEqual([
    'an update of Pooler app/pool makes 1 pod(s) more before it takes one away: with 3 pods in 3 zone(s) under spreading it never ends while a zone is down or full',
  ]);
});

test('pods say how long they take to stop; jobs need not', () => {
  const hasty = pod({ terminationGracePeriodSeconds: undefined });
  const job = object('Job', 'j', { template: { spec: hasty } });

  expect(findingsOf(drains, platformOf([members(1, hasty), job]))).toEqual([
    {
      path: 'StatefulSet/x',
      cause:
        'StatefulSet app/x states no terminationGracePeriodSeconds: it is killed after 30 s whatever it is doing',
      remedy: 'state how many seconds it may take to stop',
    },
  ]);
});
