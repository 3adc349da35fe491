import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rightSize, VerticalPodAutoscaler } from '../../capacity/rightsizing';

const root = join(__dirname, '../..');
const recorded = join(__dirname, 'recommendations.json');
const { items } = JSON.parse(readFileSync(recorded, 'utf8')) as { items: VerticalPodAutoscaler[] };

jest.setTimeout(60_000);

const FILE = `# how large things are
redis:
  cache: { members: 3, cpu: 500m, memory: 4Gi, storage: 10Gi } # for lookups
vectorDatabase:
  cpu: '2'
  embeddings: { replicas: 3, cpu: '2', memory: 4Gi }
`;

test('values outside of the bounds follow the target, at most by half downwards; the rest of the file stays', () => {
  const { text, changes } = rightSize(FILE, items);
  expect(text).toBe(`# how large things are
redis:
  cache: { members: 3, cpu: 900m, memory: 4Gi, storage: 10Gi } # for lookups
vectorDatabase:
  cpu: '2'
  embeddings: { replicas: 3, cpu: '1', memory: 2Gi }
`);
  expect(changes).toEqual([
    { path: 'redis.cache.cpu', from: '500m', to: '900m' },
    { path: 'vectorDatabase.embeddings.cpu', from: '2', to: '1' },
    { path: 'vectorDatabase.embeddings.memory', from: '4Gi', to: '2Gi' },
  ]);
});

test.each([
  ['699m', '900m'],
  ['700m', '700m'],
  ["'2'", "'2'"],
  ['2001m', '1001m'],
])('a value of %s becomes %s where 700m to 2 are the bounds and 900m the target', (from, to) => {
  expect(rightSize(`redis: { cache: { cpu: ${from}, memory: 4Gi } }\n`, items).text).toBe(
    `redis: { cache: { cpu: ${to}, memory: 4Gi } }\n`,
  );
});

test('constants of constructs and values that the file does not have are named, not invented', () => {
  const { text, changes, skipped } = rightSize('redis: {}\n', items);
  expect(text).toBe('redis: {}\n');
  expect(changes).toEqual([]);
  expect(skipped).toContain('redis/cache-members/sentinel: no value of the configuration sets it');
  expect(skipped).toContain('redis/cache-members/redis: there is no redis.cache.cpu');
});

test('an autoscaler without a recommendation changes nothing', () => {
  const [first] = items;
  expect(rightSize(FILE, first ? [{ ...first, status: {} }] : []).text).toBe(FILE);
});

/** Runs the program on the shipped configuration. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const program = [join(root, 'scripts/run.mjs'), 'scripts/rightsizing.ts', ...args];
  return spawnSync(process.execPath, program, { cwd: root, encoding: 'utf8' });
}

test('the command prints a diff and what the guarantees say to it, and writes nothing', () => {
  const file = join(root, 'config/production.yaml');
  const before = readFileSync(file, 'utf8');
  const { status, stdout, stderr } = run('--recommendations', recorded);
  expect(stderr).toContain('left alone: redis/cache-members/sentinel');
  expect(stdout).toContain('--- a/config/production.yaml\n+++ b/config/production.yaml\n');
  expect(stdout).toContain('+  cache: { members: 3, cpu: 900m, memory: 4Gi, storage: 10Gi }');
  expect(stdout).toContain('with these, all rules and guarantees hold');
  expect(status).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test('the command is told where recommendations come from, once', () => {
  expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('--recommendations') });
});
