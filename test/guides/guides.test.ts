import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

// Guides do what they say: blocks marked `run` succeed, blocks marked `fails` do not, and what stands in the `text` block
// after one is printed, line by line in that order, `…` for anything. They run in a clone with a bare repository for its
// remote, on production as it was shipped, so that nobody's own values change what a guide shows.

const root = resolve(__dirname, '../..');
const folder = join(root, 'docs/guides');

interface Block {
  readonly line: number;
  readonly mode: 'run' | 'fails';
  readonly script: string;
  /** Lines of what it prints. */
  readonly shown: readonly string[];
}

const FENCE = /^```(sh|text)(?: (run|fails))?\n([^]*?)^```\n/gm;

function blocksIn(text: string): Block[] {
  const blocks: Block[] = [];
  for (const { 1: language, 2: mode, 3: body = '', index } of text.matchAll(FENCE)) {
    const lines = body.split('\n').filter((line) => line.trim() !== '');
    const before = blocks.at(-1);
    if (language === 'text' && before) blocks[blocks.length - 1] = { ...before, shown: lines };
    if (language === 'sh' && (mode === 'run' || mode === 'fails'))
      blocks.push({ line: text.slice(0, index).split('\n').length, mode, script: body, shown: [] });
  }
  return blocks;
}

/** Whether lines are in an output in their order, where `…` stands for anything. */
function isShown(lines: readonly string[], output: string): boolean {
  const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = lines.map((line) => literal(line.trim()).replaceAll('…', '.*')).join('[^]*\\n[^]*?');
  return new RegExp(pattern).test(output);
}

const work = mkdtempSync(join(tmpdir(), 'guides-'));

afterAll(() => rmSync(work, { recursive: true, force: true }));

const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((role) => [
      [`GIT_${role}_NAME`, 'Reader'],
      [`GIT_${role}_EMAIL`, 'reader@example.com'],
    ]),
  ),
};

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** The sources as they are here, committed and pushed, with what is installed already. */
function clone(name: string): string {
  const clone = join(work, name);
  const remote = `${clone}.git`;
  git(work, 'init', '--quiet', '--bare', '--initial-branch=main', remote);
  git(work, 'init', '--quiet', '--initial-branch=main', clone);
  git(clone, 'remote', 'add', 'origin', remote);
  for (const file of git(root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0'))
    if (file !== '') cpSync(join(root, file), join(clone, file), { recursive: true, mode: 0 });
  for (const environment of ['development', 'staging']) rmSync(join(clone, `config/${environment}.yaml`));
  cpSync(join(__dirname, 'production.yaml'), join(clone, 'config/production.yaml'));
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  writeFileSync(join(clone, '.git/info/exclude'), 'node_modules\n');
  git(clone, 'add', '--all');
  git(clone, 'commit', '--quiet', '--message', 'Sources');
  git(clone, 'push', '--quiet', 'origin', 'main');
  return clone;
}

const guides = readdirSync(folder)
  .filter((file) => file.endsWith('.md'))
  .map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const);

describe.each(guides.filter(([, text]) => blocksIn(text).length > 0))('%s', (file, text) => {
  const blocks = blocksIn(text);

  // In one test, for each block stands on what those before it did.
  test('works as written', () => {
    const cwd = clone(file);
    for (const { line, mode, script, shown } of blocks) {
      // What is installed already is that of this clone: nothing in a guide may change it.
      const { status, stdout, stderr } = spawnSync(
        'bash',
        ['-euo', 'pipefail', '-c', `npm() { [ "$1" = ci ] || command npm "$@"; }\n${script}`],
        { cwd, env, encoding: 'utf8', timeout: 120_000 },
      );
      const said = stdout + stderr;
      const where = `${file}:${line}`;
      if ((status === 0) !== (mode === 'run'))
        throw new Error(`${where} ended with ${status}:\n${script}\n${said}`);
      if (!isShown(shown, said))
        throw new Error(`${where} should print\n${shown.join('\n')}\nbut printed\n${said}`);
    }
  }, 600_000);
});

test.each(guides)('%s: links lead to files, commands exist', (file, text) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  for (const [, command = ''] of text.matchAll(/npm run ([\w:-]+)/g))
    expect(Object.keys(scripts)).toContain(command);
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
    expect(() => readFileSync(resolve(dirname(join(folder, file)), target))).not.toThrow();
});

test('what a guide shows is compared', () => {
  expect(isShown(['a … c', 'd'], 'x\na b c\ny\nd\n')).toBe(true);
  expect(isShown(['d', 'a … c'], 'x\na b c\ny\nd\n')).toBe(false);
  expect(isShown(['a.c'], 'abc\n')).toBe(false);
  const text = '```sh run\none\n```\n\n```text\nshown\n```\n\n```sh\nnot run\n```\n\n```sh fails\ntwo\n```\n';
  expect(blocksIn(text)).toEqual([
    { line: 1, mode: 'run', script: 'one\n', shown: ['shown'] },
    { line: 13, mode: 'fails', script: 'two\n', shown: [] },
  ]);
});
