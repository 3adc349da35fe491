import { vault } from '../../guarantees/vault';
import { policyNameOf } from '../../constructs/vault-mtls/configuration/people';
import type { Platform } from '../../synth/platform';
import { SIGN_ON, vaultOn } from '../constructs/vault';
import { platformWith } from '../support';
import { causesOf, told } from './support';

const sound: Platform = platformWith((ground) => {
  const server = vaultOn(ground, { members: 1, seal: { kind: 'development' }, signOn: SIGN_ON });
  const app = ground.namespaces.add('app');
  server.secret(app, 'login', { entry: 'lighthouse/test/login', properties: ['password'] });
});

interface Entry {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** What is said of people where somebody has changed one thing that Vault is told. */
function causes(path: string, change: (body: Entry['body']) => void): string[] {
  const platform = told(sound, (text) => {
    const desired = JSON.parse(text) as { readonly objects: readonly Entry[] };
    const entry = desired.objects.find((each) => each.path === path);
    if (!entry) throw new Error(`nothing is declared at ${path}`);
    change(entry.body);
    expect(desired).not.toEqual(JSON.parse(text));
    return JSON.stringify(desired);
  });
  return causesOf(vault, platform);
}

const NAME = policyNameOf('auditor');
const POLICY = `sys/policies/acl/${NAME}`;
const GROUP = `identity/group/name/${NAME}`;
const ROLE = 'auth/oidc/role/people';

const allowing =
  (path: string, ...capabilities: readonly string[]) =>
  (body: Entry['body']): void => {
    const list = capabilities.map((capability) => `"${capability}"`).join(', ');
    body['policy'] = `${String(body['policy'])}path "${path}" { capabilities = [${list}] }\n`;
  };

test('people as they are let in are sound', () => {
  expect(causesOf(vault, sound).filter((cause) => !cause.includes('snapshot'))).toEqual([]);
});

test.each<[string, string, (body: Entry['body']) => void, string]>([
  [
    'a group that reads a secret',
    POLICY,
    allowing('secret/data/lighthouse/test/login', 'read'),
    `group ${NAME} of Vault may read secret/data/lighthouse/test/login, which reads secrets`,
  ],
  [
    'a group that decrypts',
    POLICY,
    allowing('transit/decrypt/backups', 'update'),
    `group ${NAME} of Vault may update transit/decrypt/backups, which decrypts`,
  ],
  [
    'a group that signs',
    POLICY,
    allowing('pki/sign/someone', 'update'),
    `group ${NAME} of Vault may update pki/sign/someone, which signs certificates`,
  ],
  [
    'a group that has a login lent',
    POLICY,
    allowing('database/creds/reader', 'read'),
    `group ${NAME} of Vault may read database/creds/reader, which lends logins`,
  ],
  [
    'a group that takes snapshots',
    POLICY,
    allowing('sys/storage/raft/snapshot', 'read'),
    `group ${NAME} of Vault may read sys/storage/raft/snapshot, which takes all of it away`,
  ],
  ...['sys/policies/acl/own', 'auth/token/create', 'identity/group/name/x', 'sys/audit/stdout'].map(
    (path): [string, string, (body: Entry['body']) => void, string] => [
      `a group that writes ${path}`,
      POLICY,
      allowing(path, 'update'),
      `group ${NAME} of Vault may update ${path}, which changes who may what`,
    ],
  ),
  [
    'a group with sudo of more than that',
    POLICY,
    allowing('sys/rotate', 'update', 'sudo'),
    `policy ${NAME} of Vault allows update, sudo at sys/rotate`,
  ],
  [
    'a group with a star',
    POLICY,
    allowing('secret/metadata/*', 'read'),
    `policy ${NAME} of Vault allows read at secret/metadata/*`,
  ],
  [
    'a group whose people Vault knows itself',
    GROUP,
    (body) => void (body['type'] = 'internal'),
    `group ${NAME} of Vault is internal`,
  ],
  [
    'a group with the policy of another',
    GROUP,
    (body) => void (body['policies'] = [policyNameOf('platform')]),
    `policy ${policyNameOf('platform')} of Vault is given to ${policyNameOf('platform')}, ${NAME}`,
  ],
  [
    'a group without a policy',
    GROUP,
    (body) => void (body['policies'] = []),
    `group ${NAME} of Vault has the policies none`,
  ],
  [
    'a sign-on of everybody',
    ROLE,
    (body) => void (body['bound_claims'] = {}),
    `${ROLE} of Vault lets in whoever the provider knows`,
  ],
  [
    'a sign-on with anybody’s token',
    ROLE,
    (body) => void (body['bound_audiences'] = []),
    `${ROLE} of Vault takes tokens that are for anybody`,
  ],
  [
    'a way back without TLS',
    ROLE,
    (body) => void (body['allowed_redirect_uris'] = ['http://vault.example.com/x']),
    `${ROLE} of Vault leads people to http://vault.example.com/x`,
  ],
  [
    'a policy for everybody',
    ROLE,
    (body) => void (body['token_no_default_policy'] = false),
    `${ROLE} of Vault gives everybody default`,
  ],
  [
    'a sign-on for a week',
    ROLE,
    (body) => void (body['token_max_ttl'] = 604800),
    `${ROLE} of Vault signs people in for 7 d`,
  ],
])('%s is found', (_, path, change, cause) => {
  expect(causes(path, change)).toContain(cause);
});
