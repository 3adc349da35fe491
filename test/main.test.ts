import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parse, parseDocument, visit } from 'yaml';
import { buildPlatform } from '../charts/platform';
import { loadConfig } from '../config/load';
import type { Manifest } from '../constructs/platform/manifest';
import { identify, identityOf } from '../synth/references';

// The program as people run it: the bundle, in a process of its own, on copies of the shipped configuration.

const root = resolve(__dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'main-'));

jest.setTimeout(120_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** A folder of configuration with only the files named, each edited. */
function configWith(name: string, files: Readonly<Record<string, (text: string) => string>>): string {
  const folder = join(work, name);
  mkdirSync(folder);
  cpSync(join(root, 'config/images.yaml'), join(folder, 'images.yaml'));
  for (const [file, edit] of Object.entries(files))
    writeFileSync(join(folder, file), edit(readFileSync(join(root, 'config', file), 'utf8')));
  return folder;
}

const same = (text: string): string => text;

const all = { 'development.yaml': same, 'production.yaml': same, 'staging.yaml': same };

/** Replaces parts of a text that must be there. */
const replaced =
  (...edits: readonly (readonly [from: string, to: string])[]) =>
  (text: string): string =>
    edits.reduce((sum, [from, to]) => {
      expect(sum).toContain(from);
      return sum.replace(from, to);
    }, text);

interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const program = join(root, 'scripts/run.mjs');

function main(
  args: readonly string[],
  { cwd = work, env = {} }: Surroundings = {},
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [program, 'main.ts', ...args], {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
}

const synth = (config: string, output: string, surroundings?: Surroundings) =>
  main(['--config', config, '--output', output, '--no-cache'], surroundings);

/** A fresh place for an output, with nothing beside it. */
const place = (name: string): string => {
  mkdirSync(join(work, name));
  return join(work, name, 'dist');
};

/** Everything below a folder by path: of a file its content's hash. */
function tree(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const hash = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder';
    return [path.slice(folder.length + 1), hash] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const filesIn = (folder: string): string[] =>
  Object.keys(tree(folder)).filter((path) => path.endsWith('.yaml'));

/** The same YAML with the keys of all its maps the other way round. */
function reversedKeys(text: string): string {
  const document = parseDocument(text);
  visit(document, { Map: (_, map) => void map.items.reverse() });
  return document.toString();
}

let shipped: string;
let dist: string;
let first: SpawnSyncReturns<string>;

beforeAll(() => {
  shipped = configWith('shipped', all);
  dist = place('first');
  first = synth(shipped, dist);
});

describe('a synth', () => {
  test('says how much it wrote, and nothing else', () => {
    expect(first.stderr).toBe('');
    expect(first.stdout).toBe(`${dist}: ${filesIn(dist).length} objects\n`);
    expect(first.status).toBe(0);
  });

  test('writes every object that was built, each to its own file in the folder of its phase', () => {
    const { environments, images } = loadConfig(shipped);
    const built = environments.flatMap((environment) =>
      environment.clusters.flatMap((cluster) =>
        buildPlatform(environment, cluster, images).objects.map(
          (object) =>
            `${environment.environment}/${cluster.name}/${object.phase} ${identityOf(object.manifest)}`,
        ),
      ),
    );
    const written = filesIn(dist).map((file) => {
      const { kind, metadata } = parse(readFileSync(join(dist, file), 'utf8')) as Manifest;
      expect(basename(file)).toBe(
        [kind, metadata.namespace, metadata.name].filter((part) => part !== undefined).join('.') + '.yaml',
      );
      return `${file.slice(0, file.lastIndexOf('/'))} ${identify(kind, metadata.namespace, metadata.name)}`;
    });
    expect(written.sort()).toEqual(built.sort());
    expect(built.length).toBeGreaterThan(100);
  });

  test('keeps objects apart that differ in their namespace alone', () => {
    const folder = join(dist, 'development/local/foundation');
    const names = readdirSync(folder).filter((file) =>
      /^NetworkPolicy\.[^.]+\.default-deny\.yaml$/.test(file),
    );
    expect(names.length).toBeGreaterThan(1);
  });

  test('is the same to the byte, whatever the surroundings and the order of keys', () => {
    const shuffled = configWith('shuffled', {
      'development.yaml': reversedKeys,
      'production.yaml': reversedKeys,
      'staging.yaml': reversedKeys,
    });
    const images = join(shuffled, 'images.yaml');
    writeFileSync(images, reversedKeys(readFileSync(images, 'utf8')));
    for (const file of readdirSync(shuffled)) utimesSync(join(shuffled, file), 0, 0);
    const output = place('again');
    const elsewhere = { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', HOME: output };
    expect(synth('shuffled', output, { env: elsewhere })).toMatchObject({ status: 0, stderr: '' });
    expect(tree(output)).toEqual(tree(dist));
  });

  test('has an order of keys in its configuration to be shuffled at all', () => {
    const text = readFileSync(join(root, 'config/staging.yaml'), 'utf8');
    expect(parse(reversedKeys(text))).toEqual(parse(text));
    expect(reversedKeys(text).indexOf('environment:')).toBeGreaterThan(text.length / 2);
  });
});

describe('what was printed before', () => {
  test('is remembered, and is what it would be if it were made anew', () => {
    const config = configWith('remembered', all);
    const output = place('remembered-output');
    const remembering = () => main(['--config', config, '--output', output]);
    expect(remembering().status).toBe(0);
    expect(tree(output)).toEqual(tree(dist));
    rmSync(output, { recursive: true });
    expect(remembering().status).toBe(0);
    expect(tree(output)).toEqual(tree(dist));

    const staging = join(config, 'staging.yaml');
    writeFileSync(
      staging,
      replaced(['recoveryPoint: 15m', 'recoveryPoint: 20m'])(readFileSync(staging, 'utf8')),
    );
    const anew = place('remembered-anew');
    expect(synth(config, anew).status).toBe(0);
    expect(remembering().status).toBe(0);
    expect(tree(output)).toEqual(tree(anew));
    expect(tree(output)).not.toEqual(tree(dist));
  });

  test('is no reason to accept an error elsewhere', () => {
    const config = configWith('remembered-error', all);
    const output = place('remembered-error-output');
    expect(main(['--config', config, '--output', output]).status).toBe(0);
    const before = tree(output);
    writeFileSync(join(config, 'staging.yaml'), 'environment: nonsense');
    const { status, stderr } = main(['--config', config, '--output', output]);
    expect(status).toBe(1);
    expect(stderr).toContain('staging.yaml:1:14 environment: must be');
    expect(tree(output)).toEqual(before);
  });
});

describe('a synth that fails leaves everything as it was', () => {
  /** Runs on a copy of `first`, expects failure, and compares all there is before and after. */
  function failing(name: string, config: string): string {
    const output = place(name);
    cpSync(dist, output, { recursive: true });
    const before = tree(join(work, name));
    const { status, stdout, stderr } = synth(config, output);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(tree(join(work, name))).toEqual(before);
    expect(stderr).not.toMatch(/^\s+at /m);
    return stderr;
  }

  test('errors of configuration, all at once, each with its place', () => {
    const config = configWith('malformed', {
      ...all,
      'staging.yaml': replaced(['domain: ', 'domian: '], ['spreading: required', 'spreading: requierd']),
    });
    const images = join(config, 'images.yaml');
    writeFileSync(images, readFileSync(images, 'utf8').replace('8.8.0-alpine', 'latest'));
    const lines = failing('malformed-output', config).trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^malformed\/images\.yaml:2:\d+ redis\.tag: .*"latest"/),
      expect.stringMatching(/^malformed\/staging\.yaml:\d+:\d+ .*domain/),
      expect.stringMatching(/^malformed\/staging\.yaml:3:1 domian: /),
      expect.stringMatching(/^malformed\/staging\.yaml:\d+:12 spreading: .*"requierd"/),
    ]);
  });

  test('findings of guarantees, of every cluster at once', () => {
    const tight = (text: string): string => text.replace(/(budgets:\n {2}cpu: )'\d+'/, "$1'1'");
    const stderr = failing(
      'refused-output',
      configWith('refused', { ...all, 'development.yaml': tight, 'staging.yaml': tight }),
    );
    expect(stderr).toMatch(/^development\/local\/.*budgets\.cpu is 1/m);
    expect(stderr).toMatch(/^staging\/staging\/.*budgets\.cpu is 1/m);
    expect(stderr).toMatch(/\n\d+ finding\(s\): nothing was written\n$/);
  });

  test('a full disk', () => {
    const output = place('full');
    const disk = join(work, 'full');
    // Only root can mount, and not everywhere.
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk]).status !== 0) return;
    try {
      mkdirSync(join(output, 'old'), { recursive: true });
      writeFileSync(join(output, 'old/old.yaml'), 'kept');
      const before = tree(disk);
      const { status, stderr } = synth(shipped, output);
      expect(status).toBe(1);
      expect(stderr).toMatch(/nothing was written, it is as it was: ENOSPC/);
      expect(tree(disk)).toEqual(before);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

describe('a synth that is killed', () => {
  let config: string;
  let output: string;
  let versions: Record<string, string>[];

  // A module that kills the process when it is about to make a call for the n-th time.
  const assassin = join(work, 'assassin.cjs');

  beforeAll(() => {
    writeFileSync(
      assassin,
      `const fs = require('node:fs');
       const [name, count] = process.env.KILL_AT.split(' ');
       const call = fs[name];
       let left = Number(count);
       fs[name] = (...args) => {
         // run.mjs has files of its own to write.
         if (String(args[0]).startsWith(process.env.KILL_IN) && --left === 0) process.kill(process.pid, 'SIGKILL');
         return call(...args);
       };`,
    );
    config = configWith('small', { 'development.yaml': same });
    const changed = configWith('changed', {
      'development.yaml': (text) => text.replace(/eventRetention: \d+d/, 'eventRetention: 77d'),
    });
    output = place('killed');
    expect(synth(changed, output).status).toBe(0);
    const old = tree(output);
    const fresh = place('unharmed');
    expect(synth(config, fresh).status).toBe(0);
    versions = [old, tree(fresh)];
    expect(versions[0]).not.toEqual(versions[1]);
  });

  test.each([
    ['before it holds the lock', 'linkSync 1'],
    ['before the first file', 'mkdirSync 3'],
    ['among the files', 'writeFileSync 40'],
    ['before the old version goes', 'renameSync 1'],
    ['before the lock is given back', 'rmSync 4'],
  ])('%s leaves the old version or the new one', (_, call) => {
    const { signal } = synth(config, output, {
      env: { NODE_OPTIONS: `--require ${assassin}`, KILL_AT: call, KILL_IN: join(work, 'killed') },
    });
    expect(signal).toBe('SIGKILL');
    expect(versions).toContainEqual(tree(output));
  });

  test('between the two moves leaves the old version beside, and the next one takes it back', () => {
    const { signal } = synth(config, output, {
      env: { NODE_OPTIONS: `--require ${assassin}`, KILL_AT: 'renameSync 2', KILL_IN: join(work, 'killed') },
    });
    expect(signal).toBe('SIGKILL');
    const beside = readdirSync(join(work, 'killed')).filter((name) => name.startsWith('dist.old-'));
    expect(beside).toHaveLength(1);
    expect(versions).toContainEqual(tree(join(work, 'killed', beside[0] ?? '')));
  });

  test('is no hindrance to the next', () => {
    expect(synth(config, output)).toMatchObject({ status: 0, stderr: '' });
    expect(tree(output)).toEqual(versions[1]);
    expect(readdirSync(join(work, 'killed'))).toEqual(['dist']);
  });

  test.each([200, 300, 400, 500])('after %d ms leaves the old version or the new one', async (delay) => {
    const child = spawn(process.execPath, [program, 'main.ts', '--config', config, '--output', output]);
    const end = new Promise((done) => child.on('close', done));
    setTimeout(() => child.kill('SIGKILL'), delay);
    await end;
    expect(versions).toContainEqual(tree(output));
  });

  test('or two at once: one gives way, or comes after the other', async () => {
    const run = () =>
      new Promise<{ status: number | null; stderr: string }>((done) => {
        const child = spawn(process.execPath, [program, 'main.ts', '--config', config, '--output', output]);
        let stderr = '';
        child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
        child.on('close', (status) => done({ status, stderr }));
      });
    const runs = await Promise.all([run(), run()]);
    expect(runs.some(({ status }) => status === 0)).toBe(true);
    for (const { status, stderr } of runs)
      expect(stderr).toMatch(status === 0 ? /^$/ : /process \d+ is writing it; wait until it ends/);
    expect(tree(output)).toEqual(versions[1]);
    expect(readdirSync(join(work, 'killed'))).toEqual(['dist']);
  });
});

describe('the command line', () => {
  test('helps', () => {
    expect(main(['--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('--config DIR') as string,
      stderr: '',
    });
  });

  test.each([
    ['an unknown option', ['--confg', 'x'], /^Unknown option '--confg'/],
    ['an argument', ['config'], /^Unexpected argument 'config'/],
    ['no value', ['--config'], /^Option '--config <value>' argument missing/],
    ['no such folder', ['--config', 'nowhere'], /^nowhere: does not exist$/],
    [
      'the configuration as output',
      ['--config', 'shipped', '--output', '.'],
      /^--output \. .*holds the configuration/,
    ],
  ])('%s is refused', (_, args, message) => {
    const before = readdirSync(work);
    const { status, stdout, stderr } = main(args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(work)).toEqual(before);
  });

  test('a file as output is refused, and kept', () => {
    const letter = join(work, 'letter');
    writeFileSync(letter, 'Dear');
    const { status, stderr } = synth(join(work, 'small'), letter);
    expect(status).toBe(1);
    expect(stderr).toContain('nothing was written, it is as it was: there is a file of this name');
    expect(readFileSync(letter, 'utf8')).toBe('Dear');
  });
});

describe('the cdk8s CLI', () => {
  const project = join(work, 'project');

  // The project's own cdk8s.yaml, in a folder with another configuration.
  beforeAll(() => {
    mkdirSync(project);
    cpSync(join(root, 'cdk8s.yaml'), join(project, 'cdk8s.yaml'));
    symlinkSync(join(root, 'scripts'), join(project, 'scripts'));
    cpSync(shipped, join(project, 'config'), { recursive: true });
  });

  const cdk8s = () =>
    spawnSync(join(root, 'node_modules/.bin/cdk8s'), ['synth', '--no-check-upgrade'], {
      cwd: project,
      encoding: 'utf8',
    });

  test('writes the same as the program alone', () => {
    expect(cdk8s()).toMatchObject({ status: 0 });
    expect(tree(join(project, 'dist'))).toEqual(tree(dist));
  });

  // It empties the folder before it calls the program, which can then no longer keep what was there.
  test('leaves no part of a failed synth', () => {
    writeFileSync(join(project, 'config/staging.yaml'), 'environment: staging\n');
    const { status, stdout, stderr } = cdk8s();
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain('config/staging.yaml:1:1 ');
    expect(readdirSync(project).sort()).toEqual(['cdk8s.yaml', 'config', 'scripts']);
  });
});
