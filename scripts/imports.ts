import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand } from './command';
import { fetchKubernetes, fetchModule } from './imports/fetch';
import { type Files, generate } from './imports/generate';

const USAGE = `usage: npm run imports [-- --check]

Makes imports/ (types and JSON schemas) from the sources pinned in scripts/imports/sources.ts.

  --check   change nothing; fail where imports/ differs from what would be made
  --help    show this`;

const root = join(__dirname, '..');
const target = join(root, 'imports');
const cache = join(root, '.cache', 'imports');

const filesOn = (folder: string): Files => {
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path, 'utf8')]));
};

/** The differences between what is on disk and what belongs there. */
const differences = (actual: Files, expected: Files): string[] => [
  ...[...expected.keys()].filter((path) => !actual.has(path)).map((path) => `missing: imports/${path}`),
  ...[...actual.keys()].filter((path) => !expected.has(path)).map((path) => `not generated: imports/${path}`),
  ...[...expected]
    .filter(([path, text]) => (actual.get(path) ?? text) !== text)
    .map(([path]) => `differs: imports/${path}`),
];

/** Writes all files beside the target and swaps them in at once, so that a failure leaves what was there. */
const swapIn = (files: Files): void => {
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'fresh-'));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(fresh, path)), { recursive: true });
    writeFileSync(join(fresh, path), text);
  }
  const old = `${fresh}-old`;
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  rmSync(old, { recursive: true, force: true });
};

const main = (): number => {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const files = generate({ kubernetes: () => fetchKubernetes(cache), module: fetchModule });
  if (values.check) {
    const found = differences(filesOn(target), files);
    console.log(
      found.length > 0
        ? `${found.join('\n')}\nrun \`npm run imports\` and commit the result`
        : 'imports/ is up to date',
    );
    return found.length > 0 ? 1 : 0;
  }
  swapIn(files);
  console.log(`made ${files.size} files in imports/`);
  return 0;
};

runCommand(USAGE, main);
