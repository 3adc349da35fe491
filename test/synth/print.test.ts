import fc from 'fast-check';
import { load } from 'js-yaml';
import { parse } from 'yaml';
import type { Manifest } from '../../constructs/platform/manifest';
import { ConfigMap } from '../../imports/k8s';
import { printPlatform, toYaml } from '../../synth/print';
import { platformWith } from '../support';

const manifest = (fields: Readonly<Record<string, unknown>>): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a' },
  ...fields,
});

/** What readers of different YAML versions make of a text. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  'yaml, 1.2': (text) => parse(text, { version: '1.2' }) as unknown,
  'yaml, 1.1': (text) => parse(text, { version: '1.1', merge: false }) as unknown,
  'js-yaml': (text) => load(text),
};

/** Strings that one YAML version or another takes for something else, or that are hard to write down. */
const TRAPS = [
  ...['n', 'y', 'yes', 'No', 'ON', 'off', 'true', 'FALSE', 'null', 'NULL', '~', '', ' '],
  ...[
    '1',
    '1.0',
    '1e3',
    '1E3',
    '.5',
    '-.inf',
    '.NaN',
    '0x1F',
    '0o7',
    '0b1',
    '010',
    '08',
    '1_000',
    '+1',
    '-0',
  ],
  ...['12:30:00', '1:30', '190:20:30.15', '2026-01-31', '2026-01-31T12:00:00Z', '<<', '=', '8Gi', '250m'],
  ...[
    'a: b',
    'a #b',
    '# a',
    '- a',
    '? a',
    '!a',
    '&a',
    '*a',
    '@a',
    '`a',
    '%a',
    '|',
    '>',
    '{a',
    '[a',
    '---',
    '...',
  ],
  ...[
    ' a',
    'a ',
    '\ta',
    'a\t',
    '\n',
    '\n\n',
    'a\n',
    'a\n\n',
    '\na',
    'a\n b',
    ' a\nb',
    '  a\n  b\n',
    'a\nb\n\n\n',
  ],
  ...[
    'a\r\nb',
    'a\u0085b',
    'a\u2028b',
    '\uFEFFa',
    'a\u0000b',
    'a\u0007',
    'é',
    '語',
    '😀',
    '"',
    "'",
    '\'a"',
    'a\\nb',
  ],
  ...[
    '#!/bin/sh\nset -eu\n',
    'a\n#b\n',
    'a\n---\nb\n',
    'a\n...\nb',
    '   \n a',
    '\t\n',
    '\n ',
    ' \n',
    ' \n\n  ',
    'a\n ',
    'a \nb\n',
    `${'word '.repeat(60)}`,
  ],
];

const text = fc.oneof(
  fc.constantFrom(...TRAPS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'0123456789_.:eExobZT+-~'), maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'ab \n\t#:-\'"|>{[&*!'), maxLength: 20 }),
);

const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    text,
    number,
    fc.boolean(),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(text, tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;

describe('an object as YAML', () => {
  test.each(Object.entries(readers))('%s reads what was written, whatever it is', (_, read) => {
    for (const trap of TRAPS) {
      const object = manifest({ data: { [trap]: trap, list: [trap] } });
      expect([trap, read(toYaml(object))]).toEqual([trap, object]);
    }
    fc.assert(
      fc.property(fc.dictionary(text, value, { noNullPrototype: true }), (data) => {
        expect(read(toYaml(manifest({ data })))).toEqual(manifest({ data }));
      }),
      { numRuns: 300 },
    );
  });

  test('begins with what it is; all other keys follow by name, in whatever order they were written', () => {
    const written = toYaml(
      manifest({
        spec: { b: 1, a: [{ value: 'x', name: 'z' }], B: 2 },
        data: {},
        metadata: { labels: {}, name: 'x' },
      }),
    );
    expect(written).toBe(
      [
        'apiVersion: v1',
        'kind: ConfigMap',
        'metadata:',
        '  name: x',
        '  labels: {}',
        'data: {}',
        'spec:',
        '  B: 2',
        '  a:',
        '    - name: z',
        '      value: x',
        '  b: 1',
        '',
      ].join('\n'),
    );
  });

  test('has every value in full where it stands: no anchors, no folded lines', () => {
    const shared = { image: 'a' };
    const long = 'word '.repeat(60) + 'end';
    const written = toYaml(manifest({ spec: { one: shared, other: shared, long } }));
    expect(written).toContain('  one:\n    image: a\n  other:\n    image: a\n');
    expect(written).toContain(`  long: ${long}\n`);
  });

  test('shows a script as a person wrote it', () => {
    const script = '#!/bin/sh\nset -eu\n\nif true; then\n  echo "a: b" # c\nfi\n';
    expect(toYaml(manifest({ data: { 'a.sh': script } }))).toContain(
      '  a.sh: |\n    #!/bin/sh\n    set -eu\n\n    if true; then\n      echo "a: b" # c\n    fi\n',
    );
  });
});

describe('the files of a platform', () => {
  const map = (name: string) => ({ metadata: { name }, data: {} });

  test('are called by kind, namespace and name, in folders of environment, cluster and phase', () => {
    const files = printPlatform(
      platformWith(({ namespaces }) => {
        new ConfigMap(namespaces.add('a'), 'One', map('twin'));
        new ConfigMap(namespaces.add('b'), 'One', map('twin'));
      }),
    );
    expect([...files.keys()]).toEqual(
      expect.arrayContaining([
        'staging/test/foundation/ConfigMap.a.twin.yaml',
        'staging/test/foundation/ConfigMap.b.twin.yaml',
        'staging/test/foundation/Namespace.a.yaml',
      ]),
    );
  });

  test('two objects never get one', () => {
    const platform = platformWith(({ namespaces }) => {
      const a = namespaces.add('a');
      new ConfigMap(a, 'One', map('twin'));
      new ConfigMap(a, 'Two', map('twin'));
    });
    expect(() => printPlatform(platform)).toThrow(
      'foundation/Namespaces/a/Two: a second object for staging/test/foundation/ConfigMap.a.twin.yaml',
    );
  });
});
