import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Application } from '../../publishing/arrival';
import { publish } from '../../publishing/publish';
import { toYaml } from '../../synth/print';
import { git, Ground, OPTIONS, temporary } from './support';

// The program as people run it, on a real bare repository, with a kubectl that says what a test wants.

jest.setTimeout(100_000);

const ground = new Ground();
const bin = temporary();
const answer = join(bin, 'answer.json');

const root = (revisionPath: string) =>
  toYaml({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'lighthouse-bootstrap', namespace: 'argocd' },
    spec: { source: { path: revisionPath } },
  });

let revision = '';

beforeAll(async () => {
  writeFileSync(
    join(bin, 'kubectl'),
    `#!/bin/sh
case "$*" in
  'version --client') exit 0 ;;
  *get-contexts*) printf 'here\\nthere\\n' ;;
  *'--context here'*'--namespace argocd get applications'*) cat '${answer}' ;;
  *) echo "refused: $*" >&2; exit 1 ;;
esac
`,
    { mode: 0o755 },
  );
  const files = new Map(
    ['staging/here', 'staging/elsewhere'].map((place) => [
      `${place}/bootstrap/Application.argocd.lighthouse-bootstrap.yaml`,
      root(`${place}/bootstrap`),
    ]),
  );
  revision = (await publish(ground.branch(), files, ground.source(), OPTIONS)).commit;
});

const answers = (status: Application['status']): void => {
  const application: Application = {
    metadata: { name: 'lighthouse-bootstrap' },
    spec: { source: { path: 'staging/here/bootstrap' } },
    status,
  };
  writeFileSync(answer, JSON.stringify({ items: [application] }));
};

function run(...args: string[]) {
  const program = resolve(__dirname, '../../scripts/run.mjs');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'scripts/dist-await.ts', '--branch', 'dist', '--poll', '0.05', ...args],
    {
      cwd: ground.folder,
      timeout: 90_000,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, KUBEBUILDER_ASSETS: '' },
    },
  );
  return { status, said: stdout + stderr };
}

const HERE = ['--environment', 'staging', '--cluster', 'here', '--kubeconfig', 'some'];

test('a healthy cluster is marked when that is asked for', () => {
  answers({ sync: { status: 'Synced', revision }, health: { status: 'Healthy' } });
  expect(run(...HERE)).toMatchObject({ status: 0, said: expect.stringContaining('healthy') });
  expect(git(ground.remote, 'for-each-ref', 'refs/healthy')).toBe('');

  expect(run(...HERE, '--mark').status).toBe(0);
  expect(git(ground.remote, 'rev-parse', 'refs/healthy/staging/here')).toBe(revision);
});

test('one that could not be synced is said, with its reason', () => {
  answers({
    sync: { status: 'OutOfSync', revision },
    operationState: { phase: 'Failed', message: 'quota exceeded', syncResult: { revision } },
  });
  expect(run(...HERE, '--mark')).toMatchObject({
    status: 4,
    said: expect.stringMatching(
      /staging\/here: lighthouse-bootstrap quota exceeded[^]*staging\/here at \w{10}: failed/,
    ),
  });
});

test('one that does not answer is no reason to go back', () => {
  writeFileSync(answer, '{"items": []}');
  const { status, said } = run(...HERE, '--timeout', '1m', '--poll', '61');
  expect({ status, said }).toMatchObject({ status: 3, said: expect.stringMatching(/untried/) });
});

test.each<readonly [string, readonly string[], number, RegExp]>([
  ['nothing that is needed', [], 2, /--environment and --kubeconfig/],
  ['an environment that is not there', ['--environment', 'moon', '--kubeconfig', 'some'], 1, /moon: no such/],
  [
    'a cluster that the kubeconfig does not know',
    ['--environment', 'staging', '--kubeconfig', 'some'],
    1,
    /no context is called elsewhere; there are here, there/,
  ],
  ['a time that is none', [...HERE, '--timeout', 'soon'], 1, /"soon" is no duration/],
  ['a revision that is not there', ['nowhere', ...HERE], 1, /nowhere: no such revision/],
])('%s', (_, args, status, said) => {
  expect(run(...args)).toMatchObject({ status, said: expect.stringMatching(said) });
});
