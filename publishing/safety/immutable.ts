import type { Manifest } from '../../constructs/platform/manifest';
import { nameOf } from '../changes/changes';
import { type FieldChange, fieldsBetween, valueAt } from '../changes/fields';
import type { Rule } from './rule';

/** Which of a kind's fields the API server never changes, given both sides. */
type Fixed = (before: Manifest, after: Manifest) => readonly string[];

const fixed =
  (...paths: readonly string[]): Fixed =>
  () =>
    paths;

/** All fields below `spec` but some. */
const specBut =
  (...mutable: readonly string[]): Fixed =>
  (before, after) =>
    fieldsIn(before['spec'], after['spec'])
      .filter((field) => !mutable.includes(field))
      .map((field) => `spec.${field}`);

/** Where an object is immutable by its own will, as ConfigMaps with a hash in their name. */
const ifImmutable = (): Fixed => (before) =>
  before['immutable'] === true ? ['data', 'binaryData', 'stringData', 'immutable'] : [];

/** Fields that may be set later and be taken away, but not be changed. */
const ifBoth =
  (...paths: readonly string[]): Fixed =>
  (before, after) =>
    paths.filter((path) => valueAt(before, path) !== undefined && valueAt(after, path) !== undefined);

const all =
  (...parts: readonly Fixed[]): Fixed =>
  (before, after) =>
    parts.flatMap((part) => part(before, after));

/**
 * The details of a rolling update that nobody stated are filled in by the API server, are nobody's to take away, and do
 * not go with any other type.
 */
const rolling =
  (path: string, details: readonly string[]): Fixed =>
  (before, after) => {
    const isRolling = (manifest: Manifest): boolean =>
      (valueAt(manifest, `${path}.type`) ?? 'RollingUpdate') === 'RollingUpdate';
    const areStated = details.every(
      (detail) => valueAt(before, `${path}.rollingUpdate.${detail}`) !== undefined,
    );
    return isRolling(before) && !isRolling(after) && !areStated ? [`${path}.type`] : [];
  };

/**
 * Tried one by one with server-side applies on Kubernetes 1.33.13, and with the definitions of CloudNativePG 1.30.0, whose
 * webhook refuses more (internal/webhook/v1/cluster_webhook.go). Two are taken and do nothing: a headless Service stays
 * headless, and volumes that exist keep their storage class.
 */
const FIXED: Readonly<Record<string, Fixed>> = {
  Deployment: all(fixed('spec.selector'), rolling('spec.strategy', ['maxSurge', 'maxUnavailable'])),
  ReplicaSet: fixed('spec.selector'),
  DaemonSet: fixed('spec.selector'),
  StatefulSet: all(
    specBut(
      'replicas',
      'ordinals',
      'template',
      'updateStrategy',
      'revisionHistoryLimit',
      'persistentVolumeClaimRetentionPolicy',
      'minReadySeconds',
    ),
    rolling('spec.updateStrategy', ['partition']),
  ),
  Job: specBut(
    'parallelism',
    'backoffLimit',
    'activeDeadlineSeconds',
    'ttlSecondsAfterFinished',
    'suspend',
    'podReplacementPolicy',
    'manualSelector',
  ),
  Service: fixed('spec.clusterIP'),
  PersistentVolumeClaim: specBut('resources', 'volumeAttributesClassName'),
  ConfigMap: ifImmutable(),
  Secret: all(ifImmutable(), ifBoth('type')),
  StorageClass: fixed('parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'),
  PriorityClass: fixed('value', 'preemptionPolicy'),
  IngressClass: fixed('spec.controller'),
  ResourceQuota: fixed('spec.scopes', 'spec.scopeSelector'),
  RoleBinding: fixed('roleRef'),
  ClusterRoleBinding: fixed('roleRef'),
  Cluster: all(
    ifBoth('spec.serviceAccountName', 'spec.storage.storageClass', 'spec.walStorage.storageClass'),
    fixed('spec.postgresUID', 'spec.postgresGID'),
    (before, after) => (isGone('spec.walStorage', before, after) ? ['spec.walStorage'] : []),
  ),
  Database: all(
    fixed('spec.name', 'spec.cluster'),
    ifBoth(
      ...['encoding', 'template', 'collationVersion', 'builtinLocale', 'icuLocale', 'icuRules'].map(
        (field) => `spec.${field}`,
      ),
      ...['locale', 'localeCType', 'localeCollate', 'localeProvider'].map((field) => `spec.${field}`),
    ),
  ),
  DatabaseRole: fixed('spec.name', 'spec.cluster'),
  Pooler: all(fixed('spec.cluster'), ifBoth('spec.serviceAccountName')),
  ScheduledBackup: fixed('spec.cluster'),
};

function isGone(path: string, before: Manifest, after: Manifest): boolean {
  return valueAt(before, path) !== undefined && valueAt(after, path) === undefined;
}

/** A field that only a new object can have otherwise. */
export const immutableField: Rule = {
  name: 'immutable-field',
  why: 'the API server or an operator refuses the change, and the sync fails with whatever comes in later waves; or it is taken and does nothing',
  remedy:
    'keep the field, or give the new object another name; an object that is safe to be made anew may be deleted by hand first, and the change allowed by name',
  find: ({ changes }) =>
    changes.flatMap(({ before, after }) => {
      if (!before || !after || nameOf(before.manifest) !== nameOf(after.manifest)) return [];
      if (isMadeAnew(after.manifest)) return [];
      const object = nameOf(after.manifest);
      return refused(before.manifest, after.manifest).map((field) => ({ object, what: describe(field) }));
    }),
};

/** The fields that differ although they cannot be changed. */
function refused(before: Manifest, after: Manifest): FieldChange[] {
  const paths = FIXED[after.kind]?.(before, after) ?? [];
  return paths.flatMap((path) => fieldsBetween(valueAt(before, path), valueAt(after, path), path));
}

/** Argo CD deletes and makes such an object instead of changing it. */
export function isMadeAnew({ metadata }: Manifest): boolean {
  const options = metadata.annotations?.['argocd.argoproj.io/sync-options']?.split(',') ?? [];
  return ['Force=true', 'Replace=true'].every((option) => options.includes(option));
}

function describe({ path, before, after }: FieldChange): string {
  return `changes ${path} from ${show(before)} to ${show(after)}`;
}

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function fieldsIn(...sides: readonly unknown[]): string[] {
  return [...new Set(sides.flatMap((side) => Object.keys(side ?? {})))];
}
