import { references } from '../../guarantees/references';
import { ConfigMap, ServiceAccount } from '../../imports/k8s';
import { Certificate } from '../../imports/cert-manager.io';
import { platformWith } from '../support';
import { added, causesOf, changed, findingsOf, soundPlatform, without } from './support';

const CONTAINER = 'spec.template.spec.containers[0]';

test('what is named and there is no finding', () => {
  expect(findingsOf(references, soundPlatform())).toEqual([]);
});

test('a misspelt name is found, with the nearest that there is', () => {
  const platform = changed(
    soundPlatform(),
    'Deployment/app/client',
    `${CONTAINER}.env[0].valueFrom.secretKeyRef.name`,
    'users-brigde',
  );
  expect(findingsOf(references, platform)).toEqual([
    {
      path: 'foundation/Namespaces/app/client/Resource',
      cause:
        'Deployment client: spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef names Secret/app/users-brigde, which nothing makes',
      remedy:
        'make it, or name what is made; did you mean "users-bridge"?; ' +
        'what somebody else makes is declared by a value in config/, listed in guarantees/inputs.ts',
    },
  ]);
});

test('what is there in another namespace only is found, and pointed at', () => {
  const platform = changed(
    soundPlatform(({ namespaces }) => {
      new ServiceAccount(namespaces.add('other'), 'worker', {});
    }),
    'Deployment/app/client',
    'spec.template.spec.serviceAccountName',
    'worker',
  );
  const [finding] = findingsOf(references, platform);
  expect(finding?.cause).toContain('names ServiceAccount/app/worker, which nothing makes');
  expect(finding?.remedy).toContain('there is ServiceAccount/other/worker');
});

test.each([
  ['a Secret in a volume', 'volumes', [{ name: 'x', secret: { secretName: 'none' } }], 'Secret/app/none'],
  ['a ConfigMap in a volume', 'volumes', [{ name: 'x', configMap: { name: 'none' } }], 'ConfigMap/app/none'],
  [
    'a Secret in a projected volume',
    'volumes',
    [{ name: 'x', projected: { sources: [{ secret: { name: 'none' } }] } }],
    'Secret/app/none',
  ],
  [
    'a claim in a volume',
    'volumes',
    [{ name: 'x', persistentVolumeClaim: { claimName: 'none' } }],
    'PersistentVolumeClaim/app/none',
  ],
  ['a priority class', 'priorityClassName', 'none', 'PriorityClass/none'],
  ['a service account', 'serviceAccountName', 'none', 'ServiceAccount/app/none'],
  ['a pull secret', 'imagePullSecrets', [{ name: 'none' }], 'Secret/app/none'],
])('%s that is not there is found once', (_, field, value, to) => {
  const platform = changed(soundPlatform(), 'Deployment/app/client', `spec.template.spec.${field}`, value);
  expect(causesOf(references, platform)).toEqual([
    expect.stringContaining(`names ${to}, which nothing makes`),
  ]);
});

test.each([
  ['optional references', 'volumes', [{ name: 'x', secret: { secretName: 'none', optional: true } }]],
  ["Kubernetes' own objects", 'volumes', [{ name: 'x', configMap: { name: 'kube-root-ca.crt' } }]],
  ["Kubernetes' own accounts", 'serviceAccountName', 'default'],
  ["Kubernetes' own classes", 'priorityClassName', 'system-cluster-critical'],
])('%s are no finding', (_, field, value) => {
  const platform = changed(soundPlatform(), 'Deployment/app/client', `spec.template.spec.${field}`, value);
  expect(findingsOf(references, platform)).toEqual([]);
});

test('a key that a ConfigMap of ours has not is found', () => {
  const platform = changed(
    soundPlatform(),
    'Deployment/app/client',
    'spec.template.spec.volumes[0].configMap.items',
    [{ key: 'client.cnf', path: 'x' }],
  );
  const [finding, ...others] = findingsOf(references, platform);
  expect(others).toEqual([]);
  expect(finding?.cause).toMatch(
    /volumes\[0\]\.configMap names key "client\.cnf" of ConfigMap\/app\/client-config-\w+, which has client\.conf$/,
  );
  expect(finding?.remedy).toBe('name one of its keys; did you mean "client.conf"?');
});

test.each([
  ['a certificate', 'tls', 'tls.pem', 'tls.crt, tls.key, ca.crt'],
  ['a credential', 'users-bridge', 'pasword', 'username, password'],
])('a key that the Secret of %s will not have is found', (_, name, key, has) => {
  const platform = changed(
    soundPlatform(({ chart }) => {
      new Certificate(chart, 'tls', {
        metadata: { name: 'tls', namespace: 'app' },
        spec: { secretName: 'tls', issuerRef: { kind: 'ClusterIssuer', name: 'lighthouse' } },
      });
    }),
    'Deployment/app/client',
    `${CONTAINER}.env[0].valueFrom.secretKeyRef`,
    { name, key },
  );
  expect(causesOf(references, platform)).toEqual([
    expect.stringContaining(`names key "${key}" of Secret/app/${name}, which has ${has}`),
  ]);
});

test('an issuer that is not there is found', () => {
  const platform = changed(
    soundPlatform(({ chart }) => {
      new Certificate(chart, 'tls', {
        metadata: { name: 'tls', namespace: 'app' },
        spec: { secretName: 'tls', issuerRef: { name: 'lighthouse' } },
      });
    }),
    'Certificate/app/tls',
    'spec.commonName',
    'tls',
  );
  expect(causesOf(references, platform)).toEqual([
    'Certificate tls: spec.issuerRef names Issuer/app/lighthouse, which nothing makes',
  ]);
});

test('a role, and an account of another namespace, that are not there are found', () => {
  const role = changed(soundPlatform(), 'RoleBinding/app/users', 'roleRef.name', 'none');
  expect(causesOf(references, role)).toEqual([
    'RoleBinding users: roleRef names Role/app/none, which nothing makes',
  ]);
  const account = changed(soundPlatform(), 'RoleBinding/app/users', 'subjects[0].namespace', 'other');
  expect(causesOf(references, account)).toEqual([
    'RoleBinding users: subjects[0] names ServiceAccount/other/users, which nothing makes',
  ]);
});

test('a Service that governs a StatefulSet must be there', () => {
  expect(causesOf(references, without(soundPlatform(), 'Service/app/server'))).toEqual([
    'StatefulSet server: spec.serviceName names Service/app/server, which nothing makes',
  ]);
});

test('inputs are what the environment names, and nothing else', () => {
  const claim = (storageClassName: string) =>
    changed(soundPlatform(), 'StatefulSet/app/server', 'spec.volumeClaimTemplates', [
      { metadata: { name: 'data' }, spec: { storageClassName } },
    ]);
  expect(findingsOf(references, claim('standard'))).toEqual([]);
  expect(causesOf(references, claim('fast'))).toEqual([
    'StatefulSet server: spec.volumeClaimTemplates[0].spec.storageClassName names StorageClass/fast, which nothing makes',
  ]);
});

test('a secret store is an input where the environment names it', () => {
  const keys = {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: 'keys', namespace: 'app' },
    spec: {
      secretStoreRef: { kind: 'ClusterSecretStore', name: 'vault' },
      data: [{ secretKey: 'key', remoteRef: { key: 'x' } }],
    },
  };
  const platform = added(soundPlatform(), 'Deployment/app/client', keys);
  expect(causesOf(references, platform)).toEqual([
    'ExternalSecret keys: spec.secretStoreRef names ClusterSecretStore/vault, which nothing makes',
  ]);
  const { environment } = platform;
  const external = {
    host: 's3.example.com',
    port: 443,
    cidr: '10.0.0.0/24',
    region: 'here',
    bucketPrefix: 'x-',
    secretStore: 'vault',
    secretPath: 'x',
  };
  const declared = { ...environment, objectStorage: { engine: 'external' as const, external } };
  expect(findingsOf(references, { ...platform, environment: declared })).toEqual([]);
  const [zone, ...rest] = environment.clusters;
  const elsewhere = {
    ...environment,
    clusters: [{ ...zone, anything: [{ secretStore: 'vault' }] }, ...rest],
  };
  expect(findingsOf(references, { ...platform, environment: elsewhere as typeof environment })).toEqual([]);
});

test('an object in a namespace that nothing makes is found', () => {
  const platform = platformWith(({ namespaces }) => {
    new ConfigMap(namespaces.existing('nowhere'), 'x', {});
  });
  expect(causesOf(references, platform)).toContain(
    'ConfigMap x lies in namespace nowhere, which nothing makes',
  );
});

test('custom resources need their operator', () => {
  const { cluster, ...platform } = soundPlatform();
  const installed = cluster.installed?.filter((name) => name !== 'prometheus-operator');
  expect(findingsOf(references, { ...platform, cluster: { ...cluster, installed } })).toEqual(
    [
      ['Monitor', 'PodMonitor'],
      ['Probe', 'Probe'],
    ].map(([id, kind]) => ({
      path: `foundation/Namespaces/app/server/${id}`,
      cause: `${kind} server is of API group monitoring.coreos.com, and its operator prometheus-operator is not installed`,
      remedy: 'install it with PlatformOperators, or list it under clusters[].installed in config/',
    })),
  );
});

test('custom resources of a group that no operator serves are found, until their definition is made', () => {
  const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'app' } };
  const platform = added(soundPlatform(), 'Deployment/app/client', widget);
  expect(causesOf(references, platform)).toEqual([
    'Widget w is of API group example.com, which no operator of the platform serves',
  ]);
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: { group: 'example.com' },
  };
  expect(findingsOf(references, added(platform, 'Deployment/app/client', definition))).toEqual([]);
});
