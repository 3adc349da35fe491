import { createHash } from 'node:crypto';
import { secrets } from '../../guarantees/secrets';
import { added, causesOf, changed, findingsOf, soundPlatform } from './support';

const SOUND = soundPlatform();

const CLIENT = 'Deployment/app/client';
const CONTAINER = 'spec.template.spec.containers[0]';

const inArgument = (value: string): string[] =>
  causesOf(secrets, changed(SOUND, CLIENT, `${CONTAINER}.args[0]`, value)).map((cause) =>
    cause.replace(/^.* has /, ''),
  );

const inVariable = (name: string, value: string): string[] =>
  causesOf(secrets, changed(SOUND, CLIENT, `${CONTAINER}.env[2]`, { name, value }));

/** Put together here, so that no scanner takes this file for a leak. */
const fake = (...parts: readonly string[]): string => parts.join('');

test('a platform that names its secrets is no finding', () => {
  expect(findingsOf(secrets, SOUND)).toEqual([]);
});

test('a Secret with values is found, one without is not', () => {
  const secret = (fields: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'app' },
    ...fields,
  });
  for (const field of ['data', 'stringData']) {
    expect(findingsOf(secrets, added(SOUND, CLIENT, secret({ [field]: { key: 'eA==' } })))).toEqual([
      {
        path: 'added',
        cause: 'Secret s carries values: key',
        remedy: 'have it made in the cluster: Credentials, a Certificate or an ExternalSecret',
      },
    ]);
  }
  expect(findingsOf(secrets, added(SOUND, CLIENT, secret({ type: 'x', data: {} })))).toEqual([]);
});

test.each([
  [fake('-----BEGIN ', 'PRIVATE KEY-----\nMIIE'), 'a private key'],
  [fake('-----BEGIN EC ', 'PRIVATE KEY-----'), 'a private key'],
  [fake('id AKIA', 'IOSFODNN7EXAMPLE'), 'an AWS access key'],
  [fake('ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'), 'a GitHub token'],
  [fake('glpat-', 'aB3dE6gH9jK2mN5pQ8sT'), 'a GitLab token'],
  [fake('xoxb-', '123456789012-abcdefghij'), 'a Slack token'],
  [fake('https://hooks.slack', '.com/services/T00000000/B00000000/XXXXXXXX'), 'a Slack webhook'],
  [fake('sk-ant-', 'abcdefghijklmnopqrstuvwx'), 'an API key'],
  [fake('AIza', 'SyA1234567890abcdefghijklmnopqrstuv'), 'a Google API key'],
  [fake('hvs.', 'CAESIJabcdefghijklmnop'), 'a Vault token'],
  [fake('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxMjM0In0', '.abcdefghijk'), 'a JSON web token'],
  [fake('postgres://user:', 'hunter2@db:5432/x'), 'a password in a URL'],
  [fake('redis://:', 'hunter2@db:6379'), 'a password in a URL'],
])('%s is %s', (value, what) => {
  expect(inArgument(value)).toEqual([what]);
});

test('findings never show what they found', () => {
  const value = fake('postgres://user:', 'hunter2@db:5432/x');
  const platform = changed(SOUND, CLIENT, `${CONTAINER}.args[0]`, value);
  expect(JSON.stringify(findingsOf(secrets, platform))).not.toContain('hunter2');
});

test.each([
  'postgres://user@db:5432/x',
  'postgres://user:$PASSWORD@db:5432/x',
  'postgres://user:${PASSWORD}@db:5432/x',
  'redis://:@PASSWORD@@db:6379',
  'http://db:6379/x@y',
  'https://github.com/team/project',
])('%s carries no password', (value) => {
  expect(inArgument(value)).toEqual([]);
});

test.each([
  'DATA_PASSWORD',
  'API_KEY',
  'APIKEY',
  'SECRET',
  'GITHUB_TOKEN',
  'AWS_SECRET_ACCESS_KEY',
  'MINIO_ROOT_PASSWORD',
  'PGPASSWORD',
  'REDISCLI_AUTH',
])('variable %s must come from a Secret', (name) => {
  expect(inVariable(name, 'changeme')).toEqual([
    `Deployment client: ${CONTAINER}.env[2].value has the value of ${name} in plain text`,
  ]);
});

test.each([
  ['DATA_PASSWORD_FILE', 'redis-password'],
  ['DATA_PASSWORD', '/run/secrets/password'],
  ['DATA_PASSWORD', '$(OTHER)'],
  ['AUTHENTICATION_APIKEY_ENABLED', 'true'],
  ['AUTHENTICATION_APIKEY_USERS', 'bridge,reader'],
  ['TOKEN_TTL', '15m'],
  ['AWS_REGION', 'eu-central-1'],
  ['KEYCLOAK_MODE', 'production'],
  ['PGPASSFILE', 'pgpass'],
  ['COMPASS', 'north'],
])('variable %s with %s is no secret', (name, value) => {
  expect(inVariable(name, value)).toEqual([]);
});

test.each([
  'requirepass s3cretw0rd',
  'masterauth s3cretw0rd',
  '--password=s3cretw0rd',
  'password: s3cretw0rd',
  '{"token": "s3cretw0rd"}',
  "api_key = 's3cretw0rd'",
])('"%s" is a secret in plain text', (value) => {
  expect(inArgument(value)).toEqual([expect.stringContaining('in plain text')]);
});

test.each([
  'requirepass $PASSWORD',
  'password: ${PASSWORD}',
  'password="$(cat /run/secret/password1)"',
  'password_encryption = scram-sha-256',
  'auth_query password FROM pg_shadow1',
  '--password-file=/run/secrets/password1',
  'the password of a user is made by job 12345',
])('"%s" is not', (value) => {
  expect(inArgument(value)).toEqual([]);
});

test('fields of custom resources are looked at', () => {
  const object = (spec: object) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'app' },
    spec,
  });
  expect(causesOf(secrets, added(SOUND, CLIENT, object({ auth: { password: 'hunter2' } })))).toEqual([
    'Widget w: spec.auth.password has password in plain text',
  ]);
  const reference = object({ auth: { password: { name: 'users', key: 'password' } } });
  expect(findingsOf(secrets, added(SOUND, CLIENT, reference))).toEqual([]);
});

test('files and annotations are looked at', () => {
  const file = changed(SOUND, 'ConfigMap/app/client', 'data.client\\.conf', 'requirepass s3cretw0rd\n');
  expect(causesOf(secrets, file)).toHaveLength(1);
  const annotation = changed(SOUND, CLIENT, 'metadata.annotations.note', fake('AKIA', 'IOSFODNN7EXAMPLE'));
  expect(causesOf(secrets, annotation)).toHaveLength(1);
});

test.each(['base64', 'base64url', 'hex'] as const)(
  'random bytes in %s are found, nearly always',
  (encoding) => {
    const samples = Array.from({ length: 200 }, (_, i) =>
      createHash('sha512').update(String(i)).digest().subarray(0, 32).toString(encoding),
    );
    const found = samples.filter((text) => inArgument(`key ${text}`).length > 0);
    expect(found.length).toBeGreaterThan(encoding === 'base64url' ? 160 : 195);
  },
);

test('a field that says it is a hash may be one', () => {
  const hash = createHash('sha256').update('').digest('hex');
  expect(findingsOf(secrets, changed(SOUND, CLIENT, 'metadata.annotations.checksum/config', hash))).toEqual(
    [],
  );
  expect(causesOf(secrets, changed(SOUND, CLIENT, 'metadata.annotations.note', hash))).toHaveLength(1);
});

test.each([
  ['a digest', `registry.example.com/a@sha256:${createHash('sha256').digest('hex')}`],
  ['a checksum', `checksum ${createHash('sha256').digest('hex')}`],
  ['a long name', 'sentence-transformers-all-MiniLM-L6-v2-1.9.7'],
  ['a path', '/var/lib/postgresql/data/pgdata/global/pg_internal.init.2'],
  ['a word of a program', 'PrometheusRemoteStorageFailuresIn15Minutes'],
  ['a name with a hash', 'objectstorage-administrator-config-3f2a9c81de'],
  ['a short name with a hash', 's3-for-postgres-0c1b5a4f86'],
  ['a path with a hash', 's3/for/postgres/k8s/v1b2/0c1b5a4f86'],
  ['a UUID', '123e4567-e89b-12d3-a456-426614174000'],
  ['a pattern', '[A-Za-z0-9]{24}0123456789abcdefghijklmnopqrstuvwxyz'],
])('%s is no key', (_, value) => {
  expect(inArgument(value)).toEqual([]);
});

test('no hash at the end of a name makes it look like a key', () => {
  const names = Array.from({ length: 2000 }, (_, index) => {
    const hash = createHash('sha256').update(String(index)).digest('hex').slice(0, 10);
    return `s3-for-vector-database-${hash}`;
  });
  expect(causesOf(secrets, changed(SOUND, CLIENT, `${CONTAINER}.args[0]`, names.join(' ')))).toEqual([]);
});
