import fc from 'fast-check';
import { Credentials } from '../../constructs/credentials';
import { OPERATORS } from '../../constructs/platform-operators/operators';
import { resources } from '../../constructs/platform/pod';
import { budgets } from '../../guarantees/budgets';
import { platformWith } from '../support';
import { container, object, platformOf, pod, workload } from './objects';
import { added, causesOf, findingsOf } from './support';

const of = (cpu: string, memory: string) =>
  pod({ containers: [container({ resources: resources({ cpu, memory }) })] });

/** Three zones of one node each. */
const NODES = { nodes: { count: 3, cpu: '4', memory: '10Gi' } };

test('pods that fit everywhere are no finding, and every sum is told', () => {
  const platform = platformOf([workload('StatefulSet', { replicas: 3 }, of('1', '4Gi'))], NODES);

  expect(findingsOf(budgets, platform)).toEqual([]);
  expect(budgets.check(platform).facts).toEqual([
    { subject: 'memory of StatefulSet app/x', figure: '3 × 4Gi' },
    { subject: 'memory of namespace app', figure: '12Gi' },
    { subject: 'memory in all', figure: '12Gi at the most, 12Gi at rest; 5 % of the budget of 256Gi' },
    { subject: 'CPU in all', figure: '3 at the most, 3 at rest; 5 % of the budget of 64' },
    { subject: 'memory of the nodes', figure: '40 % reserved at the most' },
    { subject: 'memory of the nodes without one zone', figure: '60 % reserved by the pods at rest' },
  ]);
});

test('jobs and a lone zone have no line of their own', () => {
  const job = object('Job', 'j', { template: { spec: of('1', '4Gi') } });

  expect(budgets.check(platformOf([job], { ...NODES, zones: ['a'] })).facts).toEqual([
    { subject: 'memory of namespace app', figure: '4Gi' },
    { subject: 'memory in all', figure: '4Gi at the most, 0Mi at rest; 2 % of the budget of 256Gi' },
    { subject: 'CPU in all', figure: '1 at the most, 0m at rest; 2 % of the budget of 64' },
    { subject: 'memory of the nodes', figure: '14 % reserved at the most' },
  ]);
});

test('the quota of a namespace grants what is built in it, and nothing that comes from elsewhere', () => {
  const platform = platformWith(({ namespaces, maker }) => {
    new Credentials(namespaces.add('app'), 'users', { maker, users: ['bridge'] });
  });

  expect(findingsOf(budgets, platform)).toEqual([]);
  expect(causesOf(budgets, added(platform, 'Job/app/users', workload('StatefulSet')))).toEqual([
    'quota of namespace app grants pods 1, its pods need 2 at one moment',
    'quota of namespace app grants requests.cpu 10m, its pods need 110m at one moment',
    'quota of namespace app grants requests.memory 32Mi, its pods need 1056Mi at one moment',
    'quota of namespace app grants limits.memory 32Mi, its pods need 1056Mi at one moment',
  ]);
});

test.each([
  ['pods', '3', 'quota of namespace app grants pods 3, its pods need 4 at one moment'],
  [
    'requests.cpu',
    '399m',
    'quota of namespace app grants requests.cpu 399m, its pods need 400m at one moment',
  ],
  [
    'requests.memory',
    '4095Mi',
    'quota of namespace app grants requests.memory 4095Mi, its pods need 4Gi at one moment',
  ],
  [
    'limits.memory',
    '4095Mi',
    'quota of namespace app grants limits.memory 4095Mi, its pods need 4Gi at one moment',
  ],
])('a quota of too little %s is found: an update would stand still', (name, quantity, cause) => {
  const exact = { pods: '4', 'requests.cpu': '400m', 'requests.memory': '4Gi', 'limits.memory': '4Gi' };
  const with3 = workload('Deployment', { replicas: 3 });
  const quota = (hard: object) => platformOf([with3, object('ResourceQuota', 'quota', { hard })]);

  expect(findingsOf(budgets, quota(exact))).toEqual([]);
  expect(findingsOf(budgets, quota({ ...exact, [name]: quantity }))).toEqual([
    {
      path: 'ResourceQuota/quota',
      cause,
      remedy: 'build what makes the pods inside the same PlatformNamespace as the quota, or count it there',
    },
  ]);
});

test('the budget of the environment is for everything at one moment', () => {
  const build = (memory: string) =>
    platformOf([workload('Deployment', { replicas: 3 })], {}, { budgets: { cpu: '64', memory } });

  expect(findingsOf(budgets, build('4Gi'))).toEqual([]);
  expect(findingsOf(budgets, build('4095Mi'))).toEqual([
    {
      path: 'Deployment/x',
      cause:
        'the pods of the cluster reserve 4Gi of memory at one moment, budgets.memory is 4095Mi; the largest part, 4Gi, is Deployment app/x',
      remedy: 'raise budgets.memory in config/staging.yaml, or give less to services',
    },
  ]);
});

test('development stays under 8 GiB, whatever its budget says', () => {
  const build = (memory: string) =>
    platformOf([workload('StatefulSet', {}, of('1', memory))], {}, { environment: 'development' });

  expect(findingsOf(budgets, build('8191Mi'))).toEqual([]);
  expect(causesOf(budgets, build('8Gi'))).toEqual([
    'development reserves 8Gi of memory, it must stay under 8Gi; the largest part is StatefulSet app/x',
  ]);
});

test('operators count where this platform installs them', () => {
  const { chart } = OPERATORS['cert-manager'];
  const install = (name: string) => object('Application', 'operator', { source: { chart: name } });
  const platform = platformOf([install(chart)], {}, { budgets: { cpu: '64', memory: '191Mi' } });

  expect(causesOf(budgets, platform)).toEqual([
    'the pods of the cluster reserve 192Mi of memory at one moment, budgets.memory is 191Mi; the largest part, 192Mi, is chart cert-manager/cert-manager',
  ]);
  expect(findingsOf(budgets, platformOf([install('unheard-of')]))).toEqual([
    {
      path: 'Application/operator',
      cause: 'the pods of Application operator (chart unheard-of) are not counted',
      remedy: 'add the chart with its requests to constructs/platform-operators/operators.ts',
    },
  ]);
});

test.each(['Pod', 'ReplicaSet'])('a %s is found: nothing counts its pods', (kind) => {
  expect(findingsOf(budgets, platformOf([object(kind, 'x', {})]))).toEqual([
    {
      path: `${kind}/x`,
      cause: `the pods of ${kind} x are not counted`,
      remedy: 'teach constructs/platform/workloads.ts to read this kind',
    },
  ]);
});

describe('a DaemonSet', () => {
  const everywhere = (memory: string, nodes: string, rollingUpdate?: object) =>
    object(
      'DaemonSet',
      'every',
      { template: { spec: of('1', memory) }, updateStrategy: { rollingUpdate } },
      { metadata: { name: 'every', namespace: 'app', annotations: { 'lighthouse/nodes': nodes } } },
    );
  const one = (memory: string) => workload('StatefulSet', {}, of('1', memory));

  test('that counts other nodes than the cluster has is found', () => {
    expect(findingsOf(budgets, platformOf([everywhere('1Gi', '3')], NODES))).toEqual([]);
    expect(findingsOf(budgets, platformOf([everywhere('1Gi', '2')], NODES))).toEqual([
      {
        path: 'DaemonSet/every',
        cause: 'DaemonSet every counts 2 nodes, the cluster has 3',
        remedy: 'write clusters[].nodes.count as annotation lighthouse/nodes',
      },
    ]);
    expect(causesOf(budgets, platformOf([object('DaemonSet', 'x', { template: {} })], NODES))).toEqual([
      'DaemonSet x counts no nodes, the cluster has 3',
    ]);
  });

  test('takes its room from every node, and twice where its update makes the new pod first', () => {
    expect(findingsOf(budgets, platformOf([everywhere('4Gi', '3'), one('6Gi')], NODES))).toEqual([]);
    expect(causesOf(budgets, platformOf([everywhere('5Gi', '3'), one('6Gi')], NODES))).toEqual([
      'no room for a pod of StatefulSet app/x (1 CPU, 6Gi) on the 3 nodes of 4 CPU and 10Gi: all pods reserve 4 CPU and 21Gi at one moment',
      'no room for a pod of StatefulSet app/x (1 CPU, 6Gi) on the 2 nodes left without the largest zone of 4 CPU and 10Gi: all pods reserve 4 CPU and 21Gi at rest',
    ]);
    expect(
      causesOf(
        budgets,
        platformOf([everywhere('4Gi', '3', { maxSurge: 1, maxUnavailable: 0 }), one('6Gi')], NODES),
      ),
    ).toEqual([
      'no room for a pod of StatefulSet app/x (1 CPU, 6Gi) on the 3 nodes of 4 CPU and 10Gi: all pods reserve 5 CPU and 22Gi at one moment',
    ]);
  });

  test('goes with its node: without a zone it needs no room elsewhere', () => {
    const full = [everywhere('4Gi', '3'), workload('StatefulSet', { replicas: 2 }, of('1', '6Gi'))];
    expect(findingsOf(budgets, platformOf(full, NODES))).toEqual([]);
  });
});

test('a pod must fit a node, in both resources', () => {
  const build = (cpu: string, memory: string) =>
    platformOf([workload('StatefulSet', {}, of(cpu, memory))], NODES);

  expect(findingsOf(budgets, build('4', '10Gi'))).toEqual([]);
  expect(findingsOf(budgets, build('4', '10241Mi'))).toEqual([
    {
      path: 'StatefulSet/x',
      cause: 'a pod of StatefulSet app/x reserves 4 CPU and 10241Mi, a node has 4 CPU and 10Gi',
      remedy: 'give the pod less or the cluster larger nodes (clusters[].nodes)',
    },
  ]);
  expect(causesOf(budgets, build('4001m', '1Gi'))).toHaveLength(1);
  const none = workload('StatefulSet', { replicas: 0 }, of('5', '1Gi'));
  expect(findingsOf(budgets, platformOf([none], NODES))).toEqual([]);
});

test('pods that fit all nodes together but no single one are found', () => {
  // Three nodes of 10Gi have 30Gi, and no two of these pods share one.
  const platform = platformOf([workload('StatefulSet', { replicas: 4 }, of('1', '6Gi'))], {
    ...NODES,
    zones: ['a'],
  });

  expect(causesOf(budgets, platform)).toEqual([
    'no room for a pod of StatefulSet app/x (1 CPU, 6Gi) on the 3 nodes of 4 CPU and 10Gi: all pods reserve 4 CPU and 24Gi at one moment',
  ]);
});

test('the pods at rest must fit the nodes of the zones that are left', () => {
  const build = (replicas: number, zones: string[]) =>
    platformOf([workload('StatefulSet', { replicas }, of('1', '6Gi'))], { ...NODES, zones });

  expect(findingsOf(budgets, build(2, ['a', 'b', 'c']))).toEqual([]);
  expect(findingsOf(budgets, build(3, ['a']))).toEqual([]);
  expect(causesOf(budgets, build(3, ['a', 'b', 'c']))).toEqual([
    'no room for a pod of StatefulSet app/x (1 CPU, 6Gi) on the 2 nodes left without the largest zone of 4 CPU and 10Gi: all pods reserve 3 CPU and 18Gi at rest',
  ]);
});

test('of nodes that zones share unevenly the fuller zone is the one that goes', () => {
  const nodes = { count: 4, cpu: '4', memory: '10Gi' };

  expect(
    causesOf(budgets, platformOf([workload('StatefulSet', { replicas: 3 }, of('1', '6Gi'))], { nodes })),
  ).toEqual([
    'no room for a pod of StatefulSet app/x (1 CPU, 6Gi) on the 2 nodes left without the largest zone of 4 CPU and 10Gi: all pods reserve 3 CPU and 18Gi at rest',
  ]);
});

test('what finds room is never more than there is, and a lone kind of pod finds room wherever it can', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 10 }),
      (replicas, memory, count) => {
        const platform = platformOf([workload('StatefulSet', { replicas }, of('1m', `${memory}Gi`))], {
          zones: ['a'],
          nodes: { count, cpu: '4', memory: '10Gi' },
        });
        const fits = count * Math.floor(10 / memory) >= replicas;
        const isInBudget = replicas * memory <= 256;
        expect(findingsOf(budgets, platform)).toHaveLength((fits ? 0 : 1) + (isInBudget ? 0 : 1));
      },
    ),
  );
});
