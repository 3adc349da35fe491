import { PHASES } from '../../charts/phase-chart';
import type { Manifest } from '../../constructs/platform/manifest';
import { type Printed, readPrinted } from '../../synth/dist';
import type { Files } from '../../synth/memory';
import { type FieldChange, fieldsBetween, isSame } from './fields';

/** One object on its two sides; at least one is there. */
export interface ObjectChange {
  /**
   * `replaced`: its name carries a hash of its content, and a new one takes its place; `moved`: it is in another phase
   * now.
   */
  readonly how: 'added' | 'changed' | 'replaced' | 'moved' | 'removed';
  readonly before?: Printed;
  readonly after?: Printed;
  readonly fields: readonly FieldChange[];
}

/** One cluster on two sides. */
export interface ClusterChange {
  readonly environment: string;
  readonly cluster: string;
  readonly before: readonly Printed[];
  readonly after: readonly Printed[];
  /** By phase, then by name. */
  readonly changes: readonly ObjectChange[];
}

/** As in `ConfigMap/redis/cache-config-0123456789`; what is in no namespace has none. */
export function nameOf({ kind, metadata: { namespace, name } }: Manifest): string {
  return [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');
}

/** As in `production/frankfurt`. */
export function placeOf({ environment, cluster }: Pick<Printed, 'environment' | 'cluster'>): string {
  return `${environment}/${cluster}`;
}

/** The name that a change is told under: the newer one. */
export function titleOf({ before, after }: ObjectChange): string {
  const printed = after ?? before;
  return printed ? nameOf(printed.manifest) : '';
}

export function phaseOf({ before, after }: ObjectChange): string {
  return (after ?? before)?.phase ?? '';
}

/**
 * What is different between two sets of printed files, cluster by cluster; clusters without a difference are there too.
 * @throws Error where a file is not what a synth writes
 */
export function changesBetween(before: Files, after: Files): ClusterChange[] {
  const known = new Map<string, Printed>();
  const read = (files: Files): Printed[] =>
    [...files].map(([file, text]) => {
      // What is the same on both sides is read once.
      const key = `${file}\n${text}`;
      const printed = known.get(key) ?? readPrinted(file, text);
      known.set(key, printed);
      return printed;
    });
  return clusterChanges(read(before), read(after));
}

export function clusterChanges(before: readonly Printed[], after: readonly Printed[]): ClusterChange[] {
  const places = [...new Set([...before, ...after].map(placeOf))].sort();
  return places.map((place) => {
    const [environment = '', cluster = ''] = place.split('/');
    const isHere = (printed: Printed): boolean => placeOf(printed) === place;
    const sides = { before: before.filter(isHere), after: after.filter(isHere) };
    return { environment, cluster, ...sides, changes: objectChanges(sides.before, sides.after) };
  });
}

function objectChanges(before: readonly Printed[], after: readonly Printed[]): ObjectChange[] {
  const old = new Map(before.map((printed) => [nameOf(printed.manifest), printed]));
  const fresh = new Map(after.map((printed) => [nameOf(printed.manifest), printed]));
  const gone = before.filter(({ manifest }) => !fresh.has(nameOf(manifest)));
  const come = after.filter(({ manifest }) => !old.has(nameOf(manifest)));
  const changes: ObjectChange[] = after.flatMap((printed) => {
    const former = old.get(nameOf(printed.manifest));
    return former ? changed(former, printed) : [];
  });
  for (const printed of come) {
    const stem = withoutHash(nameOf(printed.manifest));
    const isFormer = ({ manifest }: Printed): boolean => {
      const name = nameOf(manifest);
      return name !== withoutHash(name) && withoutHash(name) === stem;
    };
    const index = gone.findIndex(isFormer);
    const [former] = index < 0 ? [] : gone.splice(index, 1);
    changes.push(
      former
        ? { how: 'replaced', before: former, after: printed, fields: fieldsOf(former, printed) }
        : { how: 'added', after: printed, fields: [] },
    );
  }
  changes.push(...gone.map((printed): ObjectChange => ({ how: 'removed', before: printed, fields: [] })));
  return changes.sort(byPlace);
}

function changed(before: Printed, after: Printed): ObjectChange[] {
  const how = before.phase === after.phase ? 'changed' : 'moved';
  if (how === 'changed' && isSame(before.manifest, after.manifest)) return [];
  return [{ how, before, after, fields: fieldsOf(before, after) }];
}

/** Values of Secrets are told to nobody. */
function fieldsOf(before: Printed, after: Printed): FieldChange[] {
  const fields = fieldsBetween(before.manifest, after.manifest);
  if (after.manifest.kind !== 'Secret') return fields;
  return fields.map((field) => (/^(data|stringData)\b/.test(field.path) ? { path: field.path } : field));
}

/** A name without the hash of its content, where it has one. */
export function withoutHash(name: string): string {
  return name.replace(/-[0-9a-f]{10}$/, '');
}

function byPlace(a: ObjectChange, b: ObjectChange): number {
  const rank = (change: ObjectChange): number => PHASES.findIndex((phase) => phase === phaseOf(change));
  return rank(a) - rank(b) || titleOf(a).localeCompare(titleOf(b), 'en');
}
