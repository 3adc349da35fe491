import { identityOf } from '../../synth/references';
import fc from 'fast-check';
import { network } from '../../guarantees/network';
import type { Platform } from '../../synth/platform';
import { API_SERVER } from '../support';
import { added, causesOf, changed, findingsOf, soundPlatform, without } from './support';

const CLIENT = 'Deployment/app/client';
const URL = 'spec.template.spec.containers[0].env[1].value';

/** The client, told to use another address. */
const using = (value: string, platform = soundPlatform()): Platform => changed(platform, CLIENT, URL, value);

const SOUND = soundPlatform();

const causesWith = (value: string, platform = SOUND): string[] =>
  causesOf(network, using(value, platform)).map((cause) =>
    cause.replace(/^Deployment client: \S+ names /, ''),
  );

test('names with an edge are no finding', () => {
  expect(findingsOf(network, soundPlatform())).toEqual([]);
});

test('a name that belongs to nobody is found', () => {
  expect(findingsOf(network, using('redis://serverr.app.svc.cluster.local:6379'))).toEqual([
    {
      path: 'foundation/Namespaces/app/client/Resource',
      cause:
        'Deployment client: spec.template.spec.containers[0].env[1].value names ' +
        'serverr.app.svc.cluster.local:6379, which belongs to no declared endpoint',
      remedy: 'take host names from an endpoint: endpoint.host, endpoint.address or endpoint.url(scheme)',
    },
  ]);
});

test.each([
  ['in full', 'server.app.svc.cluster.local:6379'],
  ['without the domain', 'http://server.app.svc:6379/x'],
  ['without a port', 'server.app.svc.cluster.local'],
  ['of a pod', 'server-1.server.app.svc.cluster.local:6379'],
  ['of a port, for SRV records', '_data._tcp.server.app.svc.cluster.local'],
  ['of a pod, put together at run time', 'server-$ORDINAL.server.app.svc.cluster.local:6379'],
  ['of a pod, by a variable', '$pod.server.app.svc.cluster.local:6379'],
  ['of its own, that only resolves', 'client.$NAMESPACE.svc.cluster'],
  ['of itself, on this machine', 'http://localhost:9000 http://127.0.0.1:9000'],
  ['of all, for a proxy to leave out', '.svc,.cluster.local'],
  ['of the platform itself', 'https://app.example.com/login'],
])('a name %s is read', (_, value) => {
  expect(causesWith(value)).toEqual([]);
});

test.each([
  [
    'a port that the pods do not listen on',
    'server.app.svc.cluster.local:6380',
    'server.app.svc.cluster.local:6380, which listens on 6379, 9121',
  ],
  [
    'a port that there is no edge to',
    'server.app.svc.cluster.local:9121',
    'server.app.svc.cluster.local:9121, to which foundation/Namespaces/app/client has no edge',
  ],
  [
    'a pod beyond the replicas',
    'server-2.server.app.svc:6379',
    'server-2.server.app.svc:6379, but no pod has that name behind the Service; there are server-0 to -1',
  ],
  [
    'the Kubernetes API',
    'https://kubernetes.default.svc',
    'kubernetes.default.svc, the Kubernetes API, to which foundation/Namespaces/app/client has no edge',
  ],
  [
    'a host outside',
    'https://example.org/x',
    'example.org, outside the cluster, to which foundation/Namespaces/app/client has no edge',
  ],
  [
    'a host outside, with a user',
    'postgres://me@db.example.org:5432/x',
    'db.example.org:5432, outside the cluster, to which foundation/Namespaces/app/client has no edge',
  ],
  ['a short name', 'http://server:6379', 'server:6379, a Service by a short name'],
])('%s is found', (_, value, cause) => {
  expect(causesWith(value)).toEqual([cause]);
});

test('a pod of a Service that governs another set has no name', () => {
  const platform = changed(soundPlatform(), 'StatefulSet/app/server', 'spec.serviceName', 'other');
  expect(causesWith('server-0.server.app.svc:6379', platform)).toEqual([
    expect.stringContaining('server-0.server.app.svc:6379, but no pod has that name behind the Service'),
  ]);
});

test('a declared name without a Service is found', () => {
  expect(causesWith('server.app.svc:6379', without(soundPlatform(), 'Service/app/server'))).toContain(
    'server.app.svc:6379, and there is no Service server in namespace app',
  );
});

test('what an address range is declared for may be named', () => {
  const platform = soundPlatform();
  const [client] = platform.objects.filter((object) => identityOf(object.manifest) === CLIENT);
  client?.connections?.allowToRange({ name: 'example.org', cidr: '203.0.113.1/32', port: 443 });
  client?.connections?.allowToRange({ ...API_SERVER, port: 443 });
  expect(causesWith('https://kubernetes.default.svc', platform)).toHaveLength(1);
  client?.connections?.allowToRange(API_SERVER);
  expect(causesWith('https://example.org/x', platform)).toEqual([]);
  expect(causesWith('https://kubernetes.default.svc', platform)).toEqual([]);
});

test('object storage outside is known by its address range and port', () => {
  const platform = soundPlatform();
  const external = {
    host: 's3.provider.example',
    port: 9000,
    cidr: '203.0.113.0/24',
    region: 'here',
    bucketPrefix: 'x-',
    secretStore: 'vault',
    secretPath: 'x',
  };
  const outside: Platform = {
    ...platform,
    environment: { ...platform.environment, objectStorage: { engine: 'external', external } },
  };
  const missing =
    's3.provider.example:9000, outside the cluster, to which foundation/Namespaces/app/client has no edge';
  expect(causesWith('s3.provider.example:9000', outside)).toEqual([missing]);
  const [client] = platform.objects.filter((object) => identityOf(object.manifest) === CLIENT);
  client?.connections?.allowToRange({ name: 'storage', cidr: external.cidr, port: external.port });
  expect(causesWith('s3.provider.example:9000', outside)).toEqual([]);
  expect(causesWith('https://s3.provider.example:9000/x', outside)).toEqual([]);
  expect(causesWith('s3.provider.example:443', outside)).toEqual([
    's3.provider.example:443, which listens on 9000',
  ]);
});

describe('files', () => {
  const withFile = (text: string): string[] => {
    const platform = soundPlatform();
    return causesOf(network, changed(platform, 'ConfigMap/app/client-config-', 'data.client\\.conf', text));
  };

  test('concern whoever mounts them', () => {
    expect(withFile('server none.app.svc.cluster.local:1\n')).toEqual([
      expect.stringMatching(
        /^ConfigMap client-config-\w+: data\.client\.conf names none\.app\.svc\S+, which belongs/,
      ),
    ]);
    // The server's own: the client mounts it, and has no edge to that port.
    expect(withFile('server server.app.svc.cluster.local:9121\n')).toEqual([
      expect.stringContaining('to which foundation/Namespaces/app/client has no edge'),
    ]);
  });

  test.each([
    ['comments', '# see none.app.svc and https://docs.example.org/x\n  // http://a.example.org\n'],
    ['links for people', 'runbook_url: https://docs.example.org/x\n'],
  ])('%s are not read', (_, text) => {
    expect(withFile(text)).toEqual([]);
  });

  test('what follows a comment is', () => {
    expect(withFile('# a\nurl https://a.example.org\n')).toHaveLength(1);
  });
});

test('custom resources concern the pods of what names them', () => {
  const store = {
    apiVersion: 'barmancloud.cnpg.io/v1',
    kind: 'ObjectStore',
    metadata: { name: 'store', namespace: 'app' },
    spec: { configuration: { endpointURL: 'https://none.app.svc:9000' } },
  };
  const platform = added(soundPlatform(), 'StatefulSet/app/server', store);
  expect(causesOf(network, platform)).toEqual([
    'ObjectStore store: spec.configuration.endpointURL names none.app.svc:9000, which belongs to no declared endpoint',
  ]);
});

test('whatever surrounds a name, it is found', () => {
  const delimiter = fc.constantFrom('', ' ', '"', "'", '=', '\n', ',', '(', '[', '//', 'tcp://', '@');
  const after = fc.constantFrom('', ' ', '"', "'", '\n', ',', ')', ']', '/x', '?a=b', ';');
  fc.assert(
    fc.property(delimiter, after, fc.boolean(), (before, behind, full) => {
      const host = `nobody.app.svc${full ? '.cluster.local' : ''}`;
      expect(causesWith(`x ${before}${host}${behind}`)).toEqual([
        `${host}, which belongs to no declared endpoint`,
      ]);
    }),
    { numRuns: 60 },
  );
});
