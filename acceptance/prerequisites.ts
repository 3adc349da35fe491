import type { Cluster as Place } from '../config/schema';
import { DEVICE } from '../constructs/fuse-mount/settings';
import type { Manifest } from '../constructs/platform/manifest';
import { referencesOf } from '../synth/references';

/** Who makes volumes here: `volumes.ts`. */
export const PROVISIONER = 'lighthouse/acceptance';

const TOPOLOGY = { zone: 'topology.kubernetes.io/zone', region: 'topology.kubernetes.io/region' } as const;

/** Namespaces that objects lie in but none of them makes: those of operators, and of Argo CD. */
export function foreignNamespaces(objects: readonly Manifest[]): string[] {
  const made = new Set(
    objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name),
  );
  const used = objects.flatMap(({ metadata: { namespace } }) => namespace ?? []);
  return [...new Set(used)].filter((name) => !made.has(name)).toSorted();
}

export function namespace(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** Classes of volumes that objects name but none of them makes; they bind late, as classes in zones must. */
export function storageClasses(objects: readonly Manifest[]): Manifest[] {
  const made = new Set(
    objects.filter(({ kind }) => kind === 'StorageClass').map(({ metadata }) => metadata.name),
  );
  const named = objects.flatMap((object) =>
    referencesOf(object).flatMap(({ to }) =>
      to.startsWith('StorageClass/') ? to.slice('StorageClass/'.length) : [],
    ),
  );
  return [...new Set(named)]
    .filter((name) => !made.has(name))
    .map((name) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name },
      provisioner: PROVISIONER,
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    }));
}

/** The nodes of a place, as many in each zone, each with what one of them can give to pods. */
export function nodesOf({ zones, region, nodes: { count, cpu, memory } }: Place): Manifest[] {
  return Array.from({ length: count }, (_, index) => {
    const zone = zones[index % zones.length] ?? '';
    const name = `${zone}-${Math.floor(index / zones.length) + 1}`;
    // As many of the device as a plugin offers: whoever has the node may open it many times.
    const resources = { cpu, memory, pods: '110', 'ephemeral-storage': '100Gi', [DEVICE]: '10' };
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        labels: {
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          'kubernetes.io/arch': 'amd64',
          [TOPOLOGY.zone]: zone,
          [TOPOLOGY.region]: region,
        },
        annotations: { 'kwok.x-k8s.io/node': 'fake' },
      },
      status: { capacity: resources, allocatable: resources },
    };
  });
}
