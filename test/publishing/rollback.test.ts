import type { DistBranch } from '../../publishing/branch';
import { healthyMarks, markHealthy } from '../../publishing/healthy';
import { publish } from '../../publishing/publish';
import { rollback, type RollbackOptions } from '../../publishing/rollback';
import { allowanceIn } from '../../publishing/safety/allowances';
import type { Files } from '../../synth/memory';
import { toYaml } from '../../synth/print';
import { configMaps, git, Ground, OPTIONS, workingCopy } from './support';

jest.setTimeout(60_000);

const GOOD = configMaps({ 'staging/here/settings': 'good', 'production/there/settings': 'good' });
const BAD = configMaps({
  'staging/here/settings': 'bad',
  'production/there/settings': 'bad',
  'staging/here/more': 'x',
});
const FIXED = configMaps({ 'staging/here/settings': 'good', 'production/there/settings': 'fixed' });

const BACK: RollbackOptions = { to: undefined, reason: undefined, allowances: [], dryRun: false };

/** A branch with a good revision, marked healthy, and a bad one on top. */
async function withBadTip(): Promise<{ ground: Ground; good: string; bad: string }> {
  const ground = new Ground();
  const { commit: good } = await publish(ground.branch(), GOOD, ground.source(), OPTIONS);
  markHealthy(ground.branch(), good, {});
  ground.commit('bad');
  const { commit: bad } = await publish(ground.branch(), BAD, ground.source(), OPTIONS);
  return { ground, good, bad };
}

test('a rollback is a new commit that holds what the earlier revision held', async () => {
  const { ground, good, bad } = await withBadTip();
  const before = workingCopy(ground.folder);
  const { commit } = rollback(ground.branch(), { ...BACK, to: good, reason: 'the new settings crash' });

  expect(ground.published()).toEqual([commit, bad, good]);
  expect(git(ground.remote, 'diff', '--name-only', good, commit)).toBe('');
  expect(ground.message()).toBe(
    [
      `Rolls back production/there, staging/here to ${good.slice(0, 10)}`,
      'the new settings crash',
      'production/there: 1 changed\nstaging/here: 1 changed, 1 removed',
      `${good.slice(0, 10)} ${git(ground.remote, 'log', '-1', '--format=%s', good)}`,
      `Rollback-From: ${bad}\nRollback-To: ${good} production/there\nRollback-To: ${good} staging/here`,
    ].join('\n\n'),
  );
  expect(workingCopy(ground.folder)).toEqual(before);
});

test('a revision may be named by the source that was published', async () => {
  const { ground, good } = await withBadTip();
  rollback(ground.branch(), { ...BACK, to: 'HEAD~1' });

  expect(git(ground.remote, 'diff', '--name-only', good, 'dist')).toBe('');
});

test('one environment, or one cluster, is taken back alone', async () => {
  const { ground, bad } = await withBadTip();
  const { changes } = rollback(ground.branch(), { ...BACK, to: 'HEAD~1', environment: 'production' });

  expect(git(ground.remote, 'diff', '--name-only', bad, 'dist')).toBe(
    'production/there/foundation/ConfigMap.app.settings.yaml',
  );
  expect(changes.filter((change) => change.changes.length > 0)).toMatchObject([
    { environment: 'production' },
  ]);
  expect(() => rollback(ground.branch(), { ...BACK, to: 'HEAD~1', cluster: 'there' })).toThrow(
    /--environment must be given/,
  );
  expect(() => rollback(ground.branch(), { ...BACK, to: 'HEAD~1', environment: 'prod' })).toThrow(
    'prod: no such environment or cluster; there are production/there, staging/here',
  );
});

test('each cluster goes back to where it was healthy last', async () => {
  const { ground, good } = await withBadTip();
  const { outcome } = rollback(ground.branch(), BACK);

  expect(outcome).toBe('rolled back');
  expect(git(ground.remote, 'diff', '--name-only', good, 'dist')).toBe('');
  expect(rollback(ground.branch(), BACK).outcome).toBe('unchanged');
});

test('marks are kept at the remote, move forward alone, and are needed', async () => {
  const { ground, good, bad } = await withBadTip();
  expect(markHealthy(ground.branch(), bad, { environment: 'staging' })).toEqual([
    `staging/here is healthy at ${bad.slice(0, 10)}`,
  ]);
  expect(markHealthy(ground.branch(), good, {})).toEqual([
    `production/there is healthy at ${good.slice(0, 10)}`,
    `staging/here was healthy at ${bad.slice(0, 10)} already, which is newer`,
  ]);
  expect(healthyMarks(ground.branch())).toEqual(
    new Map([
      ['production/there', good],
      ['staging/here', bad],
    ]),
  );
  expect(() => markHealthy(ground.branch(), 'HEAD:source', {})).toThrow(/no such revision/);
  git(ground.remote, 'update-ref', '-d', 'refs/healthy/production/there');
  expect(() => rollback(ground.branch(), BACK)).toThrow(
    /production\/there: no revision was ever marked healthy/,
  );
});

test('what a rollback took back is not published again by accident', async () => {
  const { ground } = await withBadTip();
  rollback(ground.branch(), { ...BACK, to: 'HEAD~1', environment: 'production' });

  await expect(publish(ground.branch(), BAD, ground.source(), OPTIONS)).rejects.toThrow(
    /^production\/there: this is what a rollback took back .* or say --again$/,
  );
  // Neither does a change elsewhere carry it in.
  ground.commit('something else');
  const elsewhere = new Map([...BAD, ...configMaps({ 'staging/here/more': 'y' })]);
  await expect(publish(ground.branch(), elsewhere, ground.source(), OPTIONS)).rejects.toThrow(/--again/);

  ground.commit('the repair');
  expect((await publish(ground.branch(), FIXED, ground.source(), OPTIONS)).outcome).toBe('published');
  expect((await publish(ground.branch(), BAD, ground.source(), OPTIONS)).outcome).toBe('published');
});

test('who says so publishes it again', async () => {
  const { ground } = await withBadTip();
  rollback(ground.branch(), { ...BACK, to: 'HEAD~1' });

  expect((await publish(ground.branch(), BAD, ground.source(), { ...OPTIONS, again: true })).outcome).toBe(
    'published',
  );
});

test('after a rollback the sources that may follow are those that follow what was taken back', async () => {
  const { ground } = await withBadTip();
  const stale = ground.clone();
  git(stale, 'checkout', '--quiet', 'main');
  rollback(ground.branch(), { ...BACK, to: 'HEAD~1' });
  const other = configMaps({ 'staging/here/settings': 'other', 'production/there/settings': 'good' });

  git(ground.folder, 'push', '--quiet', 'origin', 'main');
  await expect(publish(ground.branch(stale), other, ground.source(stale), OPTIONS)).rejects.toThrow(
    /which is newer than/,
  );
});

test('a revision that the branch never had is refused', async () => {
  const { ground } = await withBadTip();
  const foreign = ground.commit('never published');

  expect(() => rollback(ground.branch(), { ...BACK, to: foreign })).toThrow(
    /is no revision of dist at origin, nor a source/,
  );
  expect(() => rollback(ground.branch(), { ...BACK, to: 'nonsense' })).toThrow(
    /nonsense: no such revision here/,
  );
});

test('a dry run moves nothing', async () => {
  const { ground, bad } = await withBadTip();

  expect(rollback(ground.branch(), { ...BACK, to: 'HEAD~1', dryRun: true }).outcome).toBe('prepared');
  expect(ground.published()[0]).toBe(bad);
});

/** A branch that somebody else moves, once, between the look at it and the push. */
function overtaken(ground: Ground, files: Files): DistBranch {
  const branch = ground.branch();
  const push = branch.push.bind(branch);
  jest.spyOn(branch, 'push').mockImplementationOnce((prepared) => {
    const rival = ground.branch();
    rival.push(rival.prepare(files, rival.fetch(), 'rival', {}));
    return push(prepared);
  });
  return branch;
}

test('who is overtaken by what may be the repair does not try again', async () => {
  const { ground } = await withBadTip();

  expect(() => rollback(overtaken(ground, FIXED), { ...BACK, to: 'HEAD~1' })).toThrow(
    /moved by somebody else meanwhile/,
  );
  expect(git(ground.remote, 'log', '-1', '--format=%s', 'dist')).toBe('rival');
});

test('what comes meanwhile for other clusters stays, and the rollback follows it', async () => {
  const { ground, good } = await withBadTip();
  const other = new Map([...BAD, ...configMaps({ 'staging/here/settings': 'better' })]);
  const { outcome } = rollback(overtaken(ground, other), {
    ...BACK,
    to: 'HEAD~1',
    environment: 'production',
  });

  expect(outcome).toBe('rolled back');
  expect(ground.published()).toHaveLength(4);
  expect(ground.show('staging/here/foundation/ConfigMap.app.settings.yaml')).toContain('better');
  expect(git(ground.remote, 'diff', '--name-only', good, 'dist', '--', 'production')).toBe('');
});

test('going back deletes no data either, unless it is allowed by name', async () => {
  const ground = new Ground();
  const store = 'staging/here/foundation/StatefulSet.app.store.yaml';
  const set = toYaml({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'store', namespace: 'app' },
    spec: { replicas: 3, template: { spec: { containers: [] } } },
  });
  await publish(ground.branch(), GOOD, ground.source(), OPTIONS);
  ground.commit('a store');
  await publish(ground.branch(), new Map([...BAD, [store, set]]), ground.source(), OPTIONS);

  expect(() => rollback(ground.branch(), { ...BACK, to: 'HEAD~1' })).toThrow(
    /lost-data: .*\n {2}staging\/here: StatefulSet\/app\/store is taken away/,
  );
  expect(ground.published()).toHaveLength(2);
  rollback(ground.branch(), { ...BACK, to: 'HEAD~1', environment: 'production' });
  expect(ground.show(store)).toBe(set.trimEnd());
  rollback(ground.branch(), {
    ...BACK,
    to: 'HEAD~1',
    allowances: [allowanceIn('lost-data:StatefulSet/app/store=it is empty')],
  });
  expect(ground.message()).toContain('Allowed: lost-data:StatefulSet/app/store@staging/here=it is empty');
});

test('a clone with a part of the branch’s history says so: what was published before cannot be seen', async () => {
  const { ground } = await withBadTip();
  const shallow = ground.clone('--depth=1', '--branch=dist');

  expect(() => rollback(ground.branch(shallow), BACK)).toThrow(
    /only a part of its history; `git fetch --unshallow origin dist`/,
  );
  git(shallow, 'fetch', '--quiet', '--unshallow', 'origin', 'dist');
  expect(rollback(ground.branch(shallow), BACK).outcome).toBe('rolled back');
});

test('where there is no branch there is nothing to go back to', () => {
  expect(() => rollback(new Ground().branch(), BACK)).toThrow(/there is no such branch/);
});
