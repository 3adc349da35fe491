import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { ArgoCdSettings, ArgoCdSettingsProps } from '../../constructs/argo-cd';
import { SignOnSecret } from '../../constructs/argo-cd/sign-on';
import { rolesOf } from '../../constructs/delivery/roles';
import { ClusterStore } from '../../constructs/platform/secret-source';
import { find, manifestsOf, platformWith } from '../support';

const settings = (props?: ArgoCdSettingsProps) =>
  manifestsOf(
    platformWith(({ namespaces }) => {
      new ArgoCdSettings(namespaces.existing('argocd'), 'settings', props);
    }),
  );

const dataOf = (name: string, props?: ArgoCdSettingsProps): Record<string, string> =>
  find(settings(props), 'ConfigMap', name)['data'] as Record<string, string>;

/** Every prop; a new one does not compile until it is here. */
const every: Required<ArgoCdSettingsProps> = {
  syncTimeoutSeconds: 120,
  pollSeconds: 10,
  members: { platform: ['owners'], operator: ['on-call'], reader: ['auditors', 'developers'] },
  signOn: {
    host: 'argocd.example.com',
    issuer: 'https://sso.example.com/realms/lighthouse',
    clientId: 'argocd',
    groupsClaim: 'teams',
  },
};

describe("Argo CD's settings", () => {
  // Argo CD watches ConfigMaps with this label only (util/settings, ByPartOf): without it a setting is silently none.
  test('carry the label that Argo CD reads them by', () => {
    const own = settings().filter(({ metadata }) => metadata.namespace === 'argocd');
    expect(own.map(({ metadata }) => metadata.name)).toEqual([
      'argocd-cm',
      'argocd-rbac-cm',
      'argocd-cmd-params-cm',
      'argocd-notifications-cm',
    ]);
    for (const { metadata } of own) expect(metadata.labels?.['app.kubernetes.io/part-of']).toBe('argocd');
  });

  test('bring the health of kinds as it stands in its file, under the name that Argo CD looks for', () => {
    const files = readdirSync(join(__dirname, '../../constructs/argo-cd/health'));
    const keys = Object.keys(dataOf('argocd-cm')).filter((key) => key.includes('.health.'));
    expect(files.length).toBeGreaterThan(0);
    expect(keys).toEqual(
      files.toSorted().map((file) => `resource.customizations.health.${file.replace(/\.lua$/, '')}`),
    );
    for (const key of keys) {
      expect(key).toMatch(/\.health\.[a-z0-9.-]+_[A-Z][A-Za-z]+$/);
      expect(dataOf('argocd-cm')[key]).toMatch(/status = 'Healthy'|status\.health\.status/);
    }
  });

  test('bound a sync and ask for news, as told', () => {
    expect(dataOf('argocd-cmd-params-cm')).toMatchObject({ 'controller.sync.timeout.seconds': '1800' });
    expect(dataOf('argocd-cm')).toMatchObject({ 'timeout.reconciliation': '60s' });
    expect(dataOf('argocd-cmd-params-cm', every)).toMatchObject({ 'controller.sync.timeout.seconds': '120' });
    expect(dataOf('argocd-cm', every)).toMatchObject({
      'timeout.reconciliation': '10s',
      'timeout.reconciliation.jitter': '2s',
    });
  });

  test.each<[Partial<typeof every>, string]>([
    [{ syncTimeoutSeconds: 59 }, 'syncTimeoutSeconds must be whole and at least 60, got 59'],
    [{ syncTimeoutSeconds: 100.5 }, 'syncTimeoutSeconds must be whole and at least 60, got 100.5'],
    [{ pollSeconds: 0 }, 'pollSeconds must be whole and at least 1, got 0; 0 would mean never'],
  ])('refuse %j', (props, message) => {
    expect(() => settings(props)).toThrow(message);
  });

  test('refuse to be nowhere', () => {
    expect(() => platformWith(({ chart }) => void new ArgoCdSettings(chart, 'settings'))).toThrow(
      'must be built inside a namespace',
    );
  });

  test('let nobody in by default, and every role see what its Applications lie in', () => {
    const { 'policy.default': byDefault, 'policy.csv': policy = '' } = dataOf('argocd-rbac-cm');
    expect(byDefault).toBe('');
    const lines = policy.trim().split('\n');
    const members = lines.filter((line) => line.startsWith('g, ')).map((line) => line.split(', ')[1]);
    expect(members).toEqual(rolesOf('any').flatMap(({ groups = [] }) => groups));
    const rights = lines.filter((line) => line.startsWith('p, '));
    expect(rights.map((line) => line.split(', ').slice(2).join(' '))).toEqual([
      'projects get * allow',
      'repositories get * allow',
      'clusters get * allow',
    ]);
  });

  test('sign nobody in by a provider that nobody named', () => {
    expect(Object.keys(dataOf('argocd-cm'))).not.toContain('oidc.config');
    expect(dataOf('argocd-rbac-cm')['scopes']).toBe('[groups]');
  });

  test('sign people in by the provider, with its groups and a secret by reference', () => {
    const { url, 'oidc.config': oidc = '' } = dataOf('argocd-cm', every);
    expect(url).toBe('https://argocd.example.com');
    expect(load(oidc)).toMatchObject({
      issuer: 'https://sso.example.com/realms/lighthouse',
      clientID: 'argocd',
      clientSecret: '$argocd-sign-on:clientSecret',
    });
    const { scopes, 'policy.csv': policy = '' } = dataOf('argocd-rbac-cm', every);
    expect(scopes).toBe('[teams]');
    const members = policy.split('\n').filter((line) => line.startsWith('g, '));
    expect(members).toEqual(
      ['owners', 'on-call', 'auditors', 'developers'].map((group) => `g, ${group}, role:lighthouse`),
    );
  });

  test('have their secret fetched under the name and label that the reference is followed by', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces }) => {
        const props = { source: new ClusterStore('platform'), secretPath: 'lighthouse/argocd' };
        new SignOnSecret(namespaces.existing('argocd'), 'sign-on', props);
      }),
    );
    expect(manifests.find(({ kind }) => kind === 'ExternalSecret')).toMatchObject({
      metadata: { name: 'argocd-sign-on', namespace: 'argocd' },
      spec: {
        secretStoreRef: { kind: 'ClusterSecretStore', name: 'platform' },
        target: {
          name: 'argocd-sign-on',
          template: { metadata: { labels: { 'app.kubernetes.io/part-of': 'argocd' } } },
        },
        data: [
          { secretKey: 'clientSecret', remoteRef: { key: 'lighthouse/argocd', property: 'clientSecret' } },
        ],
      },
    });
  });

  test('say what fails to an address that only a Secret knows', () => {
    const data = dataOf('argocd-notifications-cm');
    expect(load(data['service.webhook.platform'] ?? '')).toMatchObject({ url: '$platform-webhook-url' });
    const [subscription] = load(data['subscriptions'] ?? '') as {
      triggers: string[];
      recipients: string[];
    }[];
    expect(subscription).toEqual({ recipients: ['platform'], triggers: ['on-degraded', 'on-sync-failed'] });
    for (const trigger of subscription?.triggers ?? []) {
      const conditions = load(data[`trigger.${trigger}`] ?? '') as { send: string[] }[];
      for (const template of conditions.flatMap(({ send }) => send))
        expect(load(data[`template.${template}`] ?? '')).toHaveProperty('webhook.platform');
    }
  });
});
