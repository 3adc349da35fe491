import { policies } from '../../guarantees/policies';
import { identityOf } from '../../synth/references';
import type { Platform } from '../../synth/platform';
import { Connections } from '../../constructs/platform/connections';
import { ConfigMap } from '../../imports/k8s';
import { Construct } from 'constructs';
import { added, causesOf, changed, findingsOf, soundPlatform, without } from './support';

const CLIENT_PODS =
  'pods app.kubernetes.io/component=worker,app.kubernetes.io/instance=client,app.kubernetes.io/name=client in app';
const SERVER_PODS =
  'pods app.kubernetes.io/component=member,app.kubernetes.io/instance=server,app.kubernetes.io/name=server in app';

const ruleTo = (platform: Platform, rule: object): Platform =>
  changed(platform, 'NetworkPolicy/app/client', 'spec.egress[2]', rule);

test('declared edges, both ways, are no finding', () => {
  expect(findingsOf(policies, soundPlatform())).toEqual([]);
});

test('counts what it proves', () => {
  // client to server; DNS twice from three sets of pods; the job to the API server; Prometheus to the server.
  expect(policies.check(soundPlatform()).facts).toContainEqual({
    subject: 'connections let out and in',
    figure: '9',
  });
});

test('a missing way out is found', () => {
  const platform = changed(soundPlatform(), 'NetworkPolicy/app/client', 'spec.egress[1].ports[0].port', 6380);
  expect(causesOf(policies, platform)).toEqual([
    `no policy lets Deployment app/client out to ${SERVER_PODS}, TCP 6379`,
    expect.stringMatching(
      /^policy client opens egress to pods .* in app, TCP 6380, which no connection declares$/,
    ),
  ]);
});

test('a way out to other pods is none', () => {
  const field = 'spec.egress[1].to[0].podSelector.matchLabels.app\\.kubernetes\\.io/name';
  expect(causesOf(policies, changed(soundPlatform(), 'NetworkPolicy/app/client', field, 'serverr'))).toEqual([
    `no policy lets Deployment app/client out to ${SERVER_PODS}, TCP 6379`,
    expect.stringContaining('app.kubernetes.io/name=serverr in app, TCP 6379, which no connection declares'),
  ]);
});

test('a missing way in is found', () => {
  const platform = changed(soundPlatform(), 'NetworkPolicy/app/server', 'spec.ingress', []);
  expect(findingsOf(policies, platform)).toEqual([
    {
      path: 'foundation/Namespaces/app/server',
      cause:
        'no policy lets pods app.kubernetes.io/name=prometheus in observability, TCP 9121 in to StatefulSet app/server',
      remedy: 'declare the edge with connections.allowTo(endpoint), and give the pods connections.podLabels',
    },
    {
      path: 'foundation/Namespaces/app/client',
      cause: `no policy lets ${CLIENT_PODS}, TCP 6379 in to StatefulSet app/server`,
      remedy: 'declare the edge with connections.allowTo(endpoint), and give the pods connections.podLabels',
    },
  ]);
});

test('no way to DNS is found', () => {
  const platform = changed(soundPlatform(), 'NetworkPolicy/app/client', 'spec.egress[0].ports', [
    { protocol: 'UDP', port: 53 },
  ]);
  expect(causesOf(policies, platform)).toEqual([
    'no policy lets Deployment app/client out to pods k8s-app=kube-dns in kube-system, TCP 53',
  ]);
});

test('labels of a template that no policy knows are found, at both ends', () => {
  const platform = changed(
    soundPlatform(),
    'Deployment/app/client',
    'spec.template.metadata.labels.app\\.kubernetes\\.io/instance',
    'clients',
  );
  expect(causesOf(policies, platform)).toEqual([
    'pods of Deployment app/client are selected by 0 policies',
    'nothing makes pods app.kubernetes.io/instance=client,app.kubernetes.io/name=client in app, which connections are declared for',
  ]);
});

test.each(['CronJob', 'Job', 'StatefulSet'])('pods of a %s need a policy too', (kind) => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [] } };
  const spec = kind === 'CronJob' ? { jobTemplate: { spec: { template } } } : { template };
  const manifest = { apiVersion: 'v1', kind, metadata: { name: 'x', namespace: 'app' }, spec };
  expect(causesOf(policies, added(soundPlatform(), 'ConfigMap/app/client', manifest))).toEqual([
    `pods of ${kind} app/x are selected by 0 policies`,
  ]);
});

test('pods under two policies are found', () => {
  const twin = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'twin', namespace: 'app' },
    spec: { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'client' } }, policyTypes: ['Ingress'] },
  };
  expect(findingsOf(policies, added(soundPlatform(), 'NetworkPolicy/app/client', twin))).toEqual([
    {
      path: 'foundation/Namespaces/app/client/Resource',
      cause: 'pods of Deployment app/client are selected by 2 policies: client, twin',
      remedy: 'rules of several policies add up: tell the sets of pods apart by their labels',
    },
  ]);
});

test("a pooler's pods carry the label of their cluster, which must not be all that the cluster's policy says", () => {
  const meta = { namespace: 'app', labels: {} };
  const cluster = {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Cluster',
    metadata: { ...meta, name: 'db' },
    spec: { instances: 1 },
  };
  const pooler = {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Pooler',
    metadata: { ...meta, name: 'pool' },
    spec: { cluster: { name: 'db' }, template: { spec: { containers: [] } } },
  };
  const policy = (name: string, matchLabels: object) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'app' },
    spec: { podSelector: { matchLabels }, policyTypes: ['Ingress', 'Egress'] },
  });
  const all = [
    cluster,
    pooler,
    policy('db', { 'cnpg.io/cluster': 'db' }),
    policy('pool', { 'cnpg.io/poolerName': 'pool' }),
  ];
  const platform = all.reduce((sum, each) => added(sum, 'ConfigMap/app/client', each), soundPlatform());
  expect(causesOf(policies, platform)).toEqual([
    'pods of Pooler app/pool are selected by 2 policies: db, pool',
  ]);
  const narrow = changed(
    platform,
    'NetworkPolicy/app/db',
    'spec.podSelector.matchLabels.app\\.kubernetes\\.io/component',
    'database',
  );
  expect(findingsOf(policies, narrow)).toEqual([]);
});

test('a namespace that does not deny by default is found, also where one direction is missing', () => {
  const cause = 'no policy denies by default, both ways, in namespace app';
  const open = without(soundPlatform(), 'NetworkPolicy/app/default-deny');
  expect(causesOf(policies, open)).toEqual([cause]);
  const half = changed(soundPlatform(), 'NetworkPolicy/app/default-deny', 'spec.policyTypes', ['Ingress']);
  expect(causesOf(policies, half)).toEqual([cause]);
  const rules = changed(soundPlatform(), 'NetworkPolicy/app/default-deny', 'spec.ingress', [{}]);
  expect(causesOf(policies, rules)).toContain(cause);
});

test("pods in somebody else's namespace are found, also those that are not read yet", () => {
  const manifest = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'x', namespace: 'cnpg-system' },
  };
  expect(causesOf(policies, added(soundPlatform(), 'ConfigMap/app/client', manifest))).toEqual([
    'no policy denies by default, both ways, in namespace cnpg-system',
  ]);
});

test.each([
  ['no peer', { ports: [{ protocol: 'TCP', port: 443 }] }, 'pods of any label in any namespace, TCP 443'],
  ['an empty peer list', { to: [], ports: [{ port: 443 }] }, 'pods of any label in any namespace, TCP 443'],
  ['nothing at all', {}, 'pods of any label in any namespace, any port'],
  ['every namespace', { to: [{ namespaceSelector: {} }] }, 'pods of any label in any namespace, any port'],
  [
    'every address',
    { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 443 }] },
    '0.0.0.0/0, TCP 443',
  ],
  ['every IPv6 address', { to: [{ ipBlock: { cidr: '::/0' } }] }, '::/0, any port'],
])('a rule that names %s opens the world', (_, rule, text) => {
  expect(findingsOf(policies, ruleTo(soundPlatform(), rule))).toEqual([
    {
      path: 'foundation/Namespaces/app/client/Network',
      cause: `policy client opens egress to the whole world: ${text}`,
      remedy: 'name the peer, and its port',
    },
  ]);
});

test('a declared range that is the whole world is found', () => {
  const platform = soundPlatform((): void => undefined);
  const [client] = platform.objects.filter(
    (object) => identityOf(object.manifest) === 'Deployment/app/client',
  );
  client?.connections?.allowToRange({ name: 'all', cidr: '0.0.0.0/0', port: 443 });
  const printed = ruleTo(platform, { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 443 }] });
  expect(causesOf(policies, printed)).toEqual([
    'policy client opens egress to the whole world: 0.0.0.0/0, TCP 443',
  ]);
});

const server = { 'app.kubernetes.io/name': 'server', 'app.kubernetes.io/instance': 'server' };

test.each([
  ['another port', { to: [{ podSelector: { matchLabels: server } }], ports: [{ port: 9121 }] }, 'TCP 9121'],
  [
    'another protocol',
    { to: [{ podSelector: { matchLabels: server } }], ports: [{ port: 6379, protocol: 'UDP' }] },
    'UDP 6379',
  ],
  ['every port', { to: [{ podSelector: { matchLabels: server } }] }, 'any port'],
  [
    'a range of ports',
    { to: [{ podSelector: { matchLabels: server } }], ports: [{ port: 6379, endPort: 6400 }] },
    'any port',
  ],
])('a rule for %s that nobody declared is found', (_, rule, text) => {
  expect(causesOf(policies, ruleTo(soundPlatform(), rule))).toEqual([
    `policy client opens egress to pods app.kubernetes.io/instance=server,app.kubernetes.io/name=server in app, ${text}, which no connection declares`,
  ]);
});

test('rules for fewer labels, for other addresses and by expressions are found', () => {
  const ports = [{ port: 6379 }];
  const causes = [
    { to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'server' } } }], ports },
    { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports },
    { to: [{ podSelector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }], ports },
  ].flatMap((rule) => causesOf(policies, ruleTo(soundPlatform(), rule)));
  expect(causes).toEqual([
    'policy client opens egress to pods app.kubernetes.io/name=server in app, TCP 6379, which no connection declares',
    'policy client opens egress to 10.0.0.0/8, TCP 6379, which no connection declares',
    'policy client opens egress to pods or namespaces by expressions, which no connection declares',
  ]);
});

test('a way in that nobody declared is found', () => {
  const platform = changed(soundPlatform(), 'NetworkPolicy/app/client', 'spec.ingress', [
    { from: [{ podSelector: { matchLabels: server } }], ports: [{ port: 80 }] },
  ]);
  expect(causesOf(policies, platform)).toEqual([
    'policy client opens ingress from pods app.kubernetes.io/instance=server,app.kubernetes.io/name=server in app, TCP 80, which no connection declares',
  ]);
});

test('connections of pods that nothing makes are found', () => {
  const platform = soundPlatform(({ namespaces }) => {
    const idle = new Construct(namespaces.add('other'), 'idle');
    new Connections(idle, { name: 'idle', component: 'none' });
    new ConfigMap(idle, 'Resource', {});
  });
  expect(causesOf(policies, platform)).toEqual([
    'nothing makes pods app.kubernetes.io/instance=idle,app.kubernetes.io/name=idle in other, which connections are declared for',
  ]);
});
