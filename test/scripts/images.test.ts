import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

const root = join(__dirname, '..', '..');
const STUB = join('images', 'bridge', 'stub');

/** What the script would have a builder do, or why not. */
function images(...args: string[]): { status: number | null; lines: string[]; stderr: string } {
  const program = [join(root, 'scripts', 'run.mjs'), 'scripts/images.ts', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: root, encoding: 'utf8' });
  return { status, lines: stdout.split('\n').filter(Boolean), stderr };
}

test('builds all, the bridge before what stands on it', () => {
  const { lines, status } = images('--dry-run', '--source', STUB);
  expect(status).toBe(0);
  expect(lines.map((line) => line.split(' ').at(-1))).toEqual(
    ['bridge', 'fuse', 'event-store-migration', 'mcp-client'].map((name) => `images/${name}`),
  );
  expect(lines[0]).toMatch(new RegExp(`^docker buildx build .*--build-context app=${join(root, STUB)} `));
  expect(lines[0]).toContain('--tag registry.example.com/lighthouse/bridge:1.0.0');
  expect(lines[1]).toContain('--build-arg BRIDGE=registry.example.com/lighthouse/bridge:1.0.0');
});

test('names, base and options of the builder are as they are said', () => {
  const named = ['--repository', 'localhost/mine', '--tag', 'trial', '--base', 'localhost/python:3.12'];
  const { lines } = images(
    ...['fuse', 'event-store-migration', '--dry-run', '--builder', 'buildah', ...named],
    ...['--', '--network', 'host'],
  );
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('--build-arg BRIDGE=localhost/mine/bridge:trial');
  expect(lines[0]).not.toContain('PYTHON=');
  expect(lines[1]).toMatch(/^buildah build --format docker --layers .*PYTHON=localhost\/python:3\.12 /);
  expect(lines[1]).toMatch(/--tag localhost\/mine\/event-store-migration:trial --network host \S+$/);
});

test('each has the tag that the cluster runs, and says so of itself', () => {
  const tags = parse(readFileSync(join(root, 'config', 'images.yaml'), 'utf8')) as Record<
    string,
    { tag: string }
  >;
  const { lines } = images('--dry-run', '--source', STUB);
  const told = lines.map((line) => [/VERSION=(\S+)/.exec(line)?.[1], /--tag \S+:(\S+)/.exec(line)?.[1]]);
  expect(told).toEqual(
    ['bridge', 'fuse', 'eventStoreMigration', 'bridge'].map((name) => [tags[name]?.tag, tags[name]?.tag]),
  );
});

test('a revision is fetched, and told to the image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'source-'));
  const git = (...args: string[]): string => {
    const who = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
    const { status, stdout, stderr } = spawnSync('git', [...who, '-C', folder, ...args], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  try {
    git('init', '--quiet');
    mkdirSync(join(folder, 'src'));
    const commits = ['one', 'two'].map((text) => {
      writeFileSync(join(folder, 'src', 'file'), text);
      git('add', '.');
      git('commit', '--quiet', '--message', text);
      return git('rev-parse', 'HEAD');
    });
    const [first = '', second = ''] = commits;
    const { lines, stderr } = images('bridge', '--dry-run', '--source', `file://${folder}#${first}`);
    expect(stderr).toBe('');
    expect(lines[0]).toContain(`REVISION=${first} `);
    expect(images('bridge', '--dry-run', '--source', folder).lines[0]).toContain(`REVISION=${second} `);
    writeFileSync(join(folder, 'src', 'file'), 'three');
    expect(images('bridge', '--dry-run', '--source', folder).lines[0]).toContain(`${second}-dirty `);
    expect(images('bridge', '--dry-run', '--source', `file://${folder}#nowhere`).status).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('says what is missing or unknown', () => {
  expect(images('bridge', '--dry-run')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('bridge: needs --source') as string,
  });
  expect(images('bridges', '--dry-run').stderr).toContain('no image called bridges');
  expect(images('--builder', 'kaniko').stderr).toContain('no builder called kaniko');
  expect(images('bridge', '--source', '/nowhere').stderr).toContain('there is no folder /nowhere');
});
