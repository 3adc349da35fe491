import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guarantees } from '../../guarantees/all';

const root = join(__dirname, '..', '..');
const config = mkdtempSync(join(tmpdir(), 'guarantees-'));

jest.setTimeout(60_000);

beforeEach(() => cpSync(join(root, 'config/images.yaml'), join(config, 'images.yaml')));
beforeEach(() => {
  for (const name of ENVIRONMENTS) cpSync(join(root, 'config', `${name}.yaml`), join(config, `${name}.yaml`));
});
afterAll(() => rmSync(config, { recursive: true }));

const ENVIRONMENTS = ['development', 'production', 'staging'];

/** Runs the program on the shipped configuration, edited. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const program = [join(root, 'scripts', 'run.mjs'), 'scripts/guarantees.ts', '--config', config, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

function edit(environment: string, from: string, to: string): void {
  const file = join(config, `${environment}.yaml`);
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

test('the shipped environments keep every promise, in one line each', () => {
  const { status, stdout, stderr } = run();

  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^cluster +objects +hold +findings\n/);
  for (const cluster of [
    'development/local',
    'production/frankfurt',
    'production/dublin',
    'staging/staging',
  ]) {
    expect(stdout).toMatch(
      new RegExp(`^${cluster} +\\d+ +${guarantees.length} of ${guarantees.length} +0$`, 'm'),
    );
  }
  expect(stdout).toMatch(/\n4 cluster\(s\), \d+ objects, \d+ guarantees: all hold\n$/);
});

test('the report tells what was proved of each cluster, with figures', () => {
  const { status, stdout } = run('--report');
  const [, frankfurt = ''] = stdout.split('production/frankfurt: ');

  expect(status).toBe(0);
  for (const { name } of guarantees) expect(frankfurt).toContain(`\n  ${name}: holds\n`);
  expect(frankfurt).toMatch(
    /^ {4}memory in all +\S+Gi at the most, \S+Gi at rest; \d+ % of the budget of 256Gi$/m,
  );
  expect(frankfurt).toMatch(
    /^ {4}postgres\/events, loss of a zone +RPO 0 s, RTO \d+ s: another instance takes over$/m,
  );
  expect(frankfurt).toMatch(
    /^ {4}Cluster postgres\/events +3 pods, voting, 1 evicted at a time, 2 left without a zone/m,
  );
});

test('findings of all environments are told at once, and the exit status is 1', () => {
  edit('development', 'memory: 8Gi', 'memory: 2Gi');
  edit('staging', 'recoveryTime: 30m', 'recoveryTime: 1m');
  const { status, stdout, stderr } = run();

  expect(status).toBe(1);
  expect(stderr).toMatch(/^development\/local\/.*budgets\.memory is 2Gi.*\(budgets\)$/m);
  expect(stderr).toMatch(
    /^staging\/staging\/.*loss of a node: .* is away for 95 s, targets\.recoveryTime is 1m \(recovery\)$/m,
  );
  expect(stdout).toMatch(/^development\/local .* 1 +budgets$/m);
  expect(stdout).toMatch(/^production\/dublin .* 0$/m);
  expect(stdout).toMatch(/^staging\/staging .* 3 +recovery$/m);
  expect(stdout).toMatch(/: 4 finding\(s\)\n$/);
});

test('--json says the same to machines', () => {
  edit('staging', 'recoveryTime: 30m', 'recoveryTime: 1m');
  const { status, stdout } = run('--json');
  const document = JSON.parse(stdout) as {
    clusters: {
      environment: string;
      cluster: string;
      objects: number;
      guarantees: {
        guarantee: string;
        findings: { path: string }[];
        facts: { subject: string; figure: string }[];
      }[];
    }[];
    findings: number;
  };

  expect(status).toBe(1);
  expect(document.findings).toBe(3);
  expect(document.clusters.map(({ environment, cluster }) => `${environment}/${cluster}`)).toEqual([
    'development/local',
    'production/frankfurt',
    'production/dublin',
    'staging/staging',
  ]);
  for (const cluster of document.clusters) {
    expect(cluster.objects).toBeGreaterThan(100);
    expect(cluster.guarantees.map(({ guarantee }) => guarantee)).toEqual(guarantees.map(({ name }) => name));
  }
  const recovery = document.clusters.at(-1)?.guarantees.find(({ guarantee }) => guarantee === 'recovery');
  expect(recovery?.findings).toHaveLength(3);
  expect(recovery?.facts).toHaveLength(5);
});

test('configuration that cannot be read is told with its place', () => {
  edit('staging', 'spreading: required', 'spreading: sometimes');
  const { status, stderr } = run();

  expect(status).toBe(1);
  expect(stderr).toMatch(/staging\.yaml:\d+:\d+ spreading: must be required or preferred/);
});

test('an option that is none is refused, and --help says which there are', () => {
  expect(run('--reprot').status).toBe(2);
  expect(run('--help')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('usage: npm run guarantees'),
  });
});
