import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { ACTIONLINT, toolPath } from '../../scripts/tools';

const root = resolve(__dirname, '../..');
const folder = join(root, '.github/workflows');
const files = readdirSync(folder).toSorted();

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
}

interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const jobs = files.flatMap((file) => {
  const { permissions, jobs } = load(readFileSync(join(folder, file), 'utf8')) as Workflow;
  expect(permissions).toEqual({}); // nothing where a job forgets to say what it needs
  return Object.entries(jobs).map(([name, job]) => [`${file} ${name}`, job] as const);
});

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

test(
  'actionlint finds nothing, in the shell scripts neither where shellcheck is there',
  () => {
    const { status, stdout, stderr } = spawnSync(toolPath(ACTIONLINT), ['-no-color'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  },
  300_000, // It is built once.
);

/** What a command cannot do without. */
const NEEDED: readonly (readonly [RegExp, readonly string[]])[] = [
  [/dist:(publish|rollback)/, ['contents']],
  [/gh pr comment/, ['pull-requests']],
  [/cosign sign/, ['id-token']],
  [/npm run --silent images .*[\s\S]* --push/, ['packages']],
];

describe.each(jobs)('%s', (name, { permissions = {}, steps }) => {
  const commands = steps.map(({ run = '' }) => run).join('\n');

  test('may do no more than it does', () => {
    const writes = Object.entries(permissions).filter(([, right]) => right !== 'read');
    const needed = NEEDED.filter(([command]) => command.test(commands)).flatMap(([, rights]) => rights);
    expect(writes.map(([right]) => right)).toEqual(needed);
  });

  test('what may write runs nothing that a pull request brings', () => {
    const isOfPullRequests = name.startsWith('check.yml');
    const mayWrite = Object.values(permissions).includes('write');
    if (isOfPullRequests && mayWrite)
      expect(steps.some(({ uses }) => uses?.includes('checkout'))).toBe(false);
  });

  test('names actions by exact tags, and commands that exist', () => {
    for (const { uses } of steps) expect(uses ?? 'a/b@v1.0.0').toMatch(/^[\w-]+\/[\w-]+@v\d+\.\d+\.\d+$/);
    for (const [, command = ''] of commands.matchAll(/npm run (?:--silent )?([\w:-]+)/g))
      expect(Object.keys(scripts)).toContain(command);
  });

  test('puts nothing that somebody typed into a script', () => {
    expect(commands).not.toMatch(/\$\{\{\s*(inputs|github\.(event|head_ref|actor)|secrets|needs)\b/);
  });
});
