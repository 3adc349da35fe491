import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, visit } from 'yaml';

/** The way from the top of a file to a value, as in `['clusters', 0, 'name']`. */
export type Path = readonly (string | number)[];

/** What is wrong with the value at a path. Where there is no such value, what should hold it is pointed at. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /**
   * Whether the value is wrong, or that it is there at all.
   * @default 'value'
   */
  readonly at?: 'key' | 'value';
  /**
   * Whether what holds the value is as it should be but for this: a key too many.
   * @default false
   */
  readonly isExtra?: boolean;
}

/** All that is wrong with configuration, each as `file:line:column path: what is wrong`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** A value as messages show it: on one line, short, and without the user and password of a URL. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
  if (typeof value !== 'string') return `the ${typeof value} ${String(value)}`;
  const text = value.replace(/\/\/.*@/s, '//…@');
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

const showPath = (path: Path): string =>
  path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[-\w]{1,60}$/.test(step) ? `.${step}` : `.${show(step)}`;
    })
    .join('')
    .replace(/^\./, '');

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'is a file, not a folder',
  EACCES: 'may not be read by this user',
};

/** A path as messages give it: from where the program runs. */
export const relativePath = (path: string): string => relative('', path) || '.';

/**
 * Reads a file or folder of configuration.
 * @throws ConfigError where that is not possible
 */
export function readOrRefuse<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new ConfigError([`${relativePath(path)}: ${READ_ERRORS[code] ?? `cannot be read: ${message}`}`]);
  }
}

/** A configuration has some kilobytes; a parser given more would only keep everyone waiting. */
const LARGEST = 1 << 20;

interface Problem {
  readonly offset: number;
  readonly text: string;
}

/** A YAML file that knows where in its text each value stands. */
export class ConfigFile {
  /** What the file says, as plain data. */
  readonly value: unknown;

  private readonly name: string;
  private readonly text: string;
  private readonly yaml: Document;
  private readonly duplicates: readonly Problem[];

  /** @throws ConfigError where the file cannot be read or is no YAML; duplicate keys wait for `refuse` */
  constructor(file: string) {
    this.name = relativePath(file);
    const bytes = readOrRefuse(file, (path) => readFileSync(path));
    if (bytes.length > LARGEST) throw new ConfigError([`${this.name}: must not be larger than 1 MiB`]);
    // Decoding drops a byte order mark, so that columns count what is seen.
    this.text = new TextDecoder().decode(bytes);
    if (!isUtf8(bytes)) {
      this.fail([{ offset: Math.max(this.text.indexOf('\uFFFD'), 0), text: 'must be UTF-8 text' }]);
    }
    this.yaml = this.attempt(() =>
      parseDocument(this.text, {
        prettyErrors: false,
        schema: 'core',
        resolveKnownTags: false,
        logLevel: 'error',
      }),
    );
    const problems = [...this.yaml.errors, ...this.yaml.warnings];
    this.duplicates = problems
      .filter(({ code }) => code === 'DUPLICATE_KEY')
      .map(({ pos }) => ({ offset: pos[0], text: `${this.pathOfKeyAt(pos[0])}: duplicate key` }));
    this.fail(
      problems
        .filter(({ code }) => code !== 'DUPLICATE_KEY')
        .map(({ code, pos, message }) => ({
          offset: pos[0],
          text:
            code === 'MULTIPLE_DOCS'
              ? 'must hold one YAML document, here begins another'
              : `is no valid YAML: ${message}`,
        })),
    );
    if (this.yaml.contents === null || (isScalar(this.yaml.contents) && this.yaml.contents.value === null)) {
      this.fail([{ offset: 0, text: 'is empty' }]);
    }
    this.fail(this.danglingAliases());
    this.value = this.attempt(() => this.yaml.toJS({ maxAliasCount: 100 }) as unknown);
  }

  /** @throws ConfigError with these findings and any duplicate keys, in the order of the file, unless there are none */
  refuse(findings: readonly Finding[]): void {
    this.fail([
      ...this.duplicates,
      ...findings.map(({ path, message, at = 'value' }) => ({
        offset: this.offsetOf(path, at),
        text: path.length > 0 ? `${showPath(path)}: ${message}` : message,
      })),
    ]);
  }

  /** The parser throws at what it cannot finish: aliases that multiply, nesting without end. */
  private attempt<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw this.errorOf([{ offset: 0, text: `is no valid YAML: ${(error as Error).message}` }]);
    }
  }

  private fail(problems: readonly Problem[]): void {
    if (problems.length > 0) throw this.errorOf(problems);
  }

  private errorOf(problems: readonly Problem[]): ConfigError {
    const inOrder = problems.toSorted((a, b) => a.offset - b.offset);
    const lines = inOrder.map(({ offset, text }) => `${this.name}:${this.position(offset)} ${text}`);
    return new ConfigError([...new Set(lines)]);
  }

  private position(offset: number): string {
    const lines = this.text.slice(0, offset).split('\n');
    return `${lines.length}:${(lines.at(-1) ?? '').length + 1}`;
  }

  private offsetOf(path: Path, at: 'key' | 'value'): number {
    let key: unknown = this.yaml.contents;
    let value: unknown = key;
    for (const step of path) {
      const holder = isAlias(value) ? value.resolve(this.yaml) : value;
      const item = isSeq(holder) ? holder.items[Number(step)] : undefined;
      // The last of duplicate keys is the one that counts.
      const pair = isMap(holder) ? holder.items.findLast((each) => keyOf(each.key) === step) : undefined;
      if (!item && !pair) return startOf(key);
      key = pair?.key ?? item;
      value = pair ? pair.value : item;
    }
    return startOf(at === 'value' && isNode(value) ? value : key);
  }

  private danglingAliases(): readonly Problem[] {
    const anchors = new Set<string>();
    const dangling: Problem[] = [];
    visit(this.yaml, {
      Node: (_, node) => {
        if (isAlias(node) && !anchors.has(node.source)) {
          dangling.push({
            offset: startOf(node),
            text: `there is no anchor &${node.source} before *${node.source}`,
          });
        }
        if ('anchor' in node && node.anchor) anchors.add(node.anchor);
      },
    });
    return dangling;
  }

  private pathOfKeyAt(offset: number): string {
    let found: Path = [];
    visit(this.yaml, {
      Pair: (_, pair, ancestors) => {
        if (startOf(pair.key) !== offset) return undefined;
        const chain = [...ancestors, pair];
        found = chain.flatMap((node, i): Path => {
          if (isSeq(node)) return [node.items.indexOf(chain[i + 1])];
          return 'key' in node ? [keyOf(node.key)] : [];
        });
        return visit.BREAK;
      },
    });
    return showPath(found);
  }
}

const startOf = (node: unknown): number => (isNode(node) && node.range ? node.range[0] : 0);

/** A key as it is called in plain data. */
const keyOf = (key: unknown): string => String((isScalar(key) ? key.value : key) ?? '');
