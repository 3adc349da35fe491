import { spec } from '../../constructs/platform/workloads';
import type { Manifest } from '../../constructs/platform/manifest';
import { nameOf, type ObjectChange } from '../changes/changes';
import type { Hazard, Rule } from './rule';

/** What is lost with an object of each kind that holds data, or holds what holds data. */
const HOLDS: Readonly<Record<string, string>> = {
  Namespace: 'everything in it goes, volumes included',
  StatefulSet: 'its pods go, and its volumes are nobody’s any more',
  PersistentVolume: 'it holds data',
  PersistentVolumeClaim: 'its volume goes with it',
  Cluster: 'its instances and their volumes go with it',
  Database: 'nothing manages the database any more, or it is dropped',
  ObjectStore: 'log and base backups have no place to go to, nor to be restored from',
  Secret: 'what it holds is written down nowhere else',
  CustomResourceDefinition: 'every object of the kind goes with it',
};

/** Whoever trusts an authority's certificate trusts nothing that another one signs. */
function holds(manifest: Manifest): string | undefined {
  const isAuthority = manifest.kind === 'Certificate' && spec<{ isCA?: boolean }>(manifest).isCA === true;
  return isAuthority ? 'its key signs every certificate of the platform' : HOLDS[manifest.kind];
}

/** Objects that hold data are neither taken away nor renamed (which is the same), nor handed from phase to phase. */
export const lostData: Rule = {
  name: 'lost-data',
  why: 'what is not in Git any more is pruned, and data does not come back with a revert',
  remedy:
    'keep its name and its phase; to take it away on purpose, make sure of a backup that was restored once, and allow it by name',
  find: ({ after, changes }) => {
    if (after.length === 0) return [];
    return [...changes.flatMap(removed), ...changes.flatMap(dropped)];
  },
};

function removed({ how, before, after }: ObjectChange): Hazard[] {
  const holding = before && holds(before.manifest);
  if (!before || holding === undefined) return [];
  const object = nameOf(before.manifest);
  if (how === 'removed' || how === 'replaced') return [{ object, what: `is taken away: ${holding}` }];
  if (how !== 'moved' || !after) return [];
  return [
    {
      object,
      what: `moves from ${before.phase} to ${after.phase}: the Application that loses it may prune it`,
    },
  ];
}

interface DatabaseSpec {
  readonly ensure?: string;
  readonly databaseReclaimPolicy?: string;
  readonly name?: string;
}

/** Data that goes although its object stays. */
function dropped({ before, after }: ObjectChange): Hazard[] {
  if (!before || !after) return [];
  const object = nameOf(after.manifest);
  const { kind } = after.manifest;
  if (kind === 'Database') {
    const [old, fresh] = [spec<DatabaseSpec>(before.manifest), spec<DatabaseSpec>(after.manifest)];
    if (fresh.ensure === 'absent' && old.ensure !== 'absent')
      return [{ object, what: `drops the database ${fresh.name ?? ''}` }];
  }
  if (kind === 'StatefulSet') {
    const policy = spec<{ persistentVolumeClaimRetentionPolicy?: { whenScaled?: string } }>(after.manifest);
    const [old, fresh] = [replicas(before.manifest), replicas(after.manifest)];
    if (fresh < old && policy.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete')
      return [{ object, what: `deletes the volumes of members ${fresh} to ${old - 1}` }];
  }
  if (kind === 'Certificate' && holds(before.manifest) !== undefined) {
    const secret = ({ manifest }: { manifest: Manifest }): unknown =>
      spec<{ secretName?: string }>(manifest).secretName;
    if (secret(before) !== secret(after))
      return [
        {
          object,
          what: `leaves its key in ${String(secret(before))} and makes another in ${String(secret(after))}`,
        },
      ];
  }
  return [];
}

function replicas(manifest: Manifest): number {
  return spec<{ replicas?: number }>(manifest).replicas ?? 1;
}

/** A whole cluster that is not printed any more. */
export const lostCluster: Rule = {
  name: 'lost-cluster',
  why: 'its Applications point to folders that are gone: nothing is synced there any more, neither changes nor repairs',
  remedy: 'take the cluster itself away first, then allow this by name',
  find: ({ environment, cluster, before, after }) =>
    before.length > 0 && after.length === 0
      ? [{ object: `Cluster/${environment}/${cluster}`, what: `all its ${before.length} objects go` }]
      : [],
};
