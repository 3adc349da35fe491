import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KUBERNETES } from '../../scripts/imports/sources';
import { KUBECONFORM, toolPath } from '../../scripts/tools';

const root = join(__dirname, '..', '..');
let dist: string;

/** Runs the gate on the manifests written so far. */
function gate(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const program = [join(root, 'scripts', 'run.mjs'), 'scripts/gate.ts', '--dist', dist, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, {
    cwd: dirname(dist),
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  writeFileSync(join(dist, path), text);
}

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: redis
  namespace: lighthouse
spec:
  ports:
    - port: 6379
      targetPort: redis
`;
const BUNDLE = `apiVersion: trust.cert-manager.io/v1alpha1
kind: Bundle
metadata:
  name: ca
spec:
  sources:
    - secret:
        name: ca
        key: ca.crt
`;

// Building the validator for the first time takes most of a minute.
beforeAll(() => void toolPath(KUBECONFORM), 300_000);
beforeEach(() => (dist = join(mkdtempSync(join(tmpdir(), 'gate-')), 'dist')));
afterEach(() => rmSync(dirname(dist), { recursive: true }));

test('passes valid manifests, and tells how many it saw for each version', () => {
  write('production/eu/foundation/Service.lighthouse.redis.yaml', SERVICE);
  write('production/eu/foundation/Bundle..ca.yaml', BUNDLE);

  const { status, stdout, stderr } = gate();

  expect(stderr).toBe('');
  expect(status).toBe(0);
  for (const version of KUBERNETES.supported) {
    expect(stdout).toMatch(new RegExp(`^ *${version} +2 +2 +2 +0 +0 +0 +\\d`, 'm'));
  }
});

test.each([
  [
    'an unknown field',
    SERVICE.replace('targetPort', 'tragetPort'),
    "/spec/ports/0: additional properties 'tragetPort' not allowed",
  ],
  [
    'a value outside an enumeration',
    `${SERVICE}      protocol: tcp\n`,
    '/spec/ports/0/protocol: value must be one of',
  ],
  [
    'an unknown field of a custom resource',
    BUNDLE.replace('key:', 'kye:'),
    "/spec/sources/0/secret: additional properties 'kye'",
  ],
  ['a null', `${SERVICE}  selector:\n`, '/spec/selector: got null, want object'],
  ['an unknown kind', SERVICE.replace('Service', 'Servcie'), 'could not find schema for Servcie'],
  ['a kind without a name', 'a: b\n', "missing 'kind' key"],
  ['a doubled key', SERVICE.replace('spec:', 'spec: {}\nspec:'), 'already set in map'],
  ['a status', `${SERVICE}status: {}\n`, "/: additional properties 'status' not allowed"],
])('refuses %s, and says where', (_, text, message) => {
  write('a.yaml', text);

  const { status, stderr } = gate();

  expect(status).toBe(1);
  expect(stderr).toContain(`dist/a.yaml: `);
  expect(stderr).toContain(message);
  expect(stderr).toContain('gate failed, findings: 1\n');
});

test('says in which versions only a field is unknown', () => {
  const pod = (field: string): string =>
    `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n    - name: a\n${field}`;
  write('a.yaml', pod('      restartPolicyRules: []\n'));

  const { status, stderr } = gate();

  expect(status).toBe(1);
  expect(stderr).toMatch(/'restartPolicyRules' not allowed \(in Kubernetes 1\.30\.0, .*1\.33\.0 only\)/);
});

test('notices documents that the validator did not see', () => {
  write('a.yaml', `${SERVICE}---\napiVersion: v1\nkind: List\nitems: []\n`);

  const { status, stderr } = gate();

  expect(status).toBe(1);
  expect(stderr).toContain('the validator saw 1 resources, the files hold 2');
});

test('refuses files that nothing validates', () => {
  write('a.yaml', SERVICE);
  write('b.txt', '');

  const { status, stderr } = gate();

  expect(status).toBe(1);
  expect(stderr).toContain('dist/b.txt: not a .yaml file');
});

test.each(['missing', 'empty'])('refuses a dist that is %s', (state) => {
  if (state === 'empty') mkdirSync(dist);

  const { status, stderr } = gate();

  expect(status).toBe(1);
  expect(stderr).toContain('dist has no manifests: run `npm run synth` first');
});

test('shows how it is used', () => {
  expect(gate('--help').stdout).toMatch(/^usage: npm run gate/);
});

test('leaves the installed validator where the next run finds it', () => {
  expect(existsSync(toolPath(KUBECONFORM))).toBe(true);
});
