import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git, Ground, temporary, workingCopy } from '../publishing/support';

// The commands as a person runs them, on the shipped development environment, with real repositories.

jest.setTimeout(300_000);

const root = join(__dirname, '..', '..');

/** What the shipped development environment is printed as, once it was. */
const shipped = join(temporary(), 'dist');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = (name: string): string[] => [join(root, 'scripts', 'run.mjs'), name];

/** Sources with the shipped configuration, synthesized and committed. */
class Sources extends Ground {
  constructor() {
    super();
    mkdirSync(join(this.folder, 'config'));
    for (const name of ['images', 'development'])
      cpSync(join(root, 'config', `${name}.yaml`), join(this.folder, 'config', `${name}.yaml`));
    writeFileSync(join(this.folder, '.gitignore'), '/dist/\n/dist.*\n');
    this.commit('Development');
    if (existsSync(shipped)) cpSync(shipped, join(this.folder, 'dist'), { recursive: true });
    else {
      this.synth();
      cpSync(join(this.folder, 'dist'), shipped, { recursive: true });
    }
  }

  run(
    command: string,
    args: readonly string[] = [],
    folder = this.folder,
    env: NodeJS.ProcessEnv = {},
  ): Ended {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...program(`scripts/dist-${command}.ts`), ...args],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, ...env },
      },
    );
    return { status, stdout, stderr };
  }

  start(command: string, folder: string): Promise<Ended> {
    const child: ChildProcess = spawn(process.execPath, program(`scripts/dist-${command}.ts`), {
      cwd: folder,
    });
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return new Promise((done) => child.on('close', (status) => done({ status, stdout, stderr })));
  }

  synth(folder = this.folder): void {
    const { status, stderr } = spawnSync(process.execPath, program('main.ts'), {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  }

  edit(from: RegExp, to: string, folder = this.folder): void {
    const file = join(folder, 'config', 'development.yaml');
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(from);
    writeFileSync(file, text.replace(from, to));
  }

  /** Another retention of events: one file and one Job change, and nothing is lost. */
  change(days: number, folder = this.folder): string {
    this.edit(/eventRetention: \d+d/, `eventRetention: ${days}d`, folder);
    this.synth(folder);
    return this.commit(`Keeps events for ${days} days`, folder);
  }

  /** Whether the branch holds exactly what is in a clone's dist/. */
  isPublished(folder = this.folder): boolean {
    const branch = join(temporary(), 'branch');
    git(folder, 'clone', '--quiet', '--branch', 'dist', this.remote, branch);
    return spawnSync('diff', ['-r', '--exclude=.git', join(folder, 'dist'), branch]).status === 0;
  }
}

test('from sources to the branch: refused until committed and synthesized, then published, then nothing to do', () => {
  const sources = new Sources();
  sources.edit(/eventRetention: \d+d/, 'eventRetention: 100d');
  expect(sources.run('publish')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'uncommitted sources: config/development.yaml; commit them, or say --allow-dirty\n',
  });
  sources.commit('Longer');
  const outdated = sources.run('publish');
  expect(outdated.status).toBe(1);
  expect(outdated.stderr).toMatch(
    /^dist is not what a synth prints now: development\/.*; run `npm run synth`/,
  );
  expect(sources.published()).toEqual([]);

  sources.synth();
  const before = workingCopy(sources.folder);
  expect(sources.run('publish', ['--dry-run']).stdout).toMatch(/dist at origin would be at [0-9a-f]{10}\n$/);
  expect(sources.published()).toEqual([]);
  expect(sources.run('publish')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^development\/local: \d+ added\ndist at origin is now at [0-9a-f]{10}\n$/),
  });
  expect(sources.isPublished()).toBe(true);
  expect(sources.run('publish').stdout).toMatch(/^dist at origin has all of this already, at /);
  expect(sources.published()).toHaveLength(1);
  expect(workingCopy(sources.folder)).toEqual(before);
});

test('a danger is shown, refused, and let through by name with a reason that the commit keeps', () => {
  const sources = new Sources();
  sources.run('publish');
  sources.change(9);
  const name = 'shorter-retention:ConfigMap/postgres/events-schema-config';

  const diff = sources.run('diff');
  expect(diff.status).toBe(1);
  expect(diff.stdout).toContain(`--allow '${name}@development/local=<reason>'`);
  const refused = sources.run('publish');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('1 danger(s) that nobody allowed: the branch is as it was');
  expect(sources.published()).toHaveLength(1);

  mkdirSync(join(sources.folder, 'publishing'));
  const file = join(sources.folder, 'publishing', 'allowed.yaml');
  writeFileSync(
    file,
    '- rule: shorter-retention\n  object: ConfigMap/postgres/events-schema-config\n  in: development\n  reason: only test events\n',
  );
  sources.commit('Allowed');
  expect(sources.run('diff')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('only test events'),
  });
  expect(sources.run('publish')).toMatchObject({ status: 0 });
  expect(sources.message()).toContain(`Allowed: ${name}@development/local=only test events`);
  expect(sources.run('diff').status).toBe(0);

  // Used up: the same again needs a reason of its own, which a person may give on the spot.
  sources.change(20);
  sources.run('publish');
  sources.change(8);
  expect(sources.run('publish').status).toBe(1);
  expect(sources.run('publish', ['--allow', `${name}=still only test events`])).toMatchObject({ status: 0 });
});

test('an allowance of nothing that happens fails the diff', () => {
  const sources = new Sources();
  mkdirSync(join(sources.folder, 'publishing'));
  writeFileSync(
    join(sources.folder, 'publishing', 'allowed.yaml'),
    '- { rule: lost-data, object: Namespace/gone, reason: x }\n',
  );

  expect(sources.run('diff')).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('which does not happen: take it away'),
  });
});

test('the difference is told in each form, against what is published or any revision of it', () => {
  const sources = new Sources();
  sources.run('publish');
  sources.change(120);
  expect(sources.run('diff').stdout).toMatch(
    /development\/local: 2 replaced\n {2}foundation\n {4}± ConfigMap\/postgres\/events-schema-config-/,
  );
  expect(sources.run('diff', ['--exit-code']).status).toBe(1);
  expect(sources.run('diff', ['--format', 'markdown']).stdout).toContain(
    '| development/local | 0 | 0 | 2 | 0 |',
  );
  const page = join(temporary(), 'diff.html');
  expect(sources.run('diff', ['--format', 'html', '--output', page])).toMatchObject({
    status: 0,
    stdout: '',
  });
  expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>/);

  sources.run('publish');
  expect(sources.run('diff', ['--exit-code'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('nothing changes'),
  });
  git(sources.folder, 'fetch', '--quiet', 'origin', 'dist');
  expect(sources.run('diff', ['--against', 'FETCH_HEAD~1']).stdout).toContain(
    'development/local: 2 replaced',
  );
  expect(sources.run('diff', ['--against', 'main'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('which no synth writes'),
  });
  expect(sources.run('diff', ['--format', 'pdf'])).toMatchObject({
    status: 2,
    stderr: '--format pdf: must be text, markdown, html\n',
  });
});

test('a bad revision is taken back by one command, and stays away until it is repaired', () => {
  const sources = new Sources();
  sources.run('publish');
  expect(sources.run('healthy', ['HEAD']).stdout).toMatch(
    /^development\/local is healthy at [0-9a-f]{10}\n$/,
  );
  sources.change(120);
  sources.run('publish');
  expect(sources.run('rollback')).toMatchObject({
    status: 2,
    stderr: 'give either --to REVISION or --last-healthy\n',
  });

  // Going back shortens the retention, and so deletes what came since.
  expect(sources.run('rollback', ['--last-healthy'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('shorter-retention'),
  });
  const allow = ['--allow', 'shorter-retention:ConfigMap/postgres/events-schema-config=nothing is that old'];
  const back = sources.run('rollback', ['--last-healthy', '--reason', 'too much to keep', ...allow]);
  expect(back).toMatchObject({ status: 0, stdout: expect.stringContaining('is now at') });
  expect(git(sources.remote, 'diff', '--name-only', 'dist~2', 'dist')).toBe('');
  expect(sources.message()).toContain('too much to keep');
  expect(sources.message()).toContain('=nothing is that old');

  expect(sources.run('publish')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('this is what a rollback took back'),
  });
  sources.change(130);
  expect(sources.run('publish').status).toBe(0);
});

test('environments that are delivered from several branches are refused', () => {
  const sources = new Sources();
  const staging = readFileSync(join(root, 'config', 'staging.yaml'), 'utf8').replace(
    /branch: dist/,
    'branch: other',
  );
  writeFileSync(join(sources.folder, 'config', 'staging.yaml'), staging);

  expect(sources.run('publish', ['--allow-dirty']).stderr).toBe(
    'delivery.branch: all environments are published together and must name one, got development dist, staging other\n',
  );
});

test('every command says how it is used, and refuses what it does not know', () => {
  const sources = new Sources();
  for (const command of ['diff', 'publish', 'rollback', 'healthy']) {
    expect(sources.run(command, ['--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`usage: npm run dist:${command}`),
    });
    expect(sources.run(command, ['--unknown']).status).toBe(2);
  }
});

test('publishers at once: each publishes or fails cleanly, and nothing newer is undone', async () => {
  const sources = new Sources();
  git(sources.folder, 'push', '--quiet', 'origin', 'main');
  sources.run('publish');
  const clones = [sources.clone(), sources.clone(), sources.clone()];
  for (const [index, clone] of clones.entries()) sources.change(100 + index, clone);
  const newest = clones.at(-1) ?? '';
  // Two of one line of history, and one of another that knows nothing of them.
  git(clones[0] ?? '', 'fetch', '--quiet', newest, 'main');
  git(clones[0] ?? '', 'reset', '--quiet', '--hard', 'FETCH_HEAD~1');
  sources.synth(clones[0]);
  const outcomes = await Promise.all(clones.map((clone) => sources.start('publish', clone)));

  for (const { status, stderr } of outcomes)
    if (status !== 0)
      expect(stderr).toMatch(
        /which is newer than|does not contain|cannot tell whether|moved by somebody else|nobody allowed/,
      );
  expect(outcomes.some(({ status, stdout }) => status === 0 && stdout.includes('is now at'))).toBe(true);
  expect(git(sources.remote, 'rev-list', '--merges', 'dist')).toBe('');
  git(sources.remote, 'fsck', '--strict');
  expect(clones.some((clone) => sources.isPublished(clone))).toBe(true);
});
