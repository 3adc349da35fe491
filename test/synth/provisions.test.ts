import { provisionsOf } from '../../synth/provisions';

const made = (kind: string, spec: object, annotations = {}): string[] =>
  provisionsOf({ apiVersion: 'v1', kind, metadata: { name: 'x', namespace: 'app', annotations }, spec }, [
    'app',
    'other',
  ])
    .slice(1)
    .map(({ identity, keys }) => [identity, ...(keys ?? [])].join(' '));

test('an object provides itself, a ConfigMap with its keys', () => {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'app' } };
  expect(provisionsOf({ ...map, data: { a: '' }, binaryData: { b: '' } }, [])).toEqual([
    { identity: 'ConfigMap/app/x', keys: ['a', 'b'] },
  ]);
  expect(provisionsOf(map, [])).toEqual([{ identity: 'ConfigMap/app/x', keys: [] }]);
});

test('a job provides what it says', () => {
  expect(made('Job', {}, { 'lighthouse/makes': 'Secret/app/a:username:password,Secret/app/b' })).toEqual([
    'Secret/app/a username password',
    'Secret/app/b',
  ]);
});

test.each([
  ['Certificate', { secretName: 'a' }, ['Secret/app/a tls.crt tls.key ca.crt']],
  ['ExternalSecret', { data: [{ secretKey: 'a' }] }, ['Secret/app/x a']],
  ['ExternalSecret', { target: { name: 'b' }, dataFrom: [{}] }, ['Secret/app/b']],
  ['ExternalSecret', { target: { name: 'b', template: {} }, data: [{ secretKey: 'a' }] }, ['Secret/app/b']],
  ['Bundle', { target: { configMap: { key: 'k' } } }, ['ConfigMap/app/x k', 'ConfigMap/other/x k']],
  ['Bundle', { target: { secret: { key: 'k' } } }, ['Secret/app/x k', 'Secret/other/x k']],
  ['DatabaseRole', { clientCertificate: {} }, ['Secret/app/x-client-cert tls.crt tls.key']],
  ['DatabaseRole', { clientCertificate: { enabled: false } }, []],
  ['DatabaseRole', {}, []],
  ['Pooler', {}, ['Service/app/x', 'ServiceAccount/app/x']],
  ['Prometheus', {}, ['Service/app/prometheus-operated']],
  ['Alertmanager', {}, ['Service/app/alertmanager-operated']],
])('%s with %j provides %j', (kind, spec, expected) => {
  expect(made(kind, spec)).toEqual(expected);
});

test('a database cluster provides what nobody else was asked to', () => {
  expect(made('Cluster', { enableSuperuserAccess: true })).toEqual([
    ...['superuser', 'app', 'ca', 'server', 'replication'].map((name) => `Secret/app/x-${name}`),
    ...['rw', 'ro', 'r'].map((name) => `Service/app/x-${name}`),
    'ServiceAccount/app/x',
  ]);
  expect(
    made('Cluster', {
      bootstrap: { initdb: { secret: { name: 'a' } } },
      certificates: {
        serverCASecret: 'a',
        clientCASecret: 'a',
        serverTLSSecret: 'a',
        replicationTLSSecret: 'a',
      },
      managed: {
        services: {
          disabledDefaultServices: ['ro', 'r'],
          additional: [{ serviceTemplate: { metadata: { name: 'more' } } }],
        },
      },
      serviceAccountName: 'account',
    }),
  ).toEqual(['Service/app/x-rw', 'Service/app/more', 'ServiceAccount/app/account']);
});
