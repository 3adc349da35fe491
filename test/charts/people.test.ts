import { load } from 'js-yaml';
import type { Environment } from '../../config/schema';
import { spec } from '../../constructs/platform/workloads';
import { heldBy } from '../../guarantees/vault/model';
import type { AppProjectSpec } from '../../imports/argoproj.io';
import type { StatefulSetSpec } from '../../imports/k8s';
import { find } from '../support';
import { manifestsIn, platformOf } from './support';

const PROVIDER: NonNullable<Environment['access']>['identityProvider'] = {
  host: 'sso.example.com',
  port: 443,
  cidr: '203.0.113.7/32',
  issuer: '/realms/lighthouse',
  paths: { authorize: '/authorize', token: '/token', userinfo: '/userinfo', keys: '/keys' },
  groupsClaim: 'teams',
  groupsPrefix: 'oidc:',
  clients: { argocd: 'argocd', grafana: 'grafana', vault: 'vault', weaviate: 'weaviate' },
  secretStore: 'platform',
  secretPath: 'lighthouse/sign-on',
};

const groups = {
  platform: 'oidc:owners',
  onCall: 'oidc:on-call',
  auditor: 'oidc:auditors',
  developer: 'oidc:developers',
};

const settingsOf = (platform: ReturnType<typeof platformOf>, name: string) =>
  find(manifestsIn(platform, 'bootstrap'), 'ConfigMap', name)['data'] as Record<string, string>;

describe('one identity provider for people', () => {
  const platform = platformOf('staging', { access: { groups, identityProvider: PROVIDER } });

  test('is told by Argo CD, which follows its secret by reference', () => {
    const { url, 'oidc.config': oidc = '' } = settingsOf(platform, 'argocd-cm');
    expect(url).toBe(`https://argocd.${platform.cluster.name}.${platform.environment.domain}`);
    expect(load(oidc)).toMatchObject({ issuer: 'https://sso.example.com/realms/lighthouse' });
    const secrets = manifestsIn(platform, 'foundation').filter(({ kind }) => kind === 'ExternalSecret');
    const [secret] = secrets.filter(({ metadata }) => metadata.namespace === 'argocd');
    expect(secret?.['spec']).toMatchObject({
      data: [{ remoteRef: { key: 'lighthouse/sign-on/argocd', property: 'clientSecret' } }],
    });
  });

  test('is asked by Weaviate for its keys alone', () => {
    const [members] = manifestsIn(platform, 'foundation').filter(
      ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'weaviate-members',
    );
    const { template } = spec<StatefulSetSpec>(members ?? find([], 'StatefulSet', 'weaviate-members'));
    const env = template.spec?.containers[0]?.env ?? [];
    expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toMatchObject({
      AUTHENTICATION_OIDC_ISSUER: 'https://sso.example.com/realms/lighthouse',
      AUTHENTICATION_OIDC_JWKS_URL: 'https://sso.example.com/keys',
      AUTHENTICATION_OIDC_CLIENT_ID: 'weaviate',
      AUTHENTICATION_OIDC_GROUPS_CLAIM: 'teams',
    });
    const texts = manifestsIn(platform, 'foundation').flatMap(({ kind, data = {} }) =>
      kind === 'ConfigMap' ? Object.entries(data as Record<string, string>) : [],
    );
    const groupOf = new Map(
      texts
        .filter(([file]) => file.startsWith('role-'))
        .map(([file, text]) => [file, (JSON.parse(text) as { group?: string }).group]),
    );
    expect([groupOf.get('role-platform.json'), groupOf.get('role-on-call.json')]).toEqual([
      'owners',
      'on-call',
    ]);
  });

  test('is told by Vault, whose secret lies beside the others', () => {
    const [held] = heldBy(platform);
    const config = held?.entries.find(({ path }) => path === 'auth/oidc/config')?.body;
    expect(config).toMatchObject({ oidc_discovery_url: 'https://sso.example.com/realms/lighthouse' });
    const role = held?.entries.find(({ path }) => path === 'auth/oidc/role/people')?.body;
    const { cluster, environment } = platform;
    expect(role).toMatchObject({
      bound_claims: { teams: ['owners', 'on-call', 'auditors'] },
      allowed_redirect_uris: [
        `https://vault.${cluster.name}.${environment.domain}/ui/vault/auth/oidc/oidc/callback`,
        'http://localhost:8250/oidc/callback',
      ],
    });
    const secret = find(manifestsIn(platform, 'foundation'), 'ExternalSecret', 'vault-sign-on');
    expect(secret['spec']).toMatchObject({ data: [{ remoteRef: { key: 'lighthouse/sign-on/vault' } }] });
  });

  test('has the same four groups everywhere, without what the API server puts before them', () => {
    const project = find(manifestsIn(platform, 'bootstrap'), 'AppProject', 'lighthouse');
    const roles = spec<AppProjectSpec>(project).roles ?? [];
    expect(Object.fromEntries(roles.map((role) => [role.name, role.groups]))).toEqual({
      platform: ['owners'],
      operator: ['on-call'],
      reader: ['auditors', 'developers'],
    });
    const grafana = manifestsIn(platform, 'operations').flatMap(({ kind, data }) =>
      kind === 'ConfigMap' ? [(data as Record<string, string>)['grafana.ini'] ?? ''] : [],
    );
    expect(grafana.join('')).toContain(
      "contains(teams[*], 'owners') && 'Admin' || contains(teams[*], 'on-call') && 'Editor' || 'Viewer'",
    );
  });
});

test('Argo CD’s roles are of the groups that the API server knows, whoever signs people in', () => {
  const { 'policy.csv': policy = '', scopes } = settingsOf(platformOf('staging'), 'argocd-rbac-cm');
  expect(scopes).toBe('[groups]');
  expect(policy).toContain('g, lighthouse-on-call, role:lighthouse');
  expect(policy).not.toContain('lighthouse-operator');
});
