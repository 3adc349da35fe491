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
const ifImmutable =
  (...always: readonly string[]): Fixed =>
  (before) =>
    before['immutable'] === true ? [...always, 'data', 'binaryData', 'immutable'] : always;

/**
 * What the API server of Kubernetes 1.33 refuses to change, and what CloudNativePG 1.30 does (its definitions' CEL rules
 * and its webhook).
 */
const FIXED: Readonly<Record<string, Fixed>> = {
  Deployment: fixed('spec.selector'),
  ReplicaSet: fixed('spec.selector'),
  DaemonSet: fixed('spec.selector'),
  StatefulSet: specBut(
    'replicas',
    'ordinals',
    'template',
    'updateStrategy',
    'revisionHistoryLimit',
    'persistentVolumeClaimRetentionPolicy',
    'minReadySeconds',
  ),
  Job: fixed(
    'spec.selector',
    'spec.template',
    'spec.completionMode',
    'spec.completions',
    'spec.podFailurePolicy',
  ),
  Service: fixed('spec.clusterIP'),
  PersistentVolumeClaim: specBut('resources', 'volumeAttributesClassName'),
  ConfigMap: ifImmutable(),
  Secret: ifImmutable('type'),
  StorageClass: fixed('parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'),
  PriorityClass: fixed('value', 'preemptionPolicy'),
  RoleBinding: fixed('roleRef'),
  ClusterRoleBinding: fixed('roleRef'),
};

/** A field that only a new object can have otherwise. */
export const immutableField: Rule = {
  name: 'immutable-field',
  why: 'the API server refuses the change: the sync fails, and with it whatever comes in later waves',
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
function isMadeAnew({ metadata }: Manifest): boolean {
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
