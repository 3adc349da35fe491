import { MESH_LABEL } from '../../constructs/platform/mesh';
import type { Peer } from '../../constructs/platform/peer';
import { spec } from '../../constructs/platform/workloads';
import { inventoryOf, type PodSource } from '../../synth/inventory';
import type { Platform, PlatformObject } from '../../synth/platform';
import { matches, type Policy, readPolicy } from '../policy';
import { type Admission, type Demand, readAdmission, readDemand } from './policy';

export interface World {
  readonly platform: Platform;
  readonly pods: readonly PodSource[];
  readonly admissions: readonly Admission[];
  readonly demands: readonly Demand[];
  readonly policies: readonly Policy[];
  /** Namespaces that the platform makes, with their objects. */
  readonly namespaces: ReadonlyMap<string, PlatformObject>;
  /** Namespaces of others that the mesh is told to take in. */
  readonly guests: ReadonlySet<string>;
}

export function worldOf(platform: Platform): World {
  const { objects } = platform;
  return {
    platform,
    pods: inventoryOf(platform).pods,
    admissions: objects.flatMap(readAdmission),
    demands: objects.flatMap(readDemand),
    policies: objects.flatMap(readPolicy),
    namespaces: new Map(
      objects
        .filter(({ manifest }) => manifest.kind === 'Namespace')
        .map((object) => [object.manifest.metadata.name, object]),
    ),
    guests: new Set(objects.flatMap(guestOf)),
  };
}

export interface ApplicationSpec {
  readonly destination?: { readonly namespace?: string };
  readonly source?: { readonly chart?: string; readonly helm?: { readonly valuesObject?: unknown } };
  readonly syncPolicy?: { readonly managedNamespaceMetadata?: { readonly labels?: Record<string, string> } };
}

function guestOf({ manifest }: PlatformObject): string[] {
  if (manifest.kind !== 'Application') return [];
  const { destination, syncPolicy } = spec<ApplicationSpec>(manifest);
  const { [MESH_LABEL]: mode } = syncPolicy?.managedNamespaceMetadata?.labels ?? {};
  return mode === 'ambient' && destination?.namespace !== undefined ? [destination.namespace] : [];
}

export function podsOf(peer: Peer, pods: readonly PodSource[]): PodSource[] {
  return pods.filter(
    ({ namespace, workload }) => namespace === peer.namespace && matches(peer.labels, workload.labels),
  );
}

/** A peer with all labels of its pods, where these are the platform's: a policy may select them by any. */
export function labelled(peer: Peer, pods: readonly PodSource[]): Peer {
  const [source] = podsOf(peer, pods);
  return source ? { namespace: peer.namespace, labels: source.workload.labels } : peer;
}

/** How many printed rules let somebody in to a port; the fewest, where several sets of pods answer. */
export function rulesFor(to: Peer, { pods, admissions }: World, who: string, port: number): number {
  const counts = podsOf(to, pods).map(
    ({ namespace, workload }) =>
      admissions
        .filter((each) => each.namespace === namespace && matches(each.labels, workload.labels))
        .flatMap(({ entries }) => entries)
        .filter((entry) => entry.who === who && entry.port === String(port)).length,
  );
  return counts.find((count) => count !== 1) ?? 1;
}

export function nameOf({ manifest: { kind, metadata } }: PlatformObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
