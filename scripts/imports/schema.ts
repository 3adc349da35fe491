/** A JSON schema, as far as Kubernetes uses the language. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Schemas;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Schemas;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly pattern?: string;
  readonly format?: string;
  readonly [key: string]: unknown;
}

/** Schemas by name. */
export type Schemas = Readonly<Record<string, Schema>>;

/** Applies a function to each value of a record. */
export const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A, key: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));

/** A record without some of its keys. */
export const omit = <A>(record: Readonly<Record<string, A>>, ...keys: readonly string[]): Record<string, A> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));

/** What a schema states about values; everything else (descriptions, defaults, server-side hints) is left behind. */
const FACTS = new Set([
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'pattern',
  'required',
  'uniqueItems',
]);

const factsOf = (schema: Schema): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => FACTS.has(key)));

/** Applies `convert` to the schemas inside a schema. */
const children = (schema: Schema, convert: (child: Schema) => Schema): Schema => ({
  ...(schema.properties && { properties: mapValues(schema.properties, convert) }),
  ...(schema.items && { items: convert(schema.items) }),
  ...(typeof schema.additionalProperties === 'object' && {
    additionalProperties: convert(schema.additionalProperties),
  }),
  ...(schema.allOf && { allOf: schema.allOf.map(convert) }),
  ...(schema.anyOf && { anyOf: schema.anyOf.map(convert) }),
  ...(schema.oneOf && { oneOf: schema.oneOf.map(convert) }),
  ...(schema.not && { not: convert(schema.not) }),
});

/** Value validations (`anyOf`, `not` …) in a structural schema constrain fields declared elsewhere: never strict. */
const constraint = (schema: Schema): Schema => ({
  ...factsOf(schema),
  ...(schema.type && { type: schema.type }),
  ...children(schema, constraint),
});

/**
 * Turns the structural schema of a custom resource definition into a JSON schema that refuses unknown fields wherever
 * the API server would drop them.
 */
export const strict = (schema: Schema): Schema => {
  const nullable = (type: string | readonly string[]): string | readonly string[] =>
    schema.nullable === true ? [...[type].flat(), 'null'] : type;
  const facts = factsOf({
    ...schema,
    ...(schema.enum && schema.nullable === true && { enum: [...new Set([...schema.enum, null])] }),
  });
  if (schema['x-kubernetes-int-or-string'] === true) return { ...facts, type: nullable(['integer', 'string']) };
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const properties: Schemas | undefined =
    schema['x-kubernetes-embedded-resource'] === true
      ? { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, ...schema.properties }
      : schema.properties;
  return {
    ...facts,
    ...(schema.type && { type: nullable(schema.type) }),
    ...children({ ...omit(schema, 'allOf', 'anyOf', 'oneOf', 'not'), properties }, strict),
    ...(schema.type === 'object' && !open && !schema.additionalProperties && { additionalProperties: false }),
    ...children(omit(schema, 'properties', 'items', 'additionalProperties'), constraint),
  };
};

/** Where a reference points to. */
export const definitionOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/**
 * Reduces one of Kubernetes' own schemas to facts. `null` is allowed upstream wherever a field is optional; output of
 * this project leaves such a field out, so a `null` in it is a mistake and is refused.
 */
export const reduced = (schema: Schema): Schema => {
  // Upstream has `oneOf` for scalars only, where a list of types says the same and gives clearer messages.
  const types = (schema.oneOf ?? [schema]).flatMap((option) => option.type ?? []).filter((type) => type !== 'null');
  return {
    ...factsOf(schema),
    ...(schema.$ref && { $ref: `_definitions.json#/$defs/${definitionOf(schema.$ref)}` }),
    ...(types.length > 0 && { type: types.length > 1 ? types : types[0] }),
    ...(schema.additionalProperties === false && { additionalProperties: false }),
    ...children(omit(schema, 'oneOf'), reduced),
  };
};

/** The references in a schema, at any depth. */
const references = (schema: Schema): string[] => {
  const found: string[] = schema.$ref ? [definitionOf(schema.$ref)] : [];
  children(schema, (child) => {
    found.push(...references(child));
    return child;
  });
  return found;
};

/** The definitions that some schemas reach, sorted by name. */
export const reach = (from: readonly Schema[], definitions: Schemas): Record<string, Schema> => {
  const found = new Map<string, Schema>();
  const visit = (schema: Schema): void => {
    for (const name of references(schema)) {
      if (found.has(name)) continue;
      const definition = definitions[name];
      if (!definition) throw new Error(`the schemas refer to ${name}, which is not defined`);
      found.set(name, definition);
      visit(definition);
    }
  };
  from.forEach(visit);
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** The schema of a whole object: identified, with metadata, and without `status`, which is the cluster's to write. */
export const ofKind = (schema: Schema, apiVersion: string, kind: string, metadata: Schema): Schema => ({
  type: 'object',
  required: [...new Set(['apiVersion', 'kind', 'metadata', ...(schema.required ?? [])])].filter((name) => name !== 'status'),
  properties: {
    ...omit(schema.properties ?? {}, 'status'),
    apiVersion: { enum: [apiVersion] },
    kind: { enum: [kind] },
    metadata,
  },
  additionalProperties: false,
});
