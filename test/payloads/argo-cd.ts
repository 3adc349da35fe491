/**
 * Runs the settings of the argo-cd construct in the real `argocd`: the health of kinds in its Lua interpreter, triggers,
 * templates and the service of notifications (sent to a server on loopback), and who may do what.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { run } from '../../acceptance/kubectl';
import { findPrograms } from '../../acceptance/programs';
import { ArgoCdSettings } from '../../constructs/argo-cd';
import { Delivery } from '../../constructs/delivery';
import { spec } from '../../constructs/platform/workloads';
import type { AppProjectSpec } from '../../imports/argoproj.io';
import { find, manifestsOf, platformWith } from '../support';
import { HEALTH } from './argo-cd-health';
import type { Report } from './report';

const manifests = manifestsOf(
  platformWith(({ namespaces }) => {
    const argocd = namespaces.existing('argocd');
    new ArgoCdSettings(argocd, 'settings');
    const phases = [{ name: 'foundation', contents: namespaces.add('some') }];
    const branch = {
      repository: 'https://git.example.com/platform.git',
      branch: 'dist',
      folder: 'some/where',
    };
    new Delivery(argocd, 'lighthouse', { ...branch, phases, firstWave: 1 });
  }),
);

const NO_CLUSTER = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:9' } }],
  contexts: [{ name: 'none', context: { cluster: 'none', namespace: 'argocd' } }],
  'current-context': 'none',
};

/** What a YAML file is written for, and the program that reads it. */
interface Bench {
  readonly argocd: (...args: readonly string[]) => Promise<string>;
  readonly file: (name: string, content: unknown) => string;
  readonly report: Report;
}

export async function check(report: Report): Promise<void> {
  const { argocd } = await findPrograms(['argocd'], console.error);
  const folder = mkdtempSync(join(tmpdir(), 'argo-cd-payloads-'));
  try {
    const file: Bench['file'] = (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, typeof content === 'string' ? content : dump(content));
      return path;
    };
    // Some commands want to know a cluster that they never ask.
    const kubeconfig = file('kubeconfig', NO_CLUSTER);
    const bench: Bench = {
      report,
      file,
      argocd: async (...args) => {
        const { stdout, stderr } = await run('env', [`KUBECONFIG=${kubeconfig}`, argocd, 'admin', ...args]);
        return `${stdout}${stderr}`;
      },
    };
    await checkHealth(bench);
    await checkNotifications(bench);
    await checkRights(bench);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkHealth({ argocd, file, report }: Bench): Promise<void> {
  const settings = ['--argocd-cm-path', file('argocd-cm.yaml', find(manifests, 'ConfigMap', 'argocd-cm'))];
  const said = await argocd('settings', 'validate', '--group', 'resource-overrides', ...settings);
  report('Argo CD takes the settings', /✅/.test(said) && !/❌/.test(said), said.includes('✅') ? '' : said);

  const files = readdirSync(join(process.env['LIGHTHOUSE_ROOT'] ?? '.', 'constructs/argo-cd/health'));
  const tried = new Set(
    HEALTH.map(({ object: { apiVersion, kind } }) => `${apiVersion.split('/')[0]}_${kind}.lua`),
  );
  const untried = files.filter((name) => !tried.has(name));
  report('every health file is tried', untried.length === 0, untried.join(', '));

  for (const { object, health, message, when } of HEALTH) {
    const path = file('object.yaml', {
      ...object,
      metadata: { name: 'x', namespace: 'y', generation: 2, ...object.metadata },
    });
    const answer = await argocd('settings', 'resource-overrides', 'health', path, ...settings);
    const ok = answer.includes(`STATUS: ${health}\n`) && answer.includes(`MESSAGE: ${message}`);
    report(`${object.kind} ${when}: ${health}`, ok, ok ? '' : answer);
  }
}

const FAILING = { phase: 'Running', retryCount: 3, message: 'one or more objects "failed" to apply' };
const APPLICATION = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'lighthouse-foundation', namespace: 'argocd' },
};
const application = (health: string, operationState?: unknown) => ({
  ...APPLICATION,
  status: { health: { status: health }, sync: { status: 'OutOfSync', revision: 'abc' }, operationState },
});

async function checkNotifications({ argocd, file, report }: Bench): Promise<void> {
  const settings = [
    '--config-map',
    file('notifications.yaml', find(manifests, 'ConfigMap', 'argocd-notifications-cm')),
  ];
  const triggers: readonly (readonly [string, boolean, unknown])[] = [
    ['on-degraded', true, application('Degraded')],
    ['on-degraded', false, application('Progressing')],
    ['on-sync-failed', true, application('Healthy', FAILING)],
    ['on-sync-failed', true, application('Healthy', { phase: 'Failed', message: 'no' })],
    ['on-sync-failed', false, application('Healthy', { phase: 'Running', retryCount: 2 })],
    ['on-sync-failed', false, application('Healthy', { phase: 'Succeeded' })],
    ['on-sync-failed', false, application('Healthy')],
  ];
  for (const [trigger, fires, resource] of triggers) {
    const path = file('application.yaml', resource);
    const said = await argocd(
      'notifications',
      'trigger',
      'run',
      trigger,
      path,
      ...settings,
      '--secret',
      ':empty',
    );
    const ok = new RegExp(`\\b${fires}\\b`).test(said) && !new RegExp(`\\b${!fires}\\b`).test(said);
    report(`${trigger} ${fires ? 'fires' : 'is silent'}`, ok, ok ? '' : said);
  }

  const posts: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      posts.push(`${request.method} ${request.headers['content-type']} ${body.trim()}`);
      response.end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const secret = file('secret.yaml', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'argocd-notifications-secret' },
    stringData: { 'platform-webhook-url': `http://127.0.0.1:${port}/hook` },
  });
  for (const [template, resource, text] of [
    ['degraded', application('Degraded'), 'lighthouse-foundation is degraded at revision abc'],
    [
      'sync-failed',
      application('Healthy', FAILING),
      'cannot be synced to revision abc: one or more objects "failed" to apply',
    ],
  ] as const) {
    posts.length = 0;
    const path = file('application.yaml', resource);
    const said = await argocd(
      'notifications',
      'template',
      'notify',
      template,
      path,
      ...settings,
      '--secret',
      secret,
      '--recipient',
      'platform',
    );
    const [post = ''] = posts;
    const ok = post.startsWith('POST application/json {') && textIn(post).includes(text);
    report(`${template} is posted as JSON to the address in the Secret`, ok, ok ? '' : `${post} ${said}`);
  }
  server.close();
}

function textIn(post: string): string {
  const { text } = JSON.parse(post.slice(post.indexOf('{'))) as { text?: string };
  return text ?? '';
}

async function checkRights({ argocd, file, report }: Bench): Promise<void> {
  const cm = file('rbac.yaml', find(manifests, 'ConfigMap', 'argocd-rbac-cm'));
  const valid = await argocd('settings', 'rbac', 'validate', '--policy-file', cm);
  report('Argo CD takes the policy', valid.includes('Policy is valid.'), valid);

  const projects = manifests
    .filter(({ kind }) => kind === 'AppProject')
    .map((each) => spec<AppProjectSpec>(each));
  const roles = projects.flatMap(({ roles: of = [] }) => of);
  const policy = file('projects.csv', roles.flatMap(({ policies = [] }) => policies).join('\n'));
  const can = async (policyFile: string, ...question: readonly string[]): Promise<boolean> =>
    (await argocd('settings', 'rbac', 'can', ...question, '--policy-file', policyFile)).startsWith('Yes');
  const own = 'lighthouse/lighthouse-foundation';
  const questions: readonly (readonly [boolean, string, readonly string[]])[] = [
    [true, policy, ['proj:lighthouse:reader', 'get', 'applications', own]],
    [false, policy, ['proj:lighthouse:reader', 'sync', 'applications', own]],
    [false, policy, ['proj:lighthouse:reader', 'get', 'logs', own]],
    [true, policy, ['proj:lighthouse:operator', 'sync', 'applications', own]],
    [false, policy, ['proj:lighthouse:operator', 'override', 'applications', own]],
    [
      false,
      policy,
      ['proj:lighthouse:operator', 'sync', 'applications', 'lighthouse-bootstrap/lighthouse-bootstrap'],
    ],
    [true, policy, ['proj:lighthouse:platform', 'override', 'applications', own]],
    [true, policy, ['proj:lighthouse:platform', 'update', 'applications', own]],
    [false, policy, ['proj:lighthouse:platform', 'delete', 'applications', own]],
    [true, cm, ['lighthouse-reader', 'get', 'projects', 'lighthouse']],
    [false, cm, ['lighthouse-platform', 'update', 'projects', 'lighthouse']],
    [false, cm, ['somebody', 'get', 'projects', 'lighthouse']],
  ];
  for (const [may, policyFile, question] of questions) {
    const ok = (await can(policyFile, ...question)) === may;
    report(`${question.join(' ')}: ${may ? 'yes' : 'no'}`, ok);
  }
}
