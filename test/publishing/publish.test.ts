import { chmodSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DistBranch } from '../../publishing/branch';
import { Git } from '../../publishing/git';
import { publish } from '../../publishing/publish';
import { sourceOf } from '../../publishing/source';
import { configMaps, git, Ground, OPTIONS, temporary, workingCopy } from './support';

jest.setTimeout(60_000);

const FIRST = configMaps({ 'staging/here/settings': 'one', 'production/there/settings': 'one' });
const SECOND = configMaps({ 'staging/here/settings': 'two', 'production/there/settings': 'one' });

test('the first publication makes the branch: manifests alone, with no history but its own', async () => {
  const ground = new Ground();
  const before = workingCopy(ground.folder);
  const { outcome, commit } = await publish(ground.branch(), FIRST, ground.source(), OPTIONS);

  expect(outcome).toBe('published');
  expect(ground.published()).toEqual([commit]);
  expect(git(ground.remote, 'ls-tree', '-r', '--name-only', 'dist').split('\n')).toEqual(
    [...FIRST.keys()].sort(),
  );
  for (const [path, text] of FIRST) expect(ground.show(path)).toBe(text.trimEnd());
  expect(workingCopy(ground.folder)).toEqual(before);
});

test('a change is one commit that names its source and counts objects by cluster', async () => {
  const ground = new Ground();
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  const source = ground.commit('Two replaces one');
  const { commit } = await publish(ground.branch(), SECOND, ground.source(), OPTIONS);

  expect(ground.published()).toHaveLength(2);
  expect(git(ground.remote, 'diff', '--name-only', `${commit}~1`, commit)).toBe(
    'staging/here/foundation/ConfigMap.app.settings.yaml',
  );
  expect(ground.message()).toMatch(
    /^Publishes [0-9a-f]{10}: Two replaces one\n\nstaging\/here: 1 changed\n\n/,
  );
  expect(git(ground.remote, 'log', '-1', '--format=%(trailers:key=Source-Commit,valueonly)', 'dist')).toBe(
    source,
  );
});

test('nothing is published where nothing changed, also from a newer source', async () => {
  const ground = new Ground();
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  ground.commit('Words');
  const { outcome } = await publish(ground.branch(), FIRST, ground.source(), OPTIONS);

  expect(outcome).toBe('unchanged');
  expect(ground.published()).toHaveLength(1);
});

test('a dry run moves nothing', async () => {
  const ground = new Ground();
  const { outcome, changes } = await publish(ground.branch(), FIRST, ground.source(), {
    ...OPTIONS,
    dryRun: true,
  });

  expect(outcome).toBe('prepared');
  expect(changes.flatMap(({ changes: objects }) => objects)).toHaveLength(2);
  expect(ground.published()).toEqual([]);
});

test('an older source does not undo a newer one, whoever comes last', async () => {
  const ground = new Ground();
  const older = ground.source();
  ground.commit('newer');
  await publish(ground.branch(), SECOND, ground.source(), OPTIONS);

  await expect(publish(ground.branch(), FIRST, older, OPTIONS)).rejects.toThrow(
    /was published from [0-9a-f]{10}, which is newer than [0-9a-f]{10} here; update this clone/,
  );
  expect(ground.published()).toHaveLength(1);
  const { outcome } = await publish(ground.branch(), FIRST, older, { ...OPTIONS, anySource: true });
  expect(outcome).toBe('published');
});

test('a source on another line of history is refused, also one that this clone does not know yet', async () => {
  const ground = new Ground();
  const other = ground.clone();
  ground.commit('here');
  git(ground.folder, 'push', '--quiet', 'origin', 'main');
  ground.commit('there', other);
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);

  await expect(publish(ground.branch(other), SECOND, ground.source(other), OPTIONS)).rejects.toThrow(
    /which [0-9a-f]{10} does not contain/,
  );
});

test('a source that nobody can place is not guessed about', async () => {
  const ground = new Ground();
  const other = ground.clone();
  ground.commit('never pushed');
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);

  await expect(publish(ground.branch(other), SECOND, ground.source(other), OPTIONS)).rejects.toThrow(
    /cannot tell whether [0-9a-f]{10} is newer; `git fetch --all` may bring/,
  );
});

test('a shallow clone publishes, and says what it misses where it cannot tell', async () => {
  const ground = new Ground();
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  for (const subject of ['second', 'third']) ground.commit(subject);
  git(ground.folder, 'push', '--quiet', 'origin', 'main');
  const shallow = ground.clone('--depth=1');
  expect(git(shallow, 'rev-parse', '--is-shallow-repository')).toBe('true');

  await expect(publish(ground.branch(shallow), SECOND, ground.source(shallow), OPTIONS)).rejects.toThrow(
    /`git fetch --unshallow`/,
  );
  git(shallow, 'fetch', '--quiet', '--unshallow');
  const { outcome } = await publish(ground.branch(shallow), SECOND, ground.source(shallow), OPTIONS);
  expect(outcome).toBe('published');
});

test('a clone without contents fetches those of the branch at once, not one by one', async () => {
  const ground = new Ground();
  git(ground.remote, 'config', 'uploadpack.allowFilter', 'true');
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  const partial = ground.clone('--filter=blob:none', '--single-branch');
  const branch = ground.branch(partial);
  const tip = branch.fetch();
  git(partial, 'config', 'remote.origin.url', '/gone');

  expect(branch.files(tip)).toEqual(new Map([...FIRST].sort()));
});

test('commits are signed where commits are', async () => {
  const ground = new Ground();
  git(ground.folder, 'config', 'commit.gpgSign', 'true');
  git(ground.folder, 'config', 'gpg.program', '/bin/false');

  await expect(publish(ground.branch(), FIRST, ground.source(), OPTIONS)).rejects.toThrow(
    /git commit-tree: .*gpg failed to sign/s,
  );
  expect(ground.published()).toEqual([]);
});

test('a repository of the other kind of ids is one as well', async () => {
  const folders = { remote: join(temporary(), 'remote.git'), clone: join(temporary(), 'clone') };
  git(tmpdir(), 'init', '--quiet', '--bare', '--object-format=sha256', folders.remote);
  git(tmpdir(), 'init', '--quiet', '--object-format=sha256', folders.clone);
  git(folders.clone, 'remote', 'add', 'origin', folders.remote);
  git(folders.clone, 'commit', '--quiet', '--allow-empty', '--message', 'first');
  const here = Git.open(folders.clone);
  const branch = DistBranch.of(here, 'origin', 'dist');

  expect((await publish(branch, FIRST, sourceOf(here, false), OPTIONS)).commit).toHaveLength(64);
  expect(branch.files(branch.fetch())).toEqual(new Map([...FIRST].sort()));
  expect((await publish(branch, FIRST, sourceOf(here, false), OPTIONS)).outcome).toBe('unchanged');
});

test('of two publishers at once one wins, and the other puts its own on top', async () => {
  const ground = new Ground();
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  const source = ground.source();
  const other = ground.clone();
  // Between the other's look at the branch and its push somebody publishes.
  const branch = ground.branch(other);
  const push = branch.push.bind(branch);
  let attempts = 0;
  jest.spyOn(branch, 'push').mockImplementation((prepared) => {
    attempts++;
    if (attempts === 1) {
      const rival = ground.branch();
      expect(
        rival.push(rival.prepare(SECOND, rival.fetch(), 'rival', { 'Source-Commit': source.commit })),
      ).toBe(true);
    }
    return push(prepared);
  });
  const third = configMaps({ 'staging/here/settings': 'three', 'production/there/settings': 'one' });
  const { outcome } = await publish(branch, third, source, OPTIONS);

  expect(outcome).toBe('published');
  expect(attempts).toBe(2);
  expect(ground.published()).toHaveLength(3);
  expect(git(ground.remote, 'log', '-1', '--skip=1', '--format=%s', 'dist')).toBe('rival');
});

test('where the winner came from a newer source, the other fails and undoes nothing', async () => {
  const ground = new Ground();
  await publish(ground.branch(), FIRST, ground.source(), OPTIONS);
  const other = ground.clone();
  const branch = ground.branch(other);
  const push = branch.push.bind(branch);
  jest.spyOn(branch, 'push').mockImplementationOnce((prepared) => {
    const commit = ground.commit('newer');
    git(ground.folder, 'push', '--quiet', 'origin', 'main');
    const rival = ground.branch();
    rival.push(rival.prepare(SECOND, rival.fetch(), 'rival', { 'Source-Commit': commit }));
    return push(prepared);
  });
  const third = configMaps({ 'staging/here/settings': 'three', 'production/there/settings': 'one' });

  await expect(publish(branch, third, ground.source(other), OPTIONS)).rejects.toThrow(/which is newer than/);
  expect(git(ground.remote, 'log', '-1', '--format=%s', 'dist')).toBe('rival');
});

test('who is overtaken every time gives up', async () => {
  const ground = new Ground();
  const branch = ground.branch();
  jest.spyOn(branch, 'push').mockReturnValue(false);

  await expect(publish(branch, FIRST, ground.source(), OPTIONS)).rejects.toThrow(
    /moved by somebody else 5 times/,
  );
});

test('a branch of sources given by mistake is not emptied', async () => {
  const ground = new Ground();
  const branch = DistBranch.of(Git.open(ground.folder), 'origin', 'main');

  await expect(publish(branch, FIRST, ground.source(), OPTIONS)).rejects.toThrow(
    'main at origin holds source, which no synth writes',
  );
});

test('a remote that refuses is quoted, and the branch is as it was', async () => {
  const ground = new Ground();
  const hook = join(ground.remote, 'hooks', 'pre-receive');
  writeFileSync(hook, '#!/bin/sh\necho "this branch is protected" >&2\nexit 1\n');
  chmodSync(hook, 0o755);

  await expect(publish(ground.branch(), FIRST, ground.source(), OPTIONS)).rejects.toThrow(
    /origin did not take refs\/heads\/dist: [\s\S]*this branch is protected[\s\S]*pre-receive hook declined[\s\S]*needs the right to write/,
  );
  expect(ground.published()).toEqual([]);
});

test('what is not there is said by name', () => {
  const ground = new Ground();
  const here = Git.open(ground.folder);

  expect(() => Git.open(temporary())).toThrow(/not in a git repository/);
  expect(() => DistBranch.of(here, 'upstream', 'dist')).toThrow(/no remote is called upstream; add it with/);
  expect(() => DistBranch.of(here, 'origin', 'a..b')).toThrow('a..b: no branch can be called that');
  expect(() => DistBranch.of(here, join(temporary(), 'gone'), 'dist').fetch()).toThrow(
    /cannot be read: .*git ls-remote/s,
  );
  const path = process.env['PATH'];
  process.env['PATH'] = temporary();
  try {
    expect(() => Git.open(ground.folder)).toThrow('git could not be started: install it');
  } finally {
    process.env['PATH'] = path;
  }
});

test('uncommitted sources are named, also files that git does not know', () => {
  const ground = new Ground();
  writeFileSync(join(ground.folder, 'extra.yaml'), 'a: b\n');

  expect(() => sourceOf(Git.open(ground.folder), false)).toThrow(
    /uncommitted sources: extra\.yaml; commit them/,
  );
  expect(sourceOf(Git.open(ground.folder), true).isDirty).toBe(true);
});

test('a repository without a commit has no source', () => {
  const folder = temporary();
  git(folder, 'init', '--quiet');

  expect(() => sourceOf(Git.open(folder), false)).toThrow(/there is no commit yet/);
});
