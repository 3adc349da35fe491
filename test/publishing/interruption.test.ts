import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { publish } from '../../publishing/publish';
import type { Files } from '../../synth/memory';
import { configMaps, git, Ground, OPTIONS, temporary, workingCopy } from './support';

jest.setTimeout(120_000);

const FIRST = configMaps({ 'staging/here/settings': 'one', 'production/there/settings': 'one' });
const SECOND = configMaps({ 'staging/here/settings': 'two', 'production/there/more': 'two' });

/** A program in front of git, which is told of each call; `before` runs first, with the number of the call in `n`. */
function watchedGit(before: string): { readonly folder: string; readonly calls: () => number } {
  const folder = temporary();
  const counter = join(folder, 'calls');
  const real = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).stdout.trim();
  const script = [
    '#!/bin/sh',
    `echo x >> ${counter}`,
    `n=$(wc -l < ${counter})`,
    before,
    `exec ${real} "$@"`,
    '',
  ];
  writeFileSync(join(folder, 'git'), script.join('\n'));
  chmodSync(join(folder, 'git'), 0o755);
  return {
    folder,
    calls: () => (existsSync(counter) ? readFileSync(counter, 'utf8').split('\n').length - 1 : 0),
  };
}

/** Publishes in a process of its own. */
function run(ground: Ground, files: Files, programs: string): SpawnSyncReturns<string> {
  const file = join(temporary(), 'files.json');
  writeFileSync(file, JSON.stringify([...files]));
  const root = join(__dirname, '..', '..');
  return spawnSync(
    process.execPath,
    [join(root, 'scripts', 'run.mjs'), 'test/publishing/publisher.ts', file],
    {
      cwd: ground.folder,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}` },
    },
  );
}

/** Whether the branch holds exactly these files. */
function holds(ground: Ground, files: Files): boolean {
  const paths = git(ground.remote, 'ls-tree', '-r', '--name-only', 'dist').split('\n');
  return paths.length === files.size && [...files].every(([path, text]) => `${ground.show(path)}\n` === text);
}

test('killed before any of its steps, the branch is as it was, the clone is untouched, and the next run is a usual one', async () => {
  const ground = new Ground();
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  const counted = new Ground();
  await publish(counted.branch(), FIRST, counted.source(), OPTIONS);
  const { folder, calls } = watchedGit('');
  expect(run(counted, SECOND, folder)).toMatchObject({ status: 0, stdout: 'published\n' });
  const steps = calls();
  expect(steps).toBeGreaterThan(15);

  const before = { copy: workingCopy(ground.folder), branch: ground.published() };
  for (let step = 1; step <= steps; step++) {
    const { status, signal } = run(
      ground,
      SECOND,
      watchedGit(`[ "$n" -eq ${step} ] && kill -9 $PPID && exit 1`).folder,
    );
    expect({ step, status, signal }).toEqual({ step, status: null, signal: 'SIGKILL' });
    expect(ground.published()).toEqual(before.branch);
    expect(workingCopy(ground.folder)).toEqual(before.copy);
  }
  expect(run(ground, SECOND, folder)).toMatchObject({ status: 0, stdout: 'published\n' });
  expect(holds(ground, SECOND)).toBe(true);
  expect(ground.published()).toHaveLength(2);
  git(ground.folder, 'fsck', '--strict');
});

test.each(['pre-receive', 'update', 'post-receive'])(
  'killed while the remote runs its %s hook, the branch is before or after',
  async (name) => {
    const ground = new Ground();
    await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
    const before = ground.published();
    const pids = join(temporary(), 'pids');
    const hook = join(ground.remote, 'hooks', name);
    writeFileSync(hook, `#!/bin/sh\nkill -9 $(cat ${pids})\n`);
    chmodSync(hook, 0o755);

    // The push and whoever waits for it.
    const { signal } = run(ground, SECOND, watchedGit(`echo $$ $PPID > ${pids}`).folder);
    expect(signal).toBe('SIGKILL');
    spawnSync('sleep', ['0.5']); // What the remote has begun it ends by itself.
    const isAfter = ground.published().length === before.length + 1;
    if (!isAfter) expect(ground.published()).toEqual(before);
    expect(holds(ground, isAfter ? SECOND : FIRST)).toBe(true);
    git(ground.remote, 'fsck', '--strict');

    writeFileSync(hook, '#!/bin/sh\n');
    expect(run(ground, SECOND, temporary()).stdout).toBe(isAfter ? 'unchanged\n' : 'published\n');
    expect(holds(ground, SECOND)).toBe(true);
  },
);

test('a connection that breaks after the remote has taken it is not taken for a failure', async () => {
  const ground = new Ground();
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  const hook = join(ground.remote, 'hooks', 'post-receive');
  const pids = join(temporary(), 'pids');
  writeFileSync(hook, `#!/bin/sh\nkill -9 $(cat ${pids})\n`);
  chmodSync(hook, 0o755);
  // The push alone dies; a program between keeps it from looking like the end of git itself.
  const { folder } = watchedGit(`if [ "$1" = push ]; then echo > ${pids}; fi`);
  const script = join(folder, 'git');
  const text = readFileSync(script, 'utf8');
  const real = /^exec (\S+)/m.exec(text)?.[1] ?? '';
  writeFileSync(
    script,
    text.replace(
      /^exec .*$/m,
      () =>
        `if [ "$1" = push ]; then ${real} "$@" & echo $! > ${pids}; wait $!; exit 128; fi\nexec ${real} "$@"`,
    ),
  );

  expect(run(ground, SECOND, folder)).toMatchObject({ status: 0, stdout: 'published\n' });
  expect(holds(ground, SECOND)).toBe(true);
});
