import { REASON } from '../constructs/access/limits';
import type { Groups } from '../acceptance/access';
import type { Outcome } from '../acceptance/kubectl';
import type { Attack } from './attack';

/** kubectl, signed in as somebody who may do everything, to impersonate and to put things right. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<Outcome>;

/** Somebody in a group; the name says that nobody real is meant. */
const as = (group: string): readonly string[] => ['--as', 'an-attacker', '--as-group', group];

/** As a pod that took another's token would be known. */
const asAccount = (namespace: string, name: string): readonly string[] => [
  ...['--as', `system:serviceaccount:${namespace}:${name}`],
  ...['--as-group', 'system:serviceaccounts', '--as-group', `system:serviceaccounts:${namespace}`],
  ...['--as-group', 'system:authenticated'],
];

/** A pod as admission must like it, changed where an attack wants it. */
function pod(name: string, own: object = {}, container: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `attack-${name}`,
      labels: Object.fromEntries(
        ['name', 'instance', 'component'].map((label) => [`app.kubernetes.io/${label}`, 'attack']),
      ),
    },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      ...own,
      containers: [
        {
          name: 'main',
          image: 'registry.example.com/lighthouse/bridge:1.0.0',
          resources: { requests: { cpu: '1m', memory: '1Mi' }, limits: { memory: '1Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          ...container,
        },
      ],
    },
  };
}

/** A pod that says it is the collector of logs. */
const collector = (path: string): object =>
  pod('collector', { serviceAccountName: 'collector', volumes: [{ name: 'node', hostPath: { path } }] });

const token = (reason: string | undefined, seconds: number): string =>
  JSON.stringify({
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: reason === undefined ? {} : { annotations: { [REASON]: reason } },
    spec: { expirationSeconds: seconds },
  });

const GLASS = '/api/v1/namespaces/access/serviceaccounts/break-glass/token?dryRun=All';
const CRON_JOB = [
  '-n',
  'postgres',
  'patch',
  'cronjob',
  'events-schema-maintenance',
  '--dry-run=server',
  '--type=merge',
];

/** Attacks that an API server alone must stop: nothing of them is kept, all that would change something is a dry run. */
export function attacksOnApi(kubectl: Kubectl, { onCall, developer, auditor }: Groups): readonly Attack[] {
  const dryRun = (namespace: string, manifest: object) => () =>
    kubectl(['create', '-n', namespace, '--dry-run=server', '-f', '-'], JSON.stringify(manifest));
  return [
    {
      name: 'a pod with the stolen token of a maker of credentials reads the Secrets it made',
      means: 'its role can create Secrets, not read them',
      refusal: /cannot list resource "secrets"/,
      attempt: () => kubectl(['get', 'secrets', '-n', 'redis', ...asAccount('redis', 'cache-users')]),
      permitted: 'the same token creates a Secret',
      control: () =>
        kubectl([
          ...[
            'create',
            'secret',
            'generic',
            'attack',
            '-n',
            'redis',
            '--dry-run=server',
            '--from-literal=a=b',
          ],
          ...asAccount('redis', 'cache-users'),
        ]),
    },
    {
      name: 'a pod with the token of Prometheus reads a Secret of another namespace',
      means: 'its roles have pods and services alone',
      refusal: /cannot list resource "secrets"/,
      attempt: () =>
        kubectl(['get', 'secrets', '-n', 'postgres', ...asAccount('observability', 'prometheus')]),
      permitted: 'the same token lists pods there',
      control: () => kubectl(['get', 'pods', '-n', 'postgres', ...asAccount('observability', 'prometheus')]),
    },
    {
      name: 'an auditor reads a Secret',
      means: 'what can be read is named, and Secrets are not',
      refusal: /cannot list resource "secrets"/,
      attempt: () => kubectl(['get', 'secrets', '-n', 'bridge', ...as(auditor)]),
      permitted: 'an auditor reads ConfigMaps',
      control: () => kubectl(['get', 'configmaps', '-n', 'bridge', ...as(auditor)]),
    },
    {
      name: 'a privileged pod in the namespace of a database',
      means: 'Pod Security restricted',
      refusal: /violates PodSecurity "restricted/,
      attempt: dryRun('postgres', pod('privileged', {}, { securityContext: { privileged: true } })),
      permitted: 'an unprivileged pod is admitted there',
      control: dryRun('postgres', pod('restricted')),
    },
    {
      name: 'a pod that mounts the node',
      means: 'Pod Security restricted',
      refusal: /violates PodSecurity "restricted/,
      attempt: dryRun('redis', pod('host', { volumes: [{ name: 'node', hostPath: { path: '/' } }] })),
      permitted: 'the same with a volume of memory',
      control: dryRun('redis', pod('memory', { volumes: [{ name: 'node', emptyDir: {} }] })),
    },
    {
      name: 'a pod with an image from elsewhere',
      means: 'admission policy lighthouse-images',
      refusal: /'lighthouse-images'.*got registry\.invalid/,
      attempt: dryRun('redis', pod('image', {}, { image: 'registry.invalid/team/tool:1.2.3' })),
      permitted: 'the same with an image of the platform',
      control: dryRun('redis', pod('image')),
    },
    {
      name: 'a pod that mounts the node where the collector of logs may mount a folder of it',
      means: 'admission policy lighthouse-privileges',
      refusal: /'lighthouse-privileges'.*host paths/,
      attempt: dryRun('node-agents', collector('/')),
      permitted: 'the folder of logs, as the collector',
      control: dryRun('node-agents', collector('/var/log/pods')),
    },
    {
      name: 'a pod that wants a token of the API server, of an account whose pods have none',
      means: 'admission policy lighthouse-identity',
      refusal: /'lighthouse-identity'.*no such token/,
      attempt: dryRun(
        'redis',
        pod('token', { serviceAccountName: 'cache', automountServiceAccountToken: true }),
      ),
      permitted: 'the same without the token',
      control: dryRun('redis', pod('token', { serviceAccountName: 'cache' })),
    },
    {
      name: 'on-call has a CronJob run what it likes',
      means: 'admission policy lighthouse-on-call-changes',
      refusal: /lighthouse-on-call-changes/,
      attempt: () =>
        kubectl([...CRON_JOB, '-p', '{"spec":{"jobTemplate":{"spec":{"backoffLimit":1}}}}', ...as(onCall)]),
      permitted: 'on-call suspends it',
      control: () => kubectl([...CRON_JOB, '-p', '{"spec":{"suspend":true}}', ...as(onCall)]),
    },
    {
      name: 'a developer breaks the glass',
      means: 'RBAC',
      refusal: /cannot create resource "serviceaccounts\/token"/,
      attempt: () =>
        kubectl(['create', '--raw', GLASS, '-f', '-', ...as(developer)], token('just to have a look', 600)),
      permitted: 'on-call breaks it for a reason',
      control: () =>
        kubectl(
          ['create', '--raw', GLASS, '-f', '-', ...as(onCall)],
          token('a try of the attack table', 600),
        ),
    },
    {
      name: 'the glass is broken for no reason',
      means: 'admission policy lighthouse-break-glass',
      refusal: /a reason must be given/,
      attempt: () => kubectl(['create', '--raw', GLASS, '-f', '-', ...as(onCall)], token(undefined, 600)),
      permitted: 'for a reason',
      control: () =>
        kubectl(
          ['create', '--raw', GLASS, '-f', '-', ...as(onCall)],
          token('a try of the attack table', 600),
        ),
    },
    {
      name: 'the glass is broken for a day',
      means: 'admission policy lighthouse-break-glass',
      refusal: /must end within 60 minutes/,
      attempt: () =>
        kubectl(
          ['create', '--raw', GLASS, '-f', '-', ...as(onCall)],
          token('a try of the attack table', 86400),
        ),
      permitted: 'for an hour',
      control: () =>
        kubectl(
          ['create', '--raw', GLASS, '-f', '-', ...as(onCall)],
          token('a try of the attack table', 3600),
        ),
    },
  ];
}
