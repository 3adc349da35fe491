import { Workload, workloadOf } from '../constructs/platform/workloads';
import type { Platform, PlatformObject } from './platform';
import { provisionsOf } from './provisions';
import { identityOf } from './references';

/** Something that exists in a cluster once everything is synced. */
export interface Provided {
  /** The object that it is, or that it is made of. */
  readonly by: PlatformObject;
  /** Keys inside a ConfigMap or Secret, where they are known beforehand. */
  readonly keys?: readonly string[];
}

/** An object that makes pods, and what is known of them. */
export interface PodSource {
  readonly object: PlatformObject;
  readonly workload: Workload;
  readonly namespace: string;
}

/** A platform, looked up in the ways that guarantees need. */
export interface Inventory {
  /** Printed objects by identity. */
  readonly objects: ReadonlyMap<string, PlatformObject>;
  /** Those, and what operators and jobs make of them. */
  readonly provided: ReadonlyMap<string, Provided>;
  readonly pods: readonly PodSource[];
}

const cache = new WeakMap<Platform, Inventory>();

/** The inventory of a platform, taken once. */
export function inventoryOf(platform: Platform): Inventory {
  const known = cache.get(platform);
  if (known) return known;
  const { objects } = platform;
  const namespaces = objects.flatMap(({ manifest: { kind, metadata } }) =>
    kind === 'Namespace' ? metadata.name : [],
  );
  const inventory: Inventory = {
    objects: new Map(objects.map((object) => [identityOf(object.manifest), object])),
    provided: new Map(
      objects.flatMap((object) =>
        provisionsOf(object.manifest, namespaces).map(({ identity, keys }) => [
          identity,
          { by: object, keys },
        ]),
      ),
    ),
    pods: objects.flatMap((object) => {
      const workload = workloadOf(object.manifest);
      const namespace = object.manifest.metadata.namespace ?? '';
      return workload ? { object, workload, namespace } : [];
    }),
  };
  cache.set(platform, inventory);
  return inventory;
}
