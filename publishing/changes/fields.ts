import { type Fields, isFields } from '../../constructs/platform/manifest';
import { type Edit, editsBetween } from './lines';

/** One field that differs. An undefined side does not have it. */
export interface FieldChange {
  /** As in `spec.template.spec.containers[redis].image`. */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
  /** Long text is compared by line. */
  readonly edits?: readonly Edit[];
}

/** What tells the members of a list apart, the first that does; by it they are matched, wherever they stand. */
const IDENTITIES = [
  'name',
  'metadata.name',
  'key',
  'containerPort',
  'topologyKey',
  'mountPath',
  'port',
  'path',
];

/** Every field that differs between two values, in the order of their paths in the newer one. */
export function fieldsBetween(before: unknown, after: unknown, path = ''): FieldChange[] {
  if (isSame(before, after)) return [];
  if (isFields(before) && isFields(after)) return inFields(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) return inLists(before, after, path);
  if (isText(before) && isText(after)) return [{ path, before, after, edits: editsBetween(before, after) }];
  return [{ path, before, after }];
}

function inFields(before: Fields, after: Fields, path: string): FieldChange[] {
  const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
  return [...keys].flatMap((key) => fieldsBetween(before[key], after[key], `${path}${step(key, path)}`));
}

/** Keys with dots in them (labels, file names) are quoted, as in `metadata.labels["app.kubernetes.io/name"]`. */
function step(key: string, path: string): string {
  if (!/^[\w-]+$/.test(key)) return `[${JSON.stringify(key)}]`;
  return path === '' ? key : `.${key}`;
}

function inLists(before: readonly unknown[], after: readonly unknown[], path: string): FieldChange[] {
  const identity = IDENTITIES.find((key) => isIdentity(key, before) && isIdentity(key, after));
  if (identity !== undefined) return inNamedLists(before, after, path, identity);
  if ([...before, ...after].some(isFields)) return inPositions(before, after, path);
  return [{ path, before, after }];
}

function inNamedLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
  identity: string,
): FieldChange[] {
  const named = (list: readonly unknown[]): Map<string, unknown> =>
    new Map(list.map((each) => [String(valueAt(each, identity)), each]));
  const [old, fresh] = [named(before), named(after)];
  const names = new Set([...fresh.keys(), ...old.keys()]);
  const changes = [...names].flatMap((name) =>
    fieldsBetween(old.get(name), fresh.get(name), `${path}[${name}]`),
  );
  const kept = (list: Map<string, unknown>): string[] =>
    [...list.keys()].filter((name) => old.has(name) && fresh.has(name));
  const [oldOrder, newOrder] = [kept(old), kept(fresh)];
  return isSame(oldOrder, newOrder)
    ? changes
    : [...changes, { path: `${path} (order)`, before: oldOrder, after: newOrder }];
}

/** Members that nothing tells apart: those that are the same somewhere are left out, the rest meet in their order. */
function inPositions(before: readonly unknown[], after: readonly unknown[], path: string): FieldChange[] {
  const texts = (list: readonly unknown[]): Set<string> => new Set(list.map((each) => JSON.stringify(each)));
  const without = (list: readonly unknown[], other: Set<string>): [number, unknown][] =>
    [...list.entries()].filter(([, each]) => !other.has(JSON.stringify(each)));
  const [gone, come] = [without(before, texts(after)), without(after, texts(before))];
  const changes = Array.from({ length: Math.max(gone.length, come.length) }, (_, index) => {
    const [position = 0] = come[index] ?? gone[index] ?? [];
    return fieldsBetween(gone[index]?.[1], come[index]?.[1], `${path}[${position}]`);
  }).flat();
  // The same members in another order or number.
  return changes.length > 0 ? changes : [{ path, before, after }];
}

function isIdentity(key: string, list: readonly unknown[]): boolean {
  const values = list.map((each) => valueAt(each, key));
  const isNaming = values.every((value) => typeof value === 'string' || typeof value === 'number');
  return isNaming && new Set(values).size === values.length;
}

/** What stands at a path of keys; undefined where there is nothing. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner, key) => (isFields(inner) ? inner[key] : undefined), value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && (value.includes('\n') || value.length > 200);
}

/** Whether two values say the same, whatever the order of their keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, index) => isSame(each, b[index]));
  if (!isFields(a) || !isFields(b)) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return keys.length === others.length && keys.every((key) => key in b && isSame(a[key], b[key]));
}
