import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../constructs/platform/manifest';
import { type Cluster, type Live, Refusal } from './cluster';
import { PROVISIONER } from './prerequisites';

interface Claim extends Live {
  readonly spec: {
    readonly accessModes: readonly string[];
    readonly storageClassName?: string;
    readonly resources: { readonly requests: { readonly storage: string } };
    readonly volumeName?: string;
    readonly volumeMode?: string;
  };
}

const ZONE = 'topology.kubernetes.io/zone';

/** The volume for a claim: empty, never mounted, and bound to a zone as a cloud's disks are. */
export function volumeFor(claim: Claim, zone: string): Manifest {
  const { accessModes, storageClassName, resources, volumeMode } = claim.spec;
  const { name, namespace, uid } = claim.metadata;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `pvc-${uid}`, annotations: { 'pv.kubernetes.io/provisioned-by': PROVISIONER } },
    spec: {
      accessModes,
      storageClassName,
      volumeMode,
      capacity: { storage: resources.requests.storage },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid },
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/nowhere/${uid}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'In', values: [zone] }] }],
        },
      },
    },
  };
}

/** Makes a volume for every claim whose pod the scheduler has found a node for, as a storage driver's provisioner does. */
export class Volumes {
  private isOpen = true;
  private readonly done: Promise<void>;

  constructor(private readonly cluster: Cluster) {
    this.done = this.work();
    this.done.catch(() => undefined); // Said when it is closed.
  }

  /** Ends it. @throws Error what stopped it before */
  close(): Promise<void> {
    this.isOpen = false;
    return this.done;
  }

  private async work(): Promise<void> {
    const zones = new Map<string, string>();
    for (; this.isOpen; await sleep(200)) {
      const claims = (await this.cluster.list('v1', 'PersistentVolumeClaim')) as Claim[];
      const waiting = claims.filter(
        ({ spec, metadata: { annotations = {} } }) =>
          spec.volumeName === undefined &&
          annotations['volume.kubernetes.io/storage-provisioner'] === PROVISIONER,
      );
      if (waiting.length > 0 && zones.size === 0)
        for (const { metadata } of await this.cluster.list('v1', 'Node'))
          zones.set(metadata.name, metadata.labels?.[ZONE] ?? '');
      await Promise.all(waiting.map((claim) => this.provide(claim, zones)));
    }
  }

  private async provide(claim: Claim, zones: ReadonlyMap<string, string>): Promise<void> {
    const zone = zones.get(claim.metadata.annotations?.['volume.kubernetes.io/selected-node'] ?? '');
    if (zone === undefined) return;
    try {
      await this.cluster.apply(volumeFor(claim, zone));
    } catch (error) {
      // A volume that was bound meanwhile may not be changed any more.
      if (!(error instanceof Refusal)) throw error;
    }
  }
}
