import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wrongOn } from './findings';

const FOLDER = join(__dirname, '../../docs/runbooks');

describe.each(readdirSync(FOLDER))('%s', (file) => {
  const page = readFileSync(join(FOLDER, file), 'utf8');

  test('has the sections of a runbook, in order, and something to look at first', () => {
    expect(page.match(/^#+ .*$/gm)).toEqual([
      `# ${file.replace(/\.md$/, '')}`,
      '## Meaning',
      '## Impact',
      '## First look',
      '## Causes',
      '## Mitigation',
      '## Prevention',
    ]);
    expect(page).toMatch(/^## First look\n\n```sh\n[^`]+```\n/m);
  });

  test('names what is there', () => expect(wrongOn(page)).toEqual([]));
});

test.each([
  ['kubectl -n redsi get pods', 'there is no namespace redsi'],
  ['kubectl -n redis get cluster events', 'there is no Cluster events'],
  ['kubectl -n postgres get cluster event', 'there is no Cluster event'],
  ['kubectl -n redis describe pods cache-members-0 cache-members-7', 'there is no Pod cache-members-7'],
  ['kubectl -n postgres get custard events', 'there is no kind custard'],
  ['kubectl cnpg status event -n postgres', 'there is no Cluster event'],
  ['kubectl -n postgres logs events-9', 'there is no Pod events-9'],
  ['kubectl -n postgres logs events-1 -c pgbouncer', 'Pod events-1 has no container pgbouncer'],
  [
    'kubectl -n redis logs sessions-members-0 --container=redsi',
    'Pod sessions-members-0 has no container redsi',
  ],
  [
    'kubectl -n redis get pods -l app.kubernetes.io/instance=session',
    'no Pod has app.kubernetes.io/instance=session',
  ],
  ['kubectl -n redis port-forward svc/sesions 6379', 'there is no Service sesions'],
  ['kubectl -n redis exec deployment/sesions -- true', 'there is no Deployment sesions'],
  ['kubectl -n observability rollout restart statefulset loky', 'there is no StatefulSet loky'],
  ['kubectl -n cnpg-system logs deployment/cnpg', 'there is no Deployment cnpg'],
  ['kubectl get cluster events', 'it names no namespace'],
  ['kubectl cnpg promote event events-2 -n postgres', 'there is no Cluster event'],
  ['kubectl argo rollouts abort edge -n bridge', 'there is no kind Rollout'],
  [
    'kubectl -n postgres cnpg promote events events-2',
    'kubectl takes no flags before the name of a plugin, cnpg',
  ],
  ['kubectl -n argocd annotate application lighthouse x=y', 'there is no Application lighthouse'],
  ['kubectl -n postgres patch cronjob events -p {}', 'there is no CronJob events'],
  ['kubectl -n bridge create job now --from=cronjob/backup', 'there is no CronJob backup'],
  ['kubectl -n bridge delete secret edge', 'there is no Secret edge'],
  ['kubectl get deployments,stateful -A', 'there is no kind stateful'],
  ['kubectl frobnicate pods -A', 'kubectl frobnicate is not known here'],
  ['npm run sinth', 'there is no script sinth'],
  ['helm list', 'nothing is known of helm'],
])('%s is found: %s', (command, wrong) => {
  expect(wrongOn(`\`\`\`sh\n${command}\n\`\`\`\n`)).toEqual([`${command}: ${wrong}`]);
});

test('commands in prose are held to the same', () => {
  expect(
    wrongOn('Restart: `kubectl -n redis rollout restart deployment sesions`, `npm run sinth -- --help`.'),
  ).toEqual([
    'kubectl -n redis rollout restart deployment sesions: there is no Deployment sesions',
    'npm run sinth -- --help: there is no script sinth',
  ]);
});

test.each([
  'kubectl cnpg status events -n postgres',
  'kubectl -n redis port-forward svc/sessions 6379',
  'kubectl cnpg promote events events-2 -n postgres',
  'kubectl argo rollouts abort bridge -n bridge',
  'kubectl -n bridge create job now --from=cronjob/bridge-backup',
  'kubectl -n bridge delete secret edge-tls',
  `kubectl -n postgres exec events-1 -c postgres -- psql -c "select 'a'" -n nowhere`,
])('%s can be run', (command) => {
  expect(wrongOn(`\`\`\`sh\n${command}\n\`\`\`\n`)).toEqual([]);
});

test.each([
  'kubectl get pods -A | grep x',
  'kubectl get pods -A; reboot',
  "kubectl get 'pods",
  'kubectl get pods --frob',
])('a reader who is tired is not given %s', (command) => {
  expect(() => wrongOn(`\`\`\`sh\n${command}\n\`\`\`\n`)).toThrow(/not a plain command|not known here/);
});
