import { type Schema, type Schemas, definitionOf, omit } from './schema';

/** One kind to render: its schema without `apiVersion` and `status`. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: Schema;
}

/** What Kubernetes names but does not describe structurally. */
const WIRE_TYPES: Readonly<Record<string, string>> = {
  FieldsV1: 'Readonly<Record<string, unknown>>',
  IntOrString: 'number | string',
  JSON: 'unknown',
  JSONSchemaPropsOrArray: 'JSONSchemaProps | readonly JSONSchemaProps[]',
  JSONSchemaPropsOrBool: 'JSONSchemaProps | boolean',
  JSONSchemaPropsOrStringArray: 'JSONSchemaProps | readonly string[]',
  MicroTime: 'string',
  Quantity: 'string',
  RawExtension: 'Readonly<Record<string, unknown>>',
  Time: 'string',
};

const WIDTH = 110;
const SCALARS: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  integer: 'number',
  number: 'number',
  string: 'string',
};

const pascal = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replace(/[^a-zA-Z0-9]/g, '');
const propertyName = (name: string): string => (/^[a-zA-Z_]\w*$/.test(name) ? name : `'${name}'`);
const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replace(/[\\']/g, '\\$&')}'` : String(value);
/** The name of a type without its package: `io.k8s.api.core.v1.PodSpec` → `PodSpec`. */
export const shortName = (ref: string): string => ref.slice(ref.lastIndexOf('.') + 1);
const isQuantity = ({ type, pattern }: Schema): boolean =>
  [type].flat().includes('integer') && [type].flat().includes('string') && (pattern?.includes('KMGTPE') ?? false);

/** How a property is written, over several lines where a union is long. */
const member = (name: string, required: boolean, type: string): string => {
  const line = `  readonly ${propertyName(name)}${required ? '' : '?'}: ${type};`;
  if (line.length <= WIDTH || type.includes('[]') || !type.includes(' | ')) return line;
  return line.replace(`: ${type};`, `:\n${type.split(' | ').map((option) => `    | ${option}`).join('\n')};`);
};

/** Finds the name of the native type with the same structure as part of a custom resource, if there is one. */
export type Recognize = (schema: Schema, property: string) => string | undefined;

/** How a file's types are written. */
export interface TypeWriterOptions {
  /**
   * Kinds that definitions may refer to; inside another object they are given as props, without a class.
   * @default none
   */
  readonly kinds?: ReadonlySet<string>;
  /**
   * What precedes the names of native types.
   * @default '', as in their own file
   */
  readonly prefix?: string;
  /**
   * Tells which parts of custom resources are copies of native types.
   * @default none are
   */
  readonly recognize?: Recognize;
}

/** Renders schemas as TypeScript interfaces, and kinds as thin classes. */
export class TypeWriter {
  private readonly blocks = new Map<string, string>();
  private readonly named = new Map<string, string>();

  private readonly kinds: ReadonlySet<string>;
  private readonly prefix: string;
  private readonly recognize: Recognize;

  constructor({ kinds = new Set(), prefix = '', recognize = () => undefined }: TypeWriterOptions) {
    this.kinds = kinds;
    this.prefix = prefix;
    this.recognize = recognize;
  }

  /** Renders a named definition of Kubernetes' own. */
  definition(ref: string, schema: Schema): void {
    const name = shortName(ref);
    if (!WIRE_TYPES[name] && !this.kinds.has(name)) this.interfaceOf(name, schema, name);
  }

  /** Gives a type a name. */
  alias(name: string, type: string): void {
    this.add(name, `export type ${name} = ${type};`);
  }

  /** Renders a kind's props and its class. */
  kind({ apiVersion, kind, schema }: Kind): void {
    const properties = omit(schema.properties ?? {}, 'apiVersion', 'kind', 'metadata');
    const required = (schema.required ?? []).filter((name) => properties[name]);
    const metadata: Schemas = { metadata: { $ref: 'ObjectMeta' } };
    this.interfaceOf(`${kind}Props`, { ...schema, properties: { ...metadata, ...properties }, required }, kind);
    this.add(
      kind,
      [
        `export class ${kind} extends ApiObject {`,
        `  constructor(scope: Construct, id: string, props: ${kind}Props${required.length === 0 ? ' = {}' : ''}) {`,
        `    super(scope, id, { apiVersion: '${apiVersion}', kind: '${kind}', ...props });`,
        '  }',
        '}',
      ].join('\n'),
    );
  }

  /** The module's text below its imports. */
  toString(): string {
    return [...this.blocks.values()].join('\n\n') + '\n';
  }

  private add(name: string, block: string): void {
    const existing = this.blocks.get(name);
    if (existing !== undefined && existing !== block) throw new Error(`two different types would be called ${name}`);
    this.blocks.set(name, block);
  }

  /** Renders an interface; the types of its properties are named after `path`. */
  private interfaceOf(name: string, schema: Schema, path: string): void {
    const required = new Set(schema.required);
    const members = Object.entries(schema.properties ?? {}).map(([property, value]) =>
      member(property, required.has(property), this.typeOf(value, path + pascal(property), property)),
    );
    if (schema.additionalProperties === undefined && this.prefix) members.push('  readonly [key: string]: unknown;');
    this.add(name, [`export interface ${name} {`, ...members, '}'].join('\n'));
  }

  private typeOf(schema: Schema, path: string, property: string): string {
    if (schema.$ref) {
      const name = shortName(definitionOf(schema.$ref));
      return WIRE_TYPES[name] ?? this.prefix + name + (this.kinds.has(name) ? 'Props' : '');
    }
    if (schema.enum) return schema.enum.filter((value) => value !== null).map(literal).join(' | ');
    if (isQuantity(schema)) return 'string';
    const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
    if (types.includes('object')) return this.objectOf(schema, path, property);
    if (types.includes('array')) {
      const item = this.typeOf(schema.items ?? {}, path, property);
      return item.includes(' ') ? `readonly (${item})[]` : `readonly ${item}[]`;
    }
    return types.map((type) => SCALARS[type] ?? 'unknown').join(' | ') || 'unknown';
  }

  private objectOf(schema: Schema, path: string, property: string): string {
    const { properties, additionalProperties } = schema;
    if (typeof additionalProperties === 'object') {
      return `Readonly<Record<string, ${this.typeOf(additionalProperties, path, property)}>>`;
    }
    if (!properties) return `Readonly<Record<string, ${additionalProperties === false ? 'never' : 'unknown'}>>`;
    const native = this.recognize(schema, property);
    if (native) return this.prefix + native;
    const structure = JSON.stringify(schema);
    const existing = this.named.get(structure);
    if (existing) return existing;
    this.named.set(structure, path);
    this.interfaceOf(path, schema, path);
    return path;
  }
}

/** Writes a structure as text: which properties of which types, without anything that only constrains values. */
const shape = (schema: Schema, definitions: Schemas, within: readonly string[] = []): string => {
  if (schema.$ref) {
    const name = definitionOf(schema.$ref);
    if (['IntOrString', 'Quantity'].includes(shortName(name))) return 'integer|string';
    if (within.includes(name)) return '…';
    return shape(definitions[name] ?? {}, definitions, [...within, name]);
  }
  if (schema.properties) {
    const members = Object.entries(schema.properties)
      // Definitions of custom resources leave out what is in the metadata of an embedded object.
      .map(([name, value]) => `${name}:${name === 'metadata' ? '' : shape(value, definitions, within)}`);
    return `{${members.sort().join()}}`;
  }
  if (schema.items) return `[${shape(schema.items, definitions, within)}]`;
  if (typeof schema.additionalProperties === 'object') return `<${shape(schema.additionalProperties, definitions, within)}>`;
  return [schema.type ?? '*'].flat().join('|');
};

const commonPrefix = (a: string, b: string): number => {
  let length = 0;
  while (length < a.length && a[length]?.toLowerCase() === b[length]?.toLowerCase()) length++;
  return length;
};

const isFlat = (schema: Schema): boolean =>
  Object.values(schema.properties ?? {}).every(({ type }) => typeof type === 'string' && type in SCALARS);

/**
 * Recognizes native types inside custom resources, whose definitions carry a copy of the whole structure. A copy is as
 * old as the operator's dependencies, so each supported version's definitions are compared.
 */
export const recognizer = (versions: readonly Schemas[], names: ReadonlySet<string>): Recognize => {
  const candidates = new Map<string, Map<string, Schema>>();
  for (const definitions of versions) {
    for (const [ref, schema] of Object.entries(definitions)) {
      if (!schema.properties || !names.has(shortName(ref))) continue;
      const key = shape(schema, definitions);
      candidates.set(key, (candidates.get(key) ?? new Map<string, Schema>()).set(shortName(ref), schema));
    }
  }
  return (schema, property) => {
    const required = new Set(schema.required);
    const fits = ([name, native]: readonly [string, Schema]): boolean =>
      (native.required ?? []).every((field) => required.has(field)) &&
      // A few scalars in a row may be anything; their name has to tell.
      (!isFlat(native) || /(Reference|Selector)$/.test(name) || commonPrefix(name, property) >= 4);
    return [...(candidates.get(shape(schema, {})) ?? [])]
      .filter(fits)
      .map(([name]) => name)
      .sort((a, b) => commonPrefix(b, property) - commonPrefix(a, property) || a.length - b.length || (a < b ? -1 : 1))[0];
  };
};
