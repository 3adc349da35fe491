import { load } from 'js-yaml';
import type { Environment } from '../../config/schema';
import { spec } from '../../constructs/platform/workloads';
import type { AppProjectSpec } from '../../imports/argoproj.io';
import { find } from '../support';
import { manifestsIn, platformOf } from './support';

const PROVIDER: NonNullable<Environment['access']>['identityProvider'] = {
  host: 'sso.example.com',
  port: 443,
  cidr: '203.0.113.7/32',
  issuer: '/realms/lighthouse',
  paths: { authorize: '/authorize', token: '/token', userinfo: '/userinfo' },
  groupsClaim: 'teams',
  groupsPrefix: 'oidc:',
  clients: { argocd: 'argocd', grafana: 'grafana' },
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
