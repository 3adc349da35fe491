import { Construct } from 'constructs';
import type { CronJobSpec, JobSpec, NetworkPolicySpec, PodSpec } from '../../imports/k8s';
import { Connections } from '../../constructs/platform/connections';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { VaultMtls, VaultMtlsProps } from '../../constructs/vault-mtls';
import type { Desired } from '../../constructs/vault-mtls/configuration/desired';
import { policyNameOf, RIGHTS, SIGNED_IN } from '../../constructs/vault-mtls/configuration/people';
import { renderPolicy } from '../../constructs/vault-mtls/configuration/policy';
import { find, type Ground, manifestsOf, platformWith } from '../support';
import { lendingOn } from './lending';
import { SIGN_ON, vaultOn } from './vault';

class Listener extends Construct {
  readonly connections = new Connections(this, { name: 'listener', component: 'server' });
  readonly endpoint = this.connections.listen('https', 8443);
}

function build(
  needs: (vault: VaultMtls, ground: Ground) => void = () => undefined,
  choice: Pick<VaultMtlsProps, 'signOn'> = {},
): Manifest[] {
  return manifestsOf(
    platformWith((ground) => {
      const vault = vaultOn(ground, { members: 1, seal: { kind: 'development' }, ...choice });
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

test('a way in that nobody declared is told', () => {
  const { lists } = desired(build());

  expect(lists).toContainEqual({
    path: 'sys/auth',
    prefix: '',
    names: ['kubernetes', 'token'],
    isRead: true,
  });
});

describe('people', () => {
  const manifests = build(secret, { signOn: SIGN_ON });
  const state = desired(manifests);
  const policies = Object.fromEntries(
    SIGNED_IN.map((person) => [
      person,
      String(bodyOf(state, `sys/policies/acl/${policyNameOf(person)}`)?.['policy']),
    ]),
  );

  test('are let in by the groups of the provider that have a policy, and by nothing else', () => {
    expect(bodyOf(state, 'auth/oidc/role/people')).toMatchObject({
      groups_claim: 'teams',
      bound_audiences: ['vault'],
      bound_claims: { teams: ['owners', 'on-call', 'auditors'] },
      allowed_redirect_uris: [
        'https://vault.here.example.com/ui/vault/auth/oidc/oidc/callback',
        'http://localhost:8250/oidc/callback',
      ],
      token_policies: [],
      token_no_default_policy: true,
    });
    const names = state.objects.flatMap(({ path, body }) =>
      path === 'identity/group-alias' ? [body['name']] : [],
    );
    expect(names).toEqual(['owners', 'on-call', 'auditors']);
  });

  test('are asked for last, so that a provider that is away holds nothing else', () => {
    const last = state.objects.at(-1);

    expect(last).toMatchObject({ path: 'auth/oidc/config', asks: 'sso.example.com' });
    expect(last?.body).toMatchObject({ oidc_discovery_url: 'https://sso.example.com/realms/test' });
  });

  test('read no secret; the platform’s owners write those that somebody reads', () => {
    for (const policy of Object.values(policies)) {
      expect(policy).not.toMatch(/secret\/data\/[^"]*" \{ capabilities = \[[^\]]*"read"/);
      expect(policy).toContain('path "secret/metadata/test/login" { capabilities = ["read"] }');
    }
    const writes = 'path "secret/data/test/login" { capabilities = ["create", "update"] }';
    expect(SIGNED_IN.filter((person) => policies[person]?.includes(writes))).toEqual(['platform']);
  });

  test('may what their lines of the table say', () => {
    const asked = ['sys/seal', 'sys/step-down', 'sys/audit', 'sys/storage/raft/configuration'];
    for (const path of asked) {
      const line = RIGHTS.find(({ request }) => request.endsWith(` ${path}`));
      expect(SIGNED_IN.filter((person) => policies[person]?.includes(`path "${path}"`))).toEqual(line?.may);
    }
  });

  test('have the client’s secret handed on by whoever writes, and shown to nobody who looks', () => {
    const looks = spec<CronJobSpec>(find(manifests, 'CronJob', 'vault-drift')).jobTemplate.spec?.template
      .spec;
    const names = (pod?: PodSpec) => pod?.volumes?.map(({ name }) => name);

    expect(podOf(manifests)?.volumes).toContainEqual({
      name: 'sign-on',
      secret: {
        secretName: 'vault-sign-on',
        defaultMode: 0o440,
        items: [{ key: 'clientSecret', path: 'clientSecret' }],
      },
    });
    expect(names(looks)).not.toContain('sign-on');
    expect(names(podOf(build()))).not.toContain('sign-on');
    expect(find(manifests, 'ExternalSecret', 'vault-sign-on')['spec']).toMatchObject({
      secretStoreRef: { kind: 'ClusterSecretStore', name: 'platform' },
      data: [{ remoteRef: { key: 'lighthouse/sign-on/vault', property: 'clientSecret' } }],
    });
  });

  test('are signed in by members that may connect to the provider', () => {
    const egress = (all: readonly Manifest[]) =>
      JSON.stringify(spec<NetworkPolicySpec>(find(all, 'NetworkPolicy', 'vault-members')).egress);

    expect(egress(manifests)).toContain('203.0.113.7/32');
    expect(egress(build(secret))).not.toContain('203.0.113.7/32');
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
