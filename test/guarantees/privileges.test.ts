import { RESTRICTED, restrictedPod } from '../../constructs/platform/pod';
import type { Manifest } from '../../constructs/platform/manifest';
import type { Privilege } from '../../guarantees/privilege-ledger';
import { privilegesBut } from '../../guarantees/privileges';
import type { PodSpec, SecurityContext } from '../../imports/k8s';
import { container, database, object, platformOf, pod, workload } from './objects';
import { causesOf, findingsOf } from './support';

/** With an empty ledger: what the platform's own says is not about these objects. */
const privileges = privilegesBut([]);

const of = (own: Partial<PodSpec>) => platformOf([workload('Deployment', {}, pod(own))]);

const secured = (own: SecurityContext) =>
  of({ containers: [container({ securityContext: { ...RESTRICTED, ...own } })] });

const namespace = (level?: string) =>
  object(
    'Namespace',
    'app',
    {},
    {
      metadata: {
        name: 'app',
        labels: level === undefined ? {} : { 'pod-security.kubernetes.io/enforce': level },
      },
    },
  );

const rules = (kind: string, ...own: object[]): Manifest => object(kind, 'x', {}, { rules: own });

test('restricted pods in restricted namespaces are no finding', () => {
  const platform = platformOf([workload('Deployment'), namespace('restricted'), database()]);

  expect(findingsOf(privileges, platform)).toEqual([]);
  expect(privileges.check(platform).facts).toEqual([
    { subject: 'pod templates', figure: '2 held against 16 rules' },
    { subject: 'deviations', figure: '0, in the ledger 0' },
  ]);
});

const pods: [string, Partial<PodSpec>, string][] = [
  ['hostNetwork', { hostNetwork: true }, 'host namespaces: hostNetwork'],
  ['hostPID and hostIPC', { hostPID: true, hostIPC: true }, 'host namespaces: hostPID; hostIPC'],
  ['a host path', { volumes: [{ name: 'v', hostPath: { path: '/dev' } }] }, 'host paths: volume v: /dev'],
  ['an NFS volume', { volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] }, 'volume types: volume v'],
  [
    'a sysctl',
    { securityContext: { ...restrictedPod(1), sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
    'sysctls: kernel.msgmax',
  ],
  [
    'no user',
    { securityContext: { ...restrictedPod(1), runAsUser: undefined } },
    'user by number: container main: no runAsUser: the kubelet refuses an image whose user is root or has a name',
  ],
  [
    'user 0',
    { securityContext: { ...restrictedPod(1), runAsUser: 0 } },
    'running as root: the pod: runAsUser 0',
  ],
  [
    'root allowed',
    { securityContext: { ...restrictedPod(1), runAsNonRoot: undefined } },
    'running as root: container main: runAsNonRoot is not true',
  ],
  [
    'no seccomp profile',
    { securityContext: { ...restrictedPod(1), seccompProfile: undefined } },
    'seccomp: container main: profile none',
  ],
  [
    'no AppArmor',
    { securityContext: { ...restrictedPod(1), appArmorProfile: { type: 'Unconfined' } } },
    'AppArmor: the pod: Unconfined',
  ],
  [
    'an SELinux type',
    { securityContext: { ...restrictedPod(1), seLinuxOptions: { type: 'spc_t' } } },
    'SELinux: the pod: own options',
  ],
  [
    'a host port',
    { containers: [container({ ports: [{ containerPort: 80, hostPort: 80 }] })] },
    'host ports: container main: 80',
  ],
  [
    'a probe of another host',
    { containers: [container({ livenessProbe: { tcpSocket: { port: 1, host: '10.0.0.1' } } })] },
    'probe hosts: container main: 10.0.0.1',
  ],
  [
    'an init container',
    { initContainers: [container({ name: 'init', securityContext: { ...RESTRICTED, privileged: true } })] },
    'privileged: container init: privileged',
  ],
];

test.each(pods)('%s is found', (_, own, cause) => {
  expect(causesOf(privileges, of(own))).toEqual([`Deployment/app/x: ${cause}`]);
});

test.each<[SecurityContext, string]>([
  [{ privileged: true }, 'privileged: container main: privileged'],
  [{ capabilities: {} }, 'capabilities: container main: does not drop ALL'],
  [
    { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'SYS_ADMIN'] } },
    'capabilities: container main: adds SYS_ADMIN',
  ],
  [
    { allowPrivilegeEscalation: undefined },
    'privilege escalation: container main: allowPrivilegeEscalation is not false',
  ],
  [{ readOnlyRootFilesystem: false }, 'root file system: container main: readOnlyRootFilesystem is not true'],
  [{ runAsUser: 0 }, 'running as root: container main: runAsUser 0'],
  [{ runAsNonRoot: false }, 'running as root: container main: runAsNonRoot is not true'],
  [{ seccompProfile: { type: 'Unconfined' } }, 'seccomp: container main: profile Unconfined'],
  [{ appArmorProfile: { type: 'Unconfined' } }, 'AppArmor: container main: Unconfined'],
  [{ seLinuxOptions: { user: 'system_u' } }, 'SELinux: container main: own options'],
  [{ procMount: 'Unmasked' }, '/proc mount: container main: Unmasked'],
])('container with %j is found', (own, cause) => {
  expect(causesOf(privileges, secured(own))).toEqual([`Deployment/app/x: ${cause}`]);
});

test('what restricted allows is no finding', () => {
  expect(
    findingsOf(privileges, secured({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })),
  ).toEqual([]);
  expect(
    findingsOf(privileges, secured({ seccompProfile: { type: 'Localhost', localhostProfile: 'p.json' } })),
  ).toEqual([]);
  const volumes: PodSpec['volumes'] = [
    { name: 'a', emptyDir: {} },
    { name: 'b', secret: { secretName: 's' } },
    { name: 'c', projected: {} },
    { name: 'd', persistentVolumeClaim: { claimName: 'c' } },
  ];
  expect(findingsOf(privileges, of({ volumes }))).toEqual([]);
});

test('a finding names the remedy and the ledger', () => {
  expect(findingsOf(privileges, of({ hostNetwork: true }))).toEqual([
    {
      path: 'Deployment/x',
      cause: 'Deployment/app/x: host namespaces: hostNetwork',
      remedy:
        'use restrictedPod(uid) and RESTRICTED of constructs/platform/pod.ts, or enter "host namespaces" with its reason in guarantees/privilege-ledger.ts',
    },
  ]);
});

test('the operator restricts what it makes, unless it is told otherwise', () => {
  const pooler = object('Pooler', 'pool', {
    cluster: { name: 'db' },
    template: {
      spec: { containers: [{ name: 'pgbouncer' }], initContainers: [{ name: 'bootstrap-controller' }] },
    },
  });
  expect(findingsOf(privileges, platformOf([pooler]))).toEqual([]);

  const spare = object('Pooler', 'pool', {
    cluster: { name: 'db' },
    template: {
      spec: {
        containers: [
          { name: 'pgbouncer' },
          { name: 'spare', securityContext: { ...RESTRICTED, privileged: true } },
        ],
      },
    },
  });
  expect(causesOf(privileges, platformOf([spare]))).toEqual([
    'Pooler/app/pool: privileged: container spare: privileged',
  ]);
  const unconfined = database({ seccompProfile: { type: 'Unconfined' } });
  expect(causesOf(privileges, platformOf([unconfined]))).toEqual([
    'Cluster/app/db: seccomp: container postgres: profile Unconfined',
  ]);
  const writable = database({ securityContext: { readOnlyRootFilesystem: false } });
  expect(causesOf(privileges, platformOf([writable]))).toEqual([
    'Cluster/app/db: root file system: container postgres: readOnlyRootFilesystem is not true',
  ]);
});

test('a token of the API is mounted where a role says what for', () => {
  expect(causesOf(privileges, of({ automountServiceAccountToken: undefined }))).toEqual([
    'Deployment/app/x: API token: automountServiceAccountToken is not stated',
  ]);
  const talking = workload(
    'Deployment',
    {},
    pod({ automountServiceAccountToken: true, serviceAccountName: 'a' }),
  );
  const binding = (name: string, own: string) =>
    object(
      'RoleBinding',
      'b',
      {},
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [{ kind: 'ServiceAccount', name, namespace: own }],
      },
    );
  const without = [
    'Deployment/app/x: API token: the token of account a is mounted, and no role is bound to it',
  ];

  expect(causesOf(privileges, platformOf([talking]))).toEqual(without);
  expect(causesOf(privileges, platformOf([talking, binding('b', 'app')]))).toEqual(without);
  expect(causesOf(privileges, platformOf([talking, binding('a', 'other')]))).toEqual(without);
  expect(causesOf(privileges, platformOf([talking, binding('a', 'app')]))).toEqual([]);
});

test.each([
  [undefined, ['Namespace/app: enforced level: the namespace enforces no level of Pod Security']],
  ['privileged', ['Namespace/app: enforced level: the namespace enforces privileged']],
  ['baseline', ['Namespace/app: enforced level: the namespace enforces baseline']],
])('a namespace that enforces %s is found', (level, causes) => {
  expect(causesOf(privileges, platformOf([namespace(level)]))).toEqual(causes);
});

test.each<[string, object, string[]]>([
  ['all verbs', { apiGroups: [''], resources: ['pods'], verbs: ['*'] }, ['wildcard: a rule names all verbs']],
  [
    'all resources',
    { apiGroups: [''], resources: ['*'], verbs: ['get'] },
    ['wildcard: a rule names all resources'],
  ],
  [
    'all groups',
    { apiGroups: ['*'], resources: ['pods'], verbs: ['get'] },
    ['wildcard: a rule names all apiGroups'],
  ],
  [
    'all addresses',
    { nonResourceURLs: ['*'], verbs: ['get'] },
    ['wildcard: a rule names all nonResourceURLs'],
  ],
  [
    'reading Secrets',
    { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'get', 'list'] },
    ['reading Secrets: verbs get, list'],
  ],
  [
    'watching Secrets',
    { apiGroups: ['', 'apps'], resources: ['pods', 'secrets'], verbs: ['watch'] },
    ['reading Secrets: verbs watch'],
  ],
  [
    'more for itself',
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['bind', 'escalate'] },
    ['climbing: verbs bind, escalate'],
  ],
  ['creating Secrets, and nothing else', { apiGroups: [''], resources: ['secrets'], verbs: ['create'] }, []],
  [
    "reading another group's secrets",
    { apiGroups: ['example.com'], resources: ['secrets'], verbs: ['get'] },
    [],
  ],
])('a role for %s', (_, rule, causes) => {
  expect(causesOf(privileges, platformOf([rules('Role', rule)]))).toEqual(
    causes.map((cause) => `Role/app/x: ${cause}`),
  );
});

test.each(['cluster-admin', 'admin', 'edit'])('binding %s is found', (name) => {
  const binding = (kind: string, role: string) =>
    object(kind, 'x', {}, { roleRef: { kind: 'ClusterRole', name: role } });

  expect(causesOf(privileges, platformOf([binding('RoleBinding', name)]))).toEqual([
    `RoleBinding/app/x: mighty role: it hands out ${name}`,
  ]);
  expect(causesOf(privileges, platformOf([binding('ClusterRoleBinding', 'view')]))).toEqual([]);
});

describe('the ledger', () => {
  const entry: Privilege = {
    environments: ['staging'],
    object: 'Deployment/app/x',
    control: 'host namespaces',
    reason: 'it measures the node',
  };
  const ledger = privilegesBut([entry]);

  test('an entry lets its deviation pass, and no other', () => {
    expect(findingsOf(ledger, of({ hostNetwork: true }))).toEqual([]);
    expect(
      causesOf(ledger, of({ hostNetwork: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] })),
    ).toEqual(['Deployment/app/x: host paths: volume v: /']);
    const other = {
      ...workload('Deployment', {}, pod({ hostNetwork: true })),
      metadata: { name: 'y', namespace: 'app' },
    };
    expect(causesOf(ledger, platformOf([other]))).toEqual([
      'Deployment/app/y: host namespaces: hostNetwork',
      'Deployment/app/x needs no entry for "host namespaces" in staging',
    ]);
  });

  test('an entry that nothing needs is found, where it is said to hold', () => {
    expect(findingsOf(ledger, of({}))).toEqual([
      {
        path: 'guarantees/privilege-ledger.ts',
        cause: 'Deployment/app/x needs no entry for "host namespaces" in staging',
        remedy: 'remove the entry, or the environment from it',
      },
    ]);
    const production = { environment: 'production' as const };
    expect(findingsOf(ledger, platformOf([workload('Deployment')], {}, production))).toEqual([]);
    expect(
      causesOf(ledger, platformOf([workload('Deployment', {}, pod({ hostNetwork: true }))], {}, production)),
    ).toEqual(['Deployment/app/x: host namespaces: hostNetwork']);
  });
});
