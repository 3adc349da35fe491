import { spec } from '../../constructs/platform/workloads';
import type { StatefulSetSpec } from '../../imports/k8s';
import type { ClusterSpec } from '../../imports/postgresql.cnpg.io';
import { find } from '../support';
import { expectSnapshot, manifestsIn, platformOf, PLATFORMS } from './support';

const CONFIRM = 'Prune=confirm,Delete=confirm';

describe.each(PLATFORMS)('foundation of %s', (_, platform) => {
  const manifests = manifestsIn(platform, 'foundation');

  test('holds the services that keep data, and trust', () => {
    for (const [kind, name] of [
      ['ClusterIssuer', 'lighthouse'],
      ['Cluster', 'events'],
      ['StatefulSet', 'cache-members'],
      ['StatefulSet', 'sessions-members'],
      ['StatefulSet', 'weaviate-members'],
    ] as const)
      expect(find(manifests, kind, name)).toBeDefined();
  });

  test('has nothing with data that goes without a person’s word', () => {
    const keepers = manifests.filter(({ kind }) =>
      ['Namespace', 'StatefulSet', 'PersistentVolumeClaim', 'Cluster', 'Database', 'ObjectStore'].includes(
        kind,
      ),
    );
    expect(keepers.length).toBeGreaterThan(5);
    for (const { metadata } of keepers)
      expect(metadata.annotations?.['argocd.argoproj.io/sync-options']).toContain(CONFIRM);
  });

  test('has no pod that keeps its own fix out: a StatefulSet in order waits for ever for one that is not ready', () => {
    const sets = manifests.filter(({ kind }) => kind === 'StatefulSet');
    for (const set of sets) expect(spec<StatefulSetSpec>(set).podManagementPolicy).toBe('Parallel');
  });

  test('has every object in a namespace of its own making, or in an operator’s', () => {
    const made = manifests.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
    const used = manifests.flatMap(({ metadata }) => metadata.namespace ?? []);
    const meshs = platform.environment.mesh ? ['istio-system', 'cnpg-system'] : [];
    expect(new Set(used)).toEqual(new Set([...made, 'cert-manager', 'argocd', ...meshs]));
  });

  test('is as it was', () => expectSnapshot(platform, 'foundation'));
});

test('a standby replays the archive of the primary and writes to its own', () => {
  const [primary, standby] = ['frankfurt', 'dublin'].map((name) => {
    const [, platform] = PLATFORMS.find(([title]) => title === `production/${name}`) ?? [];
    if (!platform) throw new Error(`there is no production/${name}`);
    return spec<ClusterSpec>(find(manifestsIn(platform, 'foundation'), 'Cluster', 'events'));
  });
  const archive = (cluster?: ClusterSpec) => cluster?.plugins?.[0]?.parameters?.['serverName'];
  expect(archive(primary)).toBe('production-frankfurt');
  expect(archive(standby)).toBe('production-dublin');
  const source = standby?.externalClusters?.find(({ name }) => name === standby.replica?.source);
  expect(source?.plugin?.parameters?.['serverName']).toBe(archive(primary));
  expect(primary?.replica).toBeUndefined();
});

describe('object storage', () => {
  const kinds = (objectStorage: Parameters<typeof platformOf>[1]) =>
    manifestsIn(platformOf('development', objectStorage), 'foundation')
      .filter(({ metadata }) => metadata.namespace === 'object-storage')
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  const server = { cpu: '100m', memory: '512Mi', storage: '20Gi' };

  test.each(['minio', 'seaweedfs'] as const)('%s is run here', (engine) => {
    expect(kinds({ objectStorage: { engine, ...server } })).toContainEqual(
      expect.stringMatching(/^StatefulSet s3/),
    );
  });

  test('a provider’s is not, and needs to be named', () => {
    const staging = platformOf('staging');
    const pods = manifestsIn(staging, 'foundation').filter(
      ({ kind, metadata }) => kind === 'StatefulSet' && metadata.namespace === 'object-storage',
    );
    expect(pods).toEqual([]);
    expect(() => kinds({ objectStorage: { engine: 'external' } })).toThrow(
      'objectStorage.external must be there where the engine is external',
    );
  });
});
