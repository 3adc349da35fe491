import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import { openPinned } from '../../scripts/imports/fetch';
import { customKinds, kubernetesVersion } from '../../scripts/imports/generate';
import { type Schema, strict } from '../../scripts/imports/schema';
import { CUSTOM_RESOURCES, KUBERNETES } from '../../scripts/imports/sources';
import { TypeWriter, recognizer } from '../../scripts/imports/types';

const imports = join(__dirname, '..', '..', 'imports');

/** Tells whether a value is valid against a schema. */
function accepts(schema: Schema, value: unknown): boolean {
  return new Ajv({ strict: false, validateFormats: false }).validate(schema, value);
}

/** Renders the custom resource Thing with a spec of some properties. */
function render(properties: Schema['properties'], required: readonly string[] = []): string {
  const types = new TypeWriter({ prefix: 'k8s.' });
  const spec = strict({ type: 'object', properties, required });
  types.kind({
    apiVersion: 'example.io/v1',
    kind: 'Thing',
    schema: { properties: { spec }, required: ['spec'] },
  });
  return types.toString();
}

describe('schema of a custom resource', () => {
  test('refuses unknown fields at every depth', () => {
    const schema = strict({
      type: 'object',
      properties: {
        ports: { type: 'array', items: { type: 'object', properties: { port: { type: 'integer' } } } },
      },
    });

    expect(accepts(schema, { ports: [{ port: 1 }] })).toBe(true);
    expect(accepts(schema, { prots: [] })).toBe(false);
    expect(accepts(schema, { ports: [{ prot: 1 }] })).toBe(false);
  });

  test('refuses any field of an object that declares none, as the API server drops them', () => {
    const schema = strict({ type: 'object', properties: { marker: { type: 'object' } } });

    expect(accepts(schema, { marker: {} })).toBe(true);
    expect(accepts(schema, { marker: { a: 1 } })).toBe(false);
  });

  test('keeps objects open that preserve unknown fields', () => {
    const schema = strict({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { known: { type: 'string' } },
    });

    expect(accepts(schema, { known: 'a', other: 1 })).toBe(true);
    expect(accepts(schema, { known: 1 })).toBe(false);
  });

  test('keeps maps, and is strict inside their values', () => {
    const schema = strict({
      type: 'object',
      additionalProperties: { type: 'object', properties: { a: { type: 'string' } } },
    });

    expect(accepts(schema, { any: { a: 'x' } })).toBe(true);
    expect(accepts(schema, { any: { b: 'x' } })).toBe(false);
  });

  test('takes integers and strings where both are allowed', () => {
    const schema = strict({
      'x-kubernetes-int-or-string': true,
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      pattern: '^[0-9]+%$',
    });

    expect([1, '50%'].map((value) => accepts(schema, value))).toEqual([true, true]);
    expect([1.5, 'half', true].map((value) => accepts(schema, value))).toEqual([false, false, false]);
  });

  test('takes null only where it is nullable', () => {
    const nullable = strict({ type: 'string', nullable: true, enum: ['a'] });

    expect([null, 'a', 'b'].map((value) => accepts(nullable, value))).toEqual([true, true, false]);
    expect(accepts(strict({ type: 'string' }), null)).toBe(false);
  });

  test('keeps constraints, which are not strict by themselves', () => {
    const schema = strict({
      type: 'object',
      properties: { a: { type: 'string', minLength: 2 }, b: { type: 'string' } },
      required: ['a'],
      anyOf: [{ properties: { a: { enum: ['xx'] } } }, { required: ['b'] }],
    });

    expect(accepts(schema, { a: 'xx' })).toBe(true);
    expect(accepts(schema, { a: 'yy', b: '' })).toBe(true);
    expect(accepts(schema, { a: 'yy' })).toBe(false);
    expect(accepts(schema, { a: 'x', b: '' })).toBe(false);
    expect(accepts(schema, { b: '' })).toBe(false);
  });

  test('knows what every embedded resource has', () => {
    const schema = strict({ type: 'object', 'x-kubernetes-embedded-resource': true, properties: {} });

    expect(accepts(schema, { apiVersion: 'v1', kind: 'Pod' })).toBe(true);
    expect(accepts(schema, { color: 'red' })).toBe(false);
  });

  test('carries no prose and no defaults', () => {
    const schema = strict({
      type: 'string',
      description: 'prose',
      default: 'a',
      'x-kubernetes-validations': [],
    });

    expect(schema).toEqual({ type: 'string' });
  });

  test('is of the stored version of the kinds asked for, without status', () => {
    const version = (name: string, storage: boolean): object => ({
      name,
      storage,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: { spec: {}, status: {} },
          required: ['spec', 'status'],
        },
      },
    });
    const definition = (kind: string): string =>
      JSON.stringify({
        kind: 'CustomResourceDefinition',
        spec: {
          group: 'example.io',
          names: { kind },
          versions: [version('v1beta1', false), version('v1', true)],
        },
      });
    const kinds = customKinds(`${definition('Thing')}\n---\n${definition('Other')}`, 'example.io', ['Thing']);

    expect(kinds.map(({ apiVersion, kind }) => [apiVersion, kind])).toEqual([['example.io/v1', 'Thing']]);
    expect(kinds[0]?.schema.required).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(Object.keys(kinds[0]?.schema.properties ?? {})).toEqual([
      'spec',
      'apiVersion',
      'kind',
      'metadata',
    ]);
  });
});

describe("Kubernetes' own schemas", () => {
  const published = {
    'io.k8s.api.core.v1.Thing': {
      properties: { spec: { $ref: '/api/_definitions.json#/$defs/io.k8s.api.core.v1.ContainerPort' } },
      'x-kubernetes-group-version-kind': [{ group: '', kind: 'Thing', version: 'v1' }],
    },
    'io.k8s.api.core.v1.ContainerPort': {
      type: 'object',
      properties: {
        protocol: { type: ['string', 'null'], description: 'prose' },
        size: { $ref: '/api/_definitions.json#/$defs/io.k8s.apimachinery.pkg.api.resource.Quantity' },
      },
      additionalProperties: false,
    },
    'io.k8s.apimachinery.pkg.api.resource.Quantity': {
      oneOf: [{ type: ['string', 'null'] }, { type: 'number' }],
    },
    'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': { type: 'object' },
    'io.k8s.api.core.v1.Unused': { type: 'object' },
  };

  test('are reduced to what the kinds in use reach, without prose and without null', () => {
    const { definitions } = kubernetesVersion(published, { v1: ['Thing'] });

    expect(Object.keys(definitions).map((name) => name.split('.').pop())).toEqual([
      'ContainerPort',
      'Quantity',
      'ObjectMeta',
    ]);
    expect(definitions['io.k8s.api.core.v1.ContainerPort']?.properties?.protocol).toEqual({
      type: 'string',
      enum: ['SCTP', 'TCP', 'UDP'],
    });
  });

  test.each([
    ['512Mi', true],
    ['0.5', true],
    ['100m', true],
    ['1e3', true],
    [2, true],
    ['512MB', false],
    ['1 Gi', false],
    [null, false],
  ])('quantity %j is valid: %j', (value, valid) => {
    const { definitions } = kubernetesVersion(published, { v1: ['Thing'] });

    expect(accepts(definitions['io.k8s.apimachinery.pkg.api.resource.Quantity'] ?? {}, value)).toBe(valid);
  });

  test('must have every kind asked for', () => {
    expect(() => kubernetesVersion(published, { 'apps/v1': ['Thing'] })).toThrow('have no Thing in apps/v1');
  });
});

describe('types', () => {
  test('are named as on the wire, readonly, and optional unless required', () => {
    const text = render({ clusterIP: { type: 'string' }, replicas: { type: 'integer' } }, ['replicas']);

    expect(text).toContain(
      'export interface ThingSpec {\n  readonly clusterIP?: string;\n  readonly replicas: number;\n}',
    );
  });

  test.each<[string, Schema, string]>([
    ['enumerations', { type: 'string', enum: ['a', "it's"] }, "'a' | 'it\\'s'"],
    ['lists of enumerations', { type: 'array', items: { enum: ['a', 'b'] } }, "readonly ('a' | 'b')[]"],
    ['integers or strings', { 'x-kubernetes-int-or-string': true }, 'number | string'],
    ['percentages', { 'x-kubernetes-int-or-string': true, pattern: '^[0-9]+%$' }, 'number | string'],
    ['quantities', { 'x-kubernetes-int-or-string': true, pattern: '^([KMGTPE]i)|[numkMGTPE]$' }, 'string'],
    [
      'maps',
      { type: 'object', additionalProperties: { type: 'string' } },
      'Readonly<Record<string, string>>',
    ],
    [
      'free objects',
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      'Readonly<Record<string, unknown>>',
    ],
    ['anything', { 'x-kubernetes-preserve-unknown-fields': true }, 'unknown'],
    ['nullable scalars', { type: 'boolean', nullable: true }, 'boolean'],
  ])('of %s', (_, schema, type) => {
    expect(render({ field: schema })).toContain(`  readonly field?: ${type};`);
  });

  test('are made once for equal structures', () => {
    const ref: Schema = { type: 'object', properties: { key: { type: 'string' } } };

    expect(render({ first: ref, second: ref })).toContain('readonly second?: ThingSpecFirst;');
  });

  test('end in one thin class per kind', () => {
    expect(render({})).toContain(
      [
        'export class Thing extends ApiObject {',
        '  constructor(scope: Construct, id: string, props: ThingProps) {',
        "    super(scope, id, { apiVersion: 'example.io/v1', kind: 'Thing', ...props });",
        '  }',
        '}',
      ].join('\n'),
    );
  });

  test('may not share a name', () => {
    const inner = (type: string): Schema => ({ type: 'object', properties: { a: { type } } });

    expect(() => render({ 'a-b': inner('string'), ab: inner('integer') })).toThrow(
      'two different types would be called ThingSpecAb',
    );
  });

  test('of copies of native structures are the native types', () => {
    const ref = (name: string): Schema => ({ $ref: `_definitions.json#/$defs/${name}` });
    const recognize = recognizer(
      [
        {
          'core.v1.EnvVar': {
            type: 'object',
            properties: { name: { type: 'string' }, source: ref('core.v1.EnvVarSource') },
            required: ['name'],
          },
          'core.v1.EnvVarSource': { type: 'object', properties: { limit: ref('resource.Quantity') } },
          'core.v1.PodOS': { type: 'object', properties: { name: { type: 'string' } } },
        },
      ],
      new Set(['EnvVar', 'PodOS']),
    );
    const limit = strict({ 'x-kubernetes-int-or-string': true });
    const copy: Schema = {
      properties: { name: { type: 'string' }, source: { properties: { limit } } },
      required: ['name'],
    };

    expect(recognize(copy, 'env')).toBe('EnvVar');
    expect(recognize({ ...copy, required: [] }, 'env')).toBeUndefined();
    expect(recognize({ properties: { name: { type: 'string' } } }, 'secret')).toBeUndefined();
  });
});

describe('sources', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'imports-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  test('an archive with another checksum than the pinned one is refused', () => {
    writeFileSync(join(folder, 'a.zip'), 'tampered');

    expect(() => openPinned(join(folder, 'a.zip'), 'f'.repeat(64), 'example v1')).toThrow(
      /^example v1: the checksum of .*a\.zip is\n {2}[0-9a-f]{64}, but scripts\/imports\/sources\.ts pins\n {2}f{64}/,
    );
  });

  test('what is not an archive is refused', () => {
    const sha256OfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    writeFileSync(join(folder, 'a.zip'), '');

    expect(() => openPinned(join(folder, 'a.zip'), sha256OfNothing, 'example v1')).toThrow(
      'not a zip archive',
    );
  });

  test('a missing program is named, with the remedy', () => {
    const program = [join(imports, '..', 'scripts', 'run.mjs'), 'scripts/imports.ts', '--check'];
    const { status, stderr } = spawnSync(process.execPath, program, {
      encoding: 'utf8',
      env: { PATH: folder },
    });

    expect(status).toBe(1);
    expect(stderr).toMatch(/^(go|python3) could not be started \(.*\): install (Go|Python)/);
  });
});

describe('what is committed', () => {
  const filesIn = (folder: string): string[] => readdirSync(join(imports, folder)).sort();

  test('has a schema of every custom resource in use', () => {
    // A group may come from several sources.
    for (const { group } of CUSTOM_RESOURCES) {
      const kinds = CUSTOM_RESOURCES.flatMap((source) => (source.group === group ? source.kinds : []));
      const found = filesIn(`schemas/crds/${group}`).map((file) => file.replace(/_v.*/, ''));
      expect(found).toEqual(kinds.map((kind) => kind.toLowerCase()).sort());
    }
  });

  test.each(KUBERNETES.supported)('has a schema of every kind in use in Kubernetes %s', (version) => {
    const kinds = Object.values(KUBERNETES.kinds).flat();

    expect(filesIn(`schemas/kubernetes/v${version}`)).toHaveLength(kinds.length + 1);
  });

  test('holds facts only', () => {
    const schemas = readdirSync(join(imports, 'schemas'), { recursive: true, encoding: 'utf8' });
    const texts = schemas
      .filter((path) => path.endsWith('.json'))
      .map((path) => readFileSync(join(imports, 'schemas', path), 'utf8'));

    // A property may be called `description`; its value is then a schema, not prose.
    expect(texts.filter((text) => /"description":"/.test(text))).toEqual([]);
  });

  test('types refer to nothing unchecked', () => {
    const modules = filesIn('').filter((file) => file.endsWith('.ts'));

    expect(modules).toEqual(
      ['k8s.ts', ...CUSTOM_RESOURCES.map(({ group, name = group }) => `${name}.ts`)].sort(),
    );
    const unchecked = /[:,<] any\b|<any\b/;
    expect(modules.filter((file) => unchecked.test(readFileSync(join(imports, file), 'utf8')))).toEqual([]);
  });
});
