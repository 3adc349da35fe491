import { Construct } from 'constructs';
import type { CronJobSpec, JobSpec, PodSpec } from '../../imports/k8s';
import { Connections } from '../../constructs/platform/connections';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { VaultMtls } from '../../constructs/vault-mtls';
import type { Desired } from '../../constructs/vault-mtls/configuration/desired';
import { renderPolicy } from '../../constructs/vault-mtls/configuration/policy';
import { find, type Ground, manifestsOf, platformWith } from '../support';
import { lendingOn } from './lending';
import { vaultOn } from './vault';

class Listener extends Construct {
  readonly connections = new Connections(this, { name: 'listener', component: 'server' });
  readonly endpoint = this.connections.listen('https', 8443);
}

function build(needs: (vault: VaultMtls, ground: Ground) => void = () => undefined): Manifest[] {
  return manifestsOf(
    platformWith((ground) => {
      const vault = vaultOn(ground, { members: 1, seal: { kind: 'development' } });
      needs(vault, ground);
    }),
  );
}

const secret = (vault: VaultMtls, { namespaces }: Ground): void => {
  vault.secret(namespaces.add('app'), 'login', { entry: 'test/login', properties: ['user', 'password'] });
};

const certificate = (vault: VaultMtls, { namespaces }: Ground): void => {
  vault.issue(new Listener(namespaces.add('app'), 'listener').endpoint);
};

function desired(manifests: readonly Manifest[]): Desired {
  const file = manifests.find(({ metadata }) => metadata.name.startsWith('vault-configuration-desired-'));
  return JSON.parse((file?.['data'] as Record<string, string>)['desired.json'] ?? '') as Desired;
}

const bodyOf = ({ objects }: Desired, path: string) => objects.find((entry) => entry.path === path)?.body;

function jobOf(manifests: readonly Manifest[]): Manifest {
  const [job, ...others] = manifests.filter(
    ({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('vault-configuration-'),
  );
  if (!job || others.length > 0) throw new Error('there is not one Job');
  return job;
}

const podOf = (manifests: readonly Manifest[]): PodSpec | undefined =>
  spec<JobSpec>(jobOf(manifests)).template.spec;

test('where nobody needs anything, Vault holds what let the program in, and who looks whether it still does', () => {
  const state = desired(build());

  expect(state.objects.map(({ path }) => path)).toEqual([
    'sys/audit/stdout',
    'sys/auth/kubernetes',
    'auth/kubernetes/config',
    'sys/policies/acl/configuration',
    'auth/kubernetes/role/configuration',
    'sys/policies/acl/snapshot',
    'auth/kubernetes/role/snapshot',
    'sys/policies/acl/lighthouse-vault-vault-drift',
    'auth/kubernetes/role/lighthouse-vault-vault-drift',
  ]);
  expect(state.issuing).toBeUndefined();
});

test('a secret: its entry may be read by the account that external-secrets logs in with, and nothing else', () => {
  const manifests = build(secret);
  const state = desired(manifests);

  expect(bodyOf(state, 'sys/policies/acl/lighthouse-app-login-store')).toEqual({
    policy: 'path "secret/data/test/login" { capabilities = ["read"] }\n',
  });
  expect(bodyOf(state, 'auth/kubernetes/role/lighthouse-app-login-store')).toMatchObject({
    bound_service_account_names: ['login-store'],
    bound_service_account_namespaces: ['app'],
    audience: 'vault',
    token_policies: ['lighthouse-app-login-store'],
  });
  expect(bodyOf(state, 'sys/mounts/secret')).toEqual({ type: 'kv', options: { version: '2' } });
  expect(find(manifests, 'SecretStore', 'login-store')['spec']).toEqual({
    provider: {
      vault: {
        server: 'https://vault.vault.svc.cluster.local:8200',
        path: 'secret',
        version: 'v2',
        caProvider: { type: 'ConfigMap', name: 'lighthouse-trust', key: 'ca.crt' },
        auth: {
          kubernetes: {
            mountPath: 'kubernetes',
            role: 'lighthouse-app-login-store',
            serviceAccountRef: { name: 'login-store', audiences: ['vault'] },
          },
        },
      },
    },
  });
  expect(find(manifests, 'ExternalSecret', 'login')['spec']).toMatchObject({
    secretStoreRef: { kind: 'SecretStore', name: 'login-store' },
    data: [
      { secretKey: 'user', remoteRef: { key: 'test/login', property: 'user' } },
      { secretKey: 'password', remoteRef: { key: 'test/login', property: 'password' } },
    ],
  });
  expect(JSON.stringify(find(manifests, 'NetworkPolicy', 'vault-members')['spec'])).toContain(
    '"kubernetes.io/metadata.name":"external-secrets"',
  );
});

test('a certificate: Vault signs the names of the endpoint alone, below the root of the platform', () => {
  const manifests = build(certificate);
  const state = desired(manifests);
  const names = ['listener', 'listener.app', 'listener.app.svc', 'listener.app.svc.cluster.local'];

  expect(bodyOf(state, 'pki/roles/lighthouse-app-listener-vault-https')).toMatchObject({
    allowed_domains: names,
    allow_subdomains: false,
    allow_any_name: false,
    allow_ip_sans: false,
  });
  expect(bodyOf(state, 'sys/policies/acl/lighthouse-app-listener-vault-https')).toEqual({
    policy: 'path "pki/sign/lighthouse-app-listener-vault-https" { capabilities = ["update"] }\n',
  });
  expect(find(manifests, 'Certificate', 'listener-https-tls')['spec']).toMatchObject({
    dnsNames: names,
    issuerRef: { kind: 'Issuer', name: 'listener-vault-https' },
  });
  expect(find(manifests, 'Certificate', 'vault-issuing')['spec']).toMatchObject({
    isCA: true,
    issuerRef: { kind: 'ClusterIssuer', name: 'lighthouse-root-1' },
  });
  expect(find(manifests, 'Role', 'listener-vault-https-token')).toMatchObject({
    rules: [
      { resources: ['serviceaccounts/token'], resourceNames: ['listener-vault-https'], verbs: ['create'] },
    ],
  });
});

test('the key that Vault signs with is shown to whoever writes, not to whoever looks', () => {
  const manifests = build(certificate);
  const looks = spec<CronJobSpec>(find(manifests, 'CronJob', 'vault-drift')).jobTemplate.spec?.template.spec;
  const files = (pod?: PodSpec) =>
    pod?.volumes?.find(({ name }) => name === 'issuing')?.secret?.items?.map(({ key }) => key);

  expect(files(podOf(manifests))).toEqual(['tls.crt', 'tls.key']);
  expect(files(looks)).toEqual(['tls.crt']);
  expect(podOf(build())?.volumes?.map(({ name }) => name)).not.toContain('issuing');
});

const lent = (): Manifest[] => manifestsOf(platformWith((ground) => void lendingOn(ground)));

test('a lease: Vault gets in by its own login and certificate, verified, by the pooler, and may hold two connections', () => {
  const connection = bodyOf(desired(lent()), 'database/config/events');

  expect(connection).toMatchObject({
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: ['events-reader'],
    username: 'lighthouse_lender',
    password_authentication: 'scram-sha-256',
    max_open_connections: 2,
  });
  expect(connection?.['connection_url']).toBe(
    'postgresql://{{username}}:{{password}}@events-pool.postgres.svc.cluster.local:5432/lighthouse' +
      '?sslmode=verify-full&sslrootcert=/trust/ca.crt&sslcert=/tls/tls.crt&sslkey=/tls/tls.key',
  );
});

test('a lease lasts an hour at the most, as long as the login that asks for it, and a quarter unless it is renewed', () => {
  const state = desired(lent());

  expect(bodyOf(state, 'database/roles/events-reader')).toMatchObject({
    db_name: 'events',
    default_ttl: 900,
    max_ttl: 3600,
  });
  expect(bodyOf(state, 'sys/mounts/database/tune')).toEqual({ max_lease_ttl: 3600 });
  expect(bodyOf(state, 'auth/kubernetes/role/lighthouse-app-borrower')).toMatchObject({
    token_ttl: 3600,
    token_max_ttl: 3600,
  });
  expect(bodyOf(state, 'sys/policies/acl/lighthouse-app-borrower')).toEqual({
    policy: 'path "database/creds/events-reader" { capabilities = ["read"] }\n',
  });
});

test('the password of Vault’s login is seen by whoever writes it, not by whoever looks, and is in no file', () => {
  const manifests = lent();
  const looks = spec<CronJobSpec>(find(manifests, 'CronJob', 'vault-drift')).jobTemplate.spec?.template.spec;
  const login = (pod?: PodSpec) => pod?.volumes?.find(({ name }) => name === 'login-events')?.secret;

  expect(login(podOf(manifests))).toMatchObject({
    secretName: 'events-lender-login-lighthouse-lender',
    items: [{ key: 'password', path: 'password' }],
  });
  expect(login(looks)).toBeUndefined();
  expect(desired(manifests).objects.find(({ path }) => path === 'database/config/events')?.secrets).toEqual({
    password: '/logins/events/password',
  });
});

test('whoever looks may read what is declared, and change nothing', () => {
  const policy = String(
    bodyOf(desired(build(certificate)), 'sys/policies/acl/lighthouse-vault-vault-drift')?.['policy'],
  );
  const capabilities = new Set([...policy.matchAll(/\[([^\]]*)\]/g)].map(([, list]) => list));

  expect(capabilities).toEqual(new Set(['"read"', '"list"', '"read", "sudo"']));
  expect(policy.match(/.*sudo.*/g)).toEqual(['path "sys/audit" { capabilities = ["read", "sudo"] }']);
  expect(policy).toContain('path "pki/issuer/default" { capabilities = ["read"] }');
  expect(policy).toContain(
    'path "auth/kubernetes/role/lighthouse-vault-vault-drift" { capabilities = ["read"] }',
  );
  expect(policy).not.toMatch(/[*+]/);
});

test('another need is another Job; the same needs are the same', () => {
  const name = (manifests: readonly Manifest[]): string => jobOf(manifests).metadata.name;

  expect(name(build(secret))).toBe(name(build(secret)));
  expect(name(build(secret))).not.toBe(name(build()));
});

test('lists say what is known under the prefix of the platform', () => {
  const { lists } = desired(build(certificate));

  expect(lists).toContainEqual({
    path: 'sys/policies/acl',
    prefix: 'lighthouse-',
    names: ['lighthouse-app-listener-vault-https', 'lighthouse-vault-vault-drift'],
  });
  expect(lists).toContainEqual({
    path: 'pki/roles',
    prefix: '',
    names: ['lighthouse-app-listener-vault-https'],
  });
});

test('a policy has each path once, whatever the order of the needs', () => {
  const [a, b] = [
    { path: 'b/one', capabilities: ['update', 'read'] as const },
    { path: 'a/two', capabilities: ['read'] as const },
  ];

  expect(renderPolicy([a, b, { path: 'a/two', capabilities: ['list'] }])).toBe(
    'path "a/two" { capabilities = ["list", "read"] }\npath "b/one" { capabilities = ["read", "update"] }\n',
  );
});
