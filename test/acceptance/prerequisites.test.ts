import { foreignNamespaces, nodesOf, storageClasses } from '../../acceptance/prerequisites';
import { volumeFor } from '../../acceptance/volumes';
import { loadConfig } from '../../config/load';
import { buildPlatform } from '../../charts/platform';
import { OPERATORS } from '../../constructs/platform-operators/operators';
import type { Manifest } from '../../constructs/platform/manifest';

const { images, environments } = loadConfig('config');
const [first] = environments.filter(({ environment }) => environment === 'production');
const [place] = first?.clusters ?? [];
if (!first || !place) throw new Error('production has a cluster');
const manifests = buildPlatform(first, place, images).objects.map(({ manifest }) => manifest);

test('namespaces of operators and of Argo CD are found in what lies in them', () => {
  const foreign = foreignNamespaces(manifests);
  expect(foreign).toContain('argocd');
  expect(foreign).toContain(OPERATORS['cert-manager'].namespace);
  expect(foreign).not.toContain('redis');
});

test('classes of volumes are those of the configuration, and bind late', () => {
  expect(storageClasses(manifests)).toMatchObject([
    { metadata: { name: place.storageClass }, volumeBindingMode: 'WaitForFirstConsumer' },
  ]);
});

test('nodes are as many and as large as configured, and lie evenly in the zones', () => {
  const nodes = nodesOf({ ...place, zones: ['a', 'b'], nodes: { count: 3, cpu: '4', memory: '8Gi' } });
  expect(nodes.map(({ metadata }) => metadata.name)).toEqual(['a-1', 'b-1', 'a-2']);
  expect(nodes[1]).toMatchObject({
    metadata: { labels: { 'kubernetes.io/hostname': 'b-1', 'topology.kubernetes.io/zone': 'b' } },
    status: { allocatable: { cpu: '4', memory: '8Gi' } },
  });
});

test('a volume is its claim alone, and stays in its zone', () => {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'redis', uid: '7', resourceVersion: '1' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'ssd',
      resources: { requests: { storage: '1Gi' } },
    },
  };
  const volume: Manifest = volumeFor(claim, 'b');
  expect(volume['spec']).toMatchObject({
    capacity: { storage: '1Gi' },
    claimRef: { namespace: 'redis', name: 'data', uid: '7' },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ values: ['b'] }] }] } },
  });
});
