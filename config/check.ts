import Ajv, { type DefinedError, type SchemaObject, type ValidateFunction } from 'ajv';
import { type Finding, type Path, show } from './document';

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  object: 'a map',
  string: 'text',
};

/** What schemas of configuration say beside the standard: `message` tells a person what a text must look like. */
interface Annotated {
  readonly message?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly oneOf?: readonly Annotated[];
}

/**
 * Makes a check of values against a JSON schema, which finds all that is wrong at once. Compilation waits for the
 * first use, and the schema is trusted to be one (a test looks at that): both keep synth fast.
 */
export function checker(schema: SchemaObject): (value: unknown) => Finding[] {
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= new Ajv({
      allErrors: true,
      strict: true,
      messages: false,
      meta: false,
      validateSchema: false,
      code: { optimize: false },
      discriminator: true,
      keywords: ['message'],
    }).compile(schema);
    return validate(value)
      ? []
      : ((validate.errors ?? []) as DefinedError[]).map((error) => findingOf(error, schema, value));
  };
}

function findingOf(error: DefinedError, schema: SchemaObject, value: unknown): Finding {
  const { message: hint, properties = {} } = valueAt(
    schema,
    pathOf(error.schemaPath).slice(0, -1),
  ) as Annotated;
  const path = pathOf(error.instancePath);
  const data = valueAt(value, path);
  const got = show(data);
  switch (error.keyword) {
    case 'required':
      return { path: [...path, error.params.missingProperty], message: 'is missing' };
    case 'additionalProperties': {
      const key = error.params.additionalProperty;
      const free = Object.keys(properties).filter((name) => !Object.hasOwn(data as object, name));
      return {
        path: [...path, key],
        message: `unknown key${didYouMean(key, free)}`,
        at: 'key',
        isExtra: true,
      };
    }
    case 'type': {
      const remedy =
        error.params.type === 'string' && /^(number|boolean)$/.test(typeof data) ? '; quote it' : '';
      return {
        path,
        message: `${hint ?? `must be ${TYPES[error.params.type] ?? error.params.type}`}, got ${got}${remedy}`,
      };
    }
    case 'enum': {
      const allowed = error.params.allowedValues.map(String);
      return { path, message: `must be ${either(allowed)}, got ${got}${didYouMean(data, allowed)}` };
    }
    case 'discriminator': {
      const { tag, tagValue } = error.params;
      const { oneOf = [] } = valueAt(schema, pathOf(error.schemaPath).slice(0, -1)) as Annotated;
      return untagged(data as object, path, tag, tagValue, oneOf);
    }
    case 'minimum':
      return { path, message: `must be at least ${error.params.limit}, got ${String(data)}` };
    case 'maximum':
      return { path, message: `must be at most ${error.params.limit}, got ${String(data)}` };
    case 'minItems':
      return {
        path,
        message: `must have at least ${entries(error.params.limit)}, got ${lengthOf(data)}`,
      };
    case 'maxItems':
      return {
        path,
        message: `must have at most ${entries(error.params.limit)}, got ${lengthOf(data)}`,
      };
    case 'uniqueItems':
      return { path: [...path, Math.max(error.params.i, error.params.j)], message: 'is in the list already' };
    default:
      return { path, message: `${hint ?? `must satisfy ${error.keyword}`}, got ${got}` };
  }
}

/** A map that is none of several shapes: the key by which they are told apart is misspelt, or missing, or has another value. */
function untagged(
  data: object,
  path: Path,
  tag: string,
  value: unknown,
  shapes: readonly Annotated[],
): Finding {
  if (value === undefined) {
    const known = new Set(shapes.flatMap(({ properties = {} }) => Object.keys(properties)));
    const near = Object.keys(data).find((key) => !known.has(key) && didYouMean(key, [tag]) !== '');
    return near === undefined
      ? { path: [...path, tag], message: 'is missing' }
      : { path: [...path, near], message: `unknown key${didYouMean(near, [tag])}`, at: 'key' };
  }
  const allowed = shapes.flatMap(({ properties = {} }) => (properties[tag] as { enum: string[] }).enum);
  const message = `must be ${either(allowed)}, got ${show(value)}${didYouMean(value, allowed)}`;
  return { path: [...path, tag], message };
}

/** Schemas of configuration name all keys they go down by, so digits in a JSON pointer are always an index. */
const pathOf = (pointer: string): Path =>
  pointer
    .split('/')
    .slice(1)
    // A slash in a key, as in those of labels, is written so in a pointer.
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, step) => (value as Readonly<Record<string | number, unknown>>)[step], root);

const entries = (count: number): string => (count === 1 ? '1 entry' : `${count} entries`);

const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);

const either = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/** The end of a message about a name that is none: `; did you mean "cpu"?`, or nothing where none comes near. */
export function didYouMean(name: unknown, names: readonly string[]): string {
  if (typeof name !== 'string' || name.length > 60) return '';
  const [nearest] = names
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance);
  return nearest ? `; did you mean "${nearest.candidate}"?` : '';
}

/** How many letters to change, add, drop or swap with their neighbour make one word of the other. */
function distanceOf(from: string, to: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      current[j] = Math.min(
        at(previous, j) + 1,
        at(current, j - 1) + 1,
        at(previous, j - 1) + same,
        swapped ? at(older, j - 2) + 1 : Infinity,
      );
    }
    [older, previous] = [previous, current];
  }
  return at(previous, to.length);
}

const at = (row: readonly number[], i: number): number => row[i] ?? Infinity;
