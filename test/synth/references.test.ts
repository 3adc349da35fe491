import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../constructs/platform/manifest';
import { referencesOf } from '../../synth/references';

const object = (kind: string, fields: object): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'x', namespace: 'app' },
  ...fields,
});

const named = (kind: string, spec: object): string[] =>
  referencesOf(object(kind, { spec })).map(({ to }) => to);

test.each([
  ['Pooler', { pgbouncer: { authQuerySecret: { name: 'a' } } }, ['Secret/app/a']],
  ['Pooler', { cluster: { name: 'a' } }, ['Cluster/app/a']],
  ['Cluster', { certificates: { serverTLSSecret: 'a' } }, ['Secret/app/a']],
  ['Cluster', { plugins: [{ parameters: { barmanObjectName: 'a' } }] }, ['ObjectStore/app/a']],
  ['Cluster', { storage: { storageClass: 'a' } }, ['StorageClass/a']],
  ['Cluster', { monitoring: { customQueriesConfigMap: [{ name: 'a', key: 'b' }] } }, ['ConfigMap/app/a']],
  ['ObjectStore', { s3Credentials: { accessKeyId: { name: 'a', key: 'b' } } }, ['Secret/app/a']],
  ['Prometheus', { secrets: ['a', 'b'] }, ['Secret/app/a', 'Secret/app/b']],
  ['Prometheus', { configMaps: ['a'] }, ['ConfigMap/app/a']],
  ['Prometheus', { alerting: { alertmanagers: [{ name: 'a', namespace: 'b' }] } }, ['Service/b/a']],
  ['PodMonitor', { tlsConfig: { ca: { configMap: { name: 'a', key: 'b' } } } }, ['ConfigMap/app/a']],
  [
    'Certificate',
    { secretName: 'made', issuerRef: { kind: 'ClusterIssuer', name: 'a' } },
    ['ClusterIssuer/a'],
  ],
  ['ExternalSecret', { target: { name: 'made' }, secretStoreRef: { name: 'a' } }, ['SecretStore/app/a']],
  ['ExternalSecret', { data: [{ secretKey: 'k', remoteRef: { key: 'a', property: 'b' } }] }, []],
  ['HorizontalPodAutoscaler', { scaleTargetRef: { kind: 'Deployment', name: 'a' } }, ['Deployment/app/a']],
  ['Ingress', { rules: [{ backend: { service: { name: 'a' } } }] }, ['Service/app/a']],
  ['Application', { project: 'a', source: { secretName: 'in a chart' } }, ['AppProject/app/a']],
])('%s with %j names %j', (kind, spec, names) => {
  expect(named(kind, spec)).toEqual(names);
});

test('cluster-wide issuers and bundles read the namespace of cert-manager', () => {
  const everywhere = { apiVersion: 'v1', metadata: { name: 'x' } };
  const issuer = { ...everywhere, kind: 'ClusterIssuer', spec: { ca: { secretName: 'a' } } };
  expect(referencesOf(issuer).map(({ to }) => to)).toEqual(['Secret/cert-manager/a']);
  const bundle = {
    ...everywhere,
    kind: 'Bundle',
    spec: { sources: [{ secret: { name: 'a', key: 'b' } }], target: { secret: { key: 'c' } } },
  };
  expect(referencesOf(bundle)).toEqual([
    { to: 'Secret/cert-manager/a', field: 'spec.sources[0].secret', keys: ['b'] },
  ]);
});

test('keys are read where they are picked', () => {
  const volumes = [
    { name: 'v', secret: { secretName: 'a', items: [{ key: 'k', path: 'p' }] } },
    { name: 'w', configMap: { name: 'b' } },
  ];
  expect(referencesOf(object('Job', { spec: { volumes } }))).toEqual([
    { to: 'Secret/app/a', field: 'spec.volumes[0].secret', keys: ['k'] },
    { to: 'ConfigMap/app/b', field: 'spec.volumes[1].configMap', keys: [] },
  ]);
});

test('files are no references, whatever they look like', () => {
  expect(referencesOf(object('ConfigMap', { data: { secretName: 'a' } }))).toEqual([]);
});

// Whatever the custom resources in use can name: found in their schemas, not in a list that someone must keep.
describe('every field of every schema that selects from a Secret or a ConfigMap is read', () => {
  interface Schema {
    readonly type?: string;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly items?: Schema;
  }
  const folder = join(__dirname, '..', '..', 'imports', 'schemas', 'crds');
  const kinds = readdirSync(folder, { encoding: 'utf8', recursive: true }).filter(
    (file) => /\w\/\w+_\w+\.json$/.test(file) && !file.startsWith('argoproj.io'),
  );

  /** Paths of fields with `name` and `key` and nothing that would make them something else. */
  const selectors = (schema: Schema, path: readonly string[] = []): string[][] => {
    const { properties = {}, items } = schema;
    const own = Object.keys(properties).filter((key) => key !== 'optional' && key !== 'namespace');
    const isSelector = own.length === 2 && 'name' in properties && 'key' in properties;
    return [
      ...(isSelector ? [[...path]] : []),
      ...Object.entries(properties).flatMap(([key, child]) => selectors(child, [...path, key])),
      ...(items ? selectors(items, [...path, '[]']) : []),
    ];
  };

  const build = (path: readonly string[], leaf: unknown): unknown =>
    path.reduceRight((inner, key) => (key === '[]' ? [inner] : { [key]: inner }), leaf);

  test('there are schemas', () => expect(kinds.length).toBeGreaterThan(10));

  test.each(kinds)('%s', (file) => {
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Schema;
    const spec = schema.properties?.['spec'] ?? {};
    for (const path of selectors(spec)) {
      const found = named('Any', build(path, { name: 'a', key: 'b' }) as object);
      const isConfigMap = /configMap/i.test(path.filter((key) => key !== '[]').at(-1) ?? '');
      expect([path.join('.'), ...found]).toEqual([
        path.join('.'),
        `${isConfigMap ? 'ConfigMap' : 'Secret'}/app/a`,
      ]);
    }
  });
});
