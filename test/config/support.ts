import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { ConfigError } from '../../config/document';
import { loadEnvironment } from '../../config/load';

/** A part of a file and what to put in its place. */
export type Edit = readonly [from: string, to: string];

/** An environment of this folder, as text. They stay as they are whatever the shipped ones become. */
export const sample = (name: string): string => readFileSync(join(__dirname, name), 'utf8');

/** A sample with parts of it replaced; each must be there. */
export function edited(name: string, ...edits: readonly Edit[]): string {
  return edits.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${name} has no ${JSON.stringify(from)}`);
    return text.replace(from, () => to);
  }, sample(name));
}

const MARK = '‸';

/** A text without its marks, and the `line:column` where each was. */
export function marked(text: string): { text: string; positions: readonly string[] } {
  const parts = text.split(MARK);
  const positions = parts.slice(1).map((_, i) => {
    const lines = parts
      .slice(0, i + 1)
      .join('')
      .split('\n');
    return `${lines.length}:${(lines.at(-1) ?? '').length + 1}`;
  });
  return { text: parts.join(''), positions };
}

/**
 * Loads a sample after edits and expects exactly these problems, each at its own mark: in the order of the file, an
 * edit puts a `‸` where a problem is expected.
 */
export function expectProblems(name: string, edits: readonly Edit[], messages: readonly string[]): void {
  const { text, positions } = marked(edited(name, ...edits));
  expect(problemsOf(name, text)).toEqual(
    messages.map((message, i) => `${name}:${positions[i] ?? 'unmarked'} ${message}`),
  );
  expect(positions).toHaveLength(messages.length);
}

/** What `load` has against a file of this name and content; only ConfigError may tell. */
export function problemsOf(
  name: string,
  content: string | Uint8Array,
  load: (file: string) => unknown = loadEnvironment,
): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  try {
    const file = join(folder, name);
    writeFileSync(file, content);
    const prefix = `${basename(folder)}/`;
    return problemsIn(folder, () => load(file)).map((problem) => problem.replace(prefix, ''));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is said against files of a folder, the folder being called by its last name only. */
export function problemsIn(folder: string, load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.replace(relative('', folder), basename(folder)));
  }
}
