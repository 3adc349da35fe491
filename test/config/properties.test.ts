import fc from 'fast-check';
import { isMap, isNode, isScalar, isSeq, parse, parseDocument } from 'yaml';
import { formatBytes, formatCores, parseQuantity } from '../../constructs/platform/quantity';
import { marked, problemsOf, sample } from './support';

const NAMES = ['production.yaml', 'development.yaml'];

interface Key {
  readonly file: string;
  /** As messages write it, as in `clusters[0].nodes`. */
  readonly holder: string;
  readonly key: string;
  readonly offset: number;
  readonly siblings: readonly string[];
}

/** Every key of a sample. */
const keysOf = (file: string): readonly Key[] => {
  const walk = (node: unknown, holder: string): readonly Key[] => {
    if (isSeq(node)) return node.items.flatMap((item, i) => walk(item, `${holder}[${i}]`));
    if (!isMap(node)) return [];
    const siblings = node.items.map(({ key }) => (isScalar(key) ? String(key.value) : ''));
    return node.items.flatMap(({ key, value }, i) => {
      const name = siblings[i] ?? '';
      const offset = isNode(key) && key.range ? key.range[0] : NaN;
      const path = holder === '' ? name : `${holder}.${name}`;
      return [{ file, holder, key: name, offset, siblings }, ...walk(value, path)];
    });
  };
  return walk(parseDocument(sample(file)).contents, '');
};

const KEYS = NAMES.flatMap(keysOf);
const anyKey = fc.constantFrom(...KEYS);
const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz');

/** A word with one letter changed, added, dropped or swapped with its neighbour. */
const misspelling = (word: string) =>
  fc
    .tuple(fc.nat(word.length - 1), letter, fc.constantFrom('change', 'add', 'drop', 'swap'))
    .map(([i, other, kind]) => {
      const [before, here, after] = [word.slice(0, i), word.slice(i, i + 1), word.slice(i + 1)];
      if (kind === 'change') return before + other + after;
      if (kind === 'add') return before + other + here + after;
      return kind === 'drop' ? before + after : before + after.slice(0, 1) + here + after.slice(1);
    });

const pathOf = (holder: string, key: string): string => (holder === '' ? key : `${holder}.${key}`);

test('a misspelt key is reported where it is, with the right one', () => {
  const misspelt = anyKey.chain((key) => fc.record({ key: fc.constant(key), wrong: misspelling(key.key) }));
  fc.assert(
    fc.property(misspelt, ({ key: { file, holder, key, offset, siblings }, wrong }) => {
      fc.pre(!siblings.includes(wrong) && wrong.length > 0);
      const text = sample(file);
      const edited = marked(`${text.slice(0, offset)}‸${wrong}${text.slice(offset + key.length)}`);
      expect(problemsOf(file, edited.text)).toContain(
        `${file}:${edited.positions[0]} ${pathOf(holder, wrong)}: unknown key; did you mean "${key}"?`,
      );
    }),
    { numRuns: 300 },
  );
});

const OPTIONAL: ReadonlySet<string> = new Set([
  'mesh',
  'postgres.storageKind',
  'edge.entry',
  'observability.alerting.maintenance',
  'observability.alerting.receivers',
  'observability.alerting.receivers.proxy',
]);

test.each(KEYS.filter(({ holder, key }) => !OPTIONAL.has(pathOf(holder, key))))(
  'without $holder $key in $file, it is missing',
  ({ file, holder, key }) => {
    const yaml = parseDocument(sample(file));
    yaml.deleteIn([...holder.split(/[.[\]]+/), key].filter((step) => step !== ''));
    const missing = problemsOf(file, String(yaml)).filter((problem) =>
      problem.includes(` ${pathOf(holder, key)}: is missing`),
    );
    expect(missing).toEqual([expect.stringMatching(/^\w+\.yaml:\d+:\d+ /)]);
  },
);

/** What every refusal looks like, whatever was read. */
const expectOrderly = (problems: readonly string[]) => {
  for (const problem of problems) expect(problem).toMatch(/^production\.yaml:\d+:\d+ [^\n]+$/);
};

describe('garbage is refused in an orderly way', () => {
  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const problems = problemsOf('production.yaml', bytes);
        expect(problems).not.toEqual([]);
        expectOrderly(problems);
      }),
      { numRuns: 300 },
    );
  });

  const scrap = fc.constantFrom(
    ...[
      'a',
      ': ',
      '- ',
      '? ',
      '\n',
      '\n  ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '&a ',
      '*a',
      '!t ',
      '!!set ',
      '|',
      '>',
      '#',
    ],
    ...[
      '%YAML 1.1\n',
      '---\n',
      '...\n',
      '<<',
      '~',
      '\t',
      '\0',
      '\uFEFF',
      '\u2028',
      '😀',
      '1e3',
      '__proto__',
      'clusters: ',
    ],
  );

  test('any scraps of YAML', () => {
    fc.assert(
      fc.property(fc.array(scrap, { maxLength: 40 }), (scraps) => {
        const problems = problemsOf('production.yaml', scraps.join(''));
        expect(problems).not.toEqual([]);
        expectOrderly(problems);
      }),
      { numRuns: 500 },
    );
  });

  test('a good file with scraps thrown in', () => {
    const text = sample('production.yaml');
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.nat(20),
        fc.array(scrap, { maxLength: 5 }),
        (at, dropped, scraps) => {
          expectOrderly(
            problemsOf('production.yaml', text.slice(0, at) + scraps.join('') + text.slice(at + dropped)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('any value in any place', () => {
    const plain = parse(sample('production.yaml')) as object;
    const replaced = (node: unknown, at: readonly string[], by: unknown): unknown => {
      const [step, ...rest] = at;
      if (step === undefined) return by;
      const copy = structuredClone(node) as Record<string, unknown>;
      copy[step] = replaced(copy[step], rest, by);
      return copy;
    };
    const places = KEYS.filter(({ file }) => file === 'production.yaml').map(({ holder, key }) =>
      [...holder.split(/[.[\]]+/), key].filter((step) => step !== ''),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), (place, value) => {
        expectOrderly(problemsOf('production.yaml', JSON.stringify(replaced(plain, place, value))));
      }),
      { numRuns: 500 },
    );
  });
});

describe('quantities', () => {
  const bytes = fc.integer({ min: 0, max: 2 ** 50 });
  const cores = fc.integer({ min: 0, max: 1e9 }).map((micros) => micros / 1e6);

  test.each([
    ['bytes', bytes, formatBytes],
    ['cores', cores, formatCores],
  ])('%s are written as at least what they are, always the same, and in order', (_, amount, format) => {
    const roundTrip = (x: number) => parseQuantity(format(x));
    fc.assert(
      fc.property(amount, amount, (x, y) => {
        expect(roundTrip(x)).toBeGreaterThanOrEqual(x);
        expect(format(roundTrip(x))).toBe(format(x));
        if (x <= y) expect(roundTrip(x)).toBeLessThanOrEqual(roundTrip(y));
      }),
    );
  });

  test('any other text is refused with an example', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'0123456789.-+eEmkMGTPKi ') }),
    );
    fc.assert(
      fc.property(text, (quantity) => {
        try {
          expect(parseQuantity(quantity)).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toEqual(
            new Error(`"${quantity}" is no Kubernetes quantity; write for example 250m, 2, 512Mi or 8Gi`),
          );
        }
      }),
      { numRuns: 1000 },
    );
  });
});
