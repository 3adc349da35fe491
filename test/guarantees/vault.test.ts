import { Construct } from 'constructs';
import { ExternalSecret } from '../../imports/external-secrets.io';
import { Connections } from '../../constructs/platform/connections';
import { operators } from '../../guarantees/operators';
import { vault } from '../../guarantees/vault';
import type { Platform } from '../../synth/platform';
import { BUCKET, vaultOn } from '../constructs/vault';
import { platformWith } from '../support';
import { causesOf, DESIRED, told, without } from './support';

/** Somebody who listens, with a certificate of Vault's, and reads a secret of Vault's. */
class Consumer extends Construct {
  readonly connections = new Connections(this, { name: 'consumer', component: 'server' });
  readonly endpoint = this.connections.listen('https', 8443);
}

const sound: Platform = platformWith((ground) => {
  const server = vaultOn(ground, {
    members: 1,
    seal: { kind: 'development' },
    backup: {
      bucket: BUCKET,
      folder: 'here',
      cliImage: 'registry.example.com/aws:1.0.0',
      schedule: '30 * * * *',
    },
  });
  const app = ground.namespaces.add('app');
  const { endpoint } = new Consumer(app, 'consumer');
  server.issue(endpoint);
  server.secret(app, 'login', { entry: 'lighthouse/test/login', properties: ['password'] });
});

const STORE = 'lighthouse-app-login-store';
const causes = (platform: Platform): string[] => causesOf(vault, platform);

test('what the verbs declare is sound, and so are the ways to Vault', () => {
  expect(causes(sound)).toEqual([]);
  expect(causesOf(operators, sound)).toEqual([]);
});

test('an operator that Vault does not let in is found', () => {
  const [members] = sound.connections.filter(({ construct }) =>
    construct.node.path.endsWith('/vault/Members'),
  );
  expect(members?.clients.size).toBeGreaterThan(0);
  const cutOff = { ...sound, connections: sound.connections.filter((each) => each !== members) };
  expect(causesOf(operators, cutOff)).toContainEqual(
    'SecretStore login-store: spec.provider.vault.server names https://vault.vault.svc.cluster.local:8200, which belongs to no declared endpoint'.replace(
      'https://',
      '',
    ),
  );
});

test.each<[string, (text: string) => string, RegExp]>([
  [
    'a role under another name',
    (text) => text.replaceAll(`role/${STORE}"`, 'role/lighthouse-other"'),
    /in role lighthouse-app-login-store, and that account's is lighthouse-other/,
  ],
  [
    'a role of two accounts',
    (text) => text.replace('"login-store"\n', '"login-store", "default"\n'),
    /role lighthouse-app-login-store of Vault lets in ServiceAccount\/app\/login-store, ServiceAccount\/app\/default/,
  ],
  [
    'a role of an account that nothing makes',
    (text) => text.replace('"login-store"\n', '"nobody"\n'),
    /is for ServiceAccount\/app\/nobody, which nothing makes/,
  ],
  [
    'a role of an account as which nobody logs in',
    (text) => text.replace('"vault-snapshots"', '"vault-members"'),
    /is for ServiceAccount\/vault\/vault-members, as which nobody logs in/,
  ],
  [
    'a login that never ends',
    (text) => text.replace('"token_max_ttl": 900', '"token_max_ttl": 0'),
    /makes logins that last as long as they like/,
  ],
  [
    'a login that lasts a day',
    (text) => text.replace('"token_max_ttl": 900', '"token_max_ttl": 86400'),
    /makes logins that last 24 h/,
  ],
  [
    'a role without an audience',
    (text) => text.replace('"audience": "vault"', '"audience": "kubernetes"'),
    /takes tokens that are for kubernetes/,
  ],
  [
    'a policy with a star',
    (text) => text.replace('secret/data/lighthouse/test/login', 'secret/data/*'),
    /policy lighthouse-app-login-store of Vault allows read at secret\/data\/\*/,
  ],
  [
    'a policy with sudo',
    (text) => text.replace(/(lighthouse\/test\/login\\" \{ capabilities = \[)/, '$1\\"sudo\\", '),
    /allows sudo, read at secret\/data\/lighthouse\/test\/login/,
  ],
  [
    'a policy that two roles have',
    (text) =>
      text.replace(`"token_policies": [\n          "${STORE}"`, '"token_policies": [\n          "snapshot"'),
    /policy snapshot of Vault is given to snapshot, lighthouse-app-login-store/,
  ],
  [
    'a right that nobody uses',
    (text) =>
      text.replace(
        'path \\"secret/data',
        'path \\"secret/data/other\\" { capabilities = [\\"read\\"] }\\npath \\"secret/data',
      ),
    /ServiceAccount\/app\/login-store may read secret\/data\/other in Vault, which nothing fetches/,
  ],
  [
    'a certificate for ever',
    (text) => text.replace('"max_ttl": 7776000', '"max_ttl": 0'),
    /pki\/roles\/lighthouse-app-consumer-vault-https of Vault lends for as long as anybody likes/,
  ],
  [
    'a name that Vault does not sign',
    (text) => text.replace('"consumer.app.svc.cluster.local"', '"other.app.svc.cluster.local"'),
    /Certificate consumer-https-tls is for consumer\.app\.svc\.cluster\.local, and Vault signs/,
  ],
])('%s is found', (_, change, cause) => {
  expect(causes(told(sound, change))).toContainEqual(expect.stringMatching(cause));
});

test('whoever logs in without a role is found', () => {
  const none = without(sound, DESIRED);
  expect(causes(none)).toContainEqual(
    'SecretStore login-store logs in to Vault as ServiceAccount/app/login-store, for which there is no role',
  );
  expect(causes(none)).toContainEqual(expect.stringMatching(/^CronJob vault-drift logs in to Vault/));
});

test('a secret that may not be read is found', () => {
  const more = platformWith((ground) => {
    const server = vaultOn(ground, {
      members: 1,
      seal: { kind: 'development' },
      backup: {
        bucket: BUCKET,
        folder: 'here',
        cliImage: 'registry.example.com/aws:1.0.0',
        schedule: '30 * * * *',
      },
    });
    const app = ground.namespaces.add('app');
    new ExternalSecret(app, 'extra', {
      spec: {
        secretStoreRef: server.storeFor(app, ['one']),
        target: { name: 'extra' },
        data: ['one', 'two'].map((key) => ({ secretKey: key, remoteRef: { key, property: 'value' } })),
      },
    });
  });
  expect(causes(more)).toEqual([
    'ExternalSecret extra fetches secret/data/two, which ServiceAccount/app/store may not read',
  ]);
});
