import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../config/document';
import { environmentFiles, loadEnvironment, loadEnvironments } from '../../config/load';
import { type Edit, edited, expectProblems, problemsIn, problemsOf, sample } from './support';

const inProduction = (edits: readonly Edit[], messages: readonly string[]) =>
  expectProblems('production.yaml', edits, messages);

describe('a file that is well', () => {
  test.each(['development', 'staging', 'production'])('%s loads', (name) => {
    expect(loadEnvironment(`config/${name}.yaml`).environment).toBe(name);
  });

  test('all environments load, in the order of their names', () => {
    expect(loadEnvironments(environmentFiles('config')).map(({ environment }) => environment)).toEqual([
      'development',
      'production',
      'staging',
    ]);
  });

  test('it may use anchors', () => {
    inProduction(
      [
        ['cache: { members', 'cache: &group { members'],
        ['sessions: { members: 3, cpu: 500m, memory: 4Gi, storage: 10Gi }', 'sessions: *group'],
      ],
      [],
    );
  });

  test.each([
    ['a byte order mark', '\uFEFF' + sample('production.yaml')],
    ['line ends of Windows', sample('production.yaml').replaceAll('\n', '\r\n')],
    ['a document marker', `---\n${sample('production.yaml')}`],
  ])('it may have %s', (_, text) => {
    expect(problemsOf('production.yaml', text)).toEqual([]);
  });
});

const CPU = 'must be a Kubernetes quantity of CPU such as 250m, 1.5 or 4';
const BYTES = 'must be a Kubernetes quantity of bytes such as 512Mi or 8Gi';

describe('a wrong value', () => {
  test.each<[...Edit, string]>([
    ['instances: 3', 'instances: ‸three', 'postgres.instances: must be a whole number, got "three"'],
    ['instances: 3', 'instances: ‸2.5', 'postgres.instances: must be a whole number, got the number 2.5'],
    ['instances: 3', 'instances: ‸0', 'postgres.instances: must be at least 1, got 0'],
    ['instances: 3', 'instances: ‸11', 'postgres.instances: must be at most 9, got 11'],
    [
      'instances: 3',
      'instances: ‸.inf',
      'postgres.instances: must be a whole number, got the number Infinity',
    ],
    ['instances: 3', 'instances:‸', 'postgres.instances: must be a whole number, got nothing'],
    ['instances: 3', 'instances: ‸[3]', 'postgres.instances: must be a whole number, got a list'],
    ['instances: 3', 'instances: ‸{}', 'postgres.instances: must be a whole number, got a map'],
    ["cpu: '64'", 'cpu: ‸64', `budgets.cpu: ${CPU}, got the number 64; quote it`],
    ["cpu: '64'", 'cpu: ‸8Gi', `budgets.cpu: ${CPU}, got "8Gi"`],
    ['memory: 256Gi', 'memory: ‸256GB', `budgets.memory: ${BYTES}, got "256GB"`],
    ['memory: 256Gi', 'memory: ‸400m', `budgets.memory: ${BYTES}, got "400m"`],
    ['memory: 256Gi', 'memory: ‸0Gi', `budgets.memory: ${BYTES}, got "0Gi"`],
    [
      'spreading: required',
      'spreading: ‸requird',
      'spreading: must be required or preferred, got "requird"; did you mean "required"?',
    ],
    [
      'state: local',
      'state: ‸externl',
      'bridge.state: must be local or external, got "externl"; did you mean "external"?',
    ],
    [
      'engine: external',
      'engine: ‸ceph',
      'objectStorage.engine: must be minio, seaweedfs or external, got "ceph"',
    ],
    [
      'recoveryPoint: 15m',
      'recoveryPoint: ‸0m',
      'targets.recoveryPoint: must be a duration in whole minutes, hours or days such as 15m, 6h or 30d, got "0m"',
    ],
    [
      'retention: 30d',
      'retention: ‸30m',
      'postgres.backup.retention: must be a duration in whole days such as 30d, got "30m"',
    ],
    [
      'cidr: 10.20.0.0/24',
      'cidr: ‸anywhere',
      'clusters[0].apiServer.cidr: must be an IPv4 CIDR block such as 10.0.0.0/16 or 10.1.2.3/32, got "anywhere"',
    ],
    [
      'zones: [eu-central-1a, eu-central-1b, eu-central-1c]',
      'zones: ‸[]',
      'clusters[0].zones: must have at least 1 entry, got 0',
    ],
    [
      'generations: [1]',
      'generations: ‸[1, 2, 3, 4]',
      'certificateAuthority.generations: must have at most 3 entries, got 4',
    ],
    [
      'generations: [1]',
      'generations: [1, 2, ‸2]',
      'certificateAuthority.generations[2]: is in the list already',
    ],
    [
      'environment: production',
      'environment: ‸staging',
      'environment: must be "production", as the file is called, got "staging"',
    ],
    [
      'environment: production',
      'environment: ‸producton',
      'environment: must be development, staging or production, got "producton"; did you mean "production"?',
    ],
    [
      'branch: dist',
      `branch: ‸"!${'x'.repeat(100)}"`,
      `delivery.branch: must be the name of a Git branch, got "!${'x'.repeat(59)}…"`,
    ],
    [
      'https://git.example.com',
      '‸https://robot:hunter2@git.example.com',
      'delivery.repository: must be a https, ssh or file URL without a password or token in it, ' +
        'got "https://…@git.example.com/platform/lighthouse.git"',
    ],
  ])('%s → %s', (from, to, message) => {
    inProduction([[from, to]], [message]);
  });

  test('behind an alias is pointed at where the alias stands for it', () => {
    inProduction(
      [
        ['members: 3, cpu: 500m', 'members: &half ‸3.5, cpu: &cpu ‸500'],
        ['members: 3, cpu: 500m', 'members: ‸*half, cpu: ‸*cpu'],
      ],
      [
        'redis.cache.members: must be a whole number, got the number 3.5',
        `redis.cache.cpu: ${CPU}, got the number 500; quote it`,
        'redis.sessions.members: must be a whole number, got the number 3.5',
        `redis.sessions.cpu: ${CPU}, got the number 500; quote it`,
      ],
    );
  });

  test('inside what an alias stands for is pointed at where it is written', () => {
    inProduction(
      [
        ['cache: { members: 3', 'cache: &group { members: ‸‸12'],
        ['sessions: { members: 3, cpu: 500m, memory: 4Gi, storage: 10Gi }', 'sessions: *group'],
      ],
      ['redis.cache.members: must be at most 9, got 12', 'redis.sessions.members: must be at most 9, got 12'],
    );
  });
});

describe('a key', () => {
  test.each<[...Edit, string]>([
    ['spreading: required', 'spreading: required\n‸flavour: mint', 'flavour: unknown key'],
    [
      'state: local',
      'state: local\n  replicas: ‸3',
      'bridge.replicas: must not be given with state local: sessions and the numbers of events are known to one process alone, and a second one would refuse what the first has handed out, got the number 3',
    ],
    [
      "state: local\n  cpu: '2'\n  memory: 2Gi\n  storage: 100Gi",
      "state: external\n  cpu: '2'\n  memory: 2Gi\n  replicas: 3\n  storage: ‸100Gi",
      'bridge.storage: must not be given with state external: events are in PostgreSQL, got "100Gi"',
    ],
    [
      'secretPath: lighthouse/production/vault-seal',
      'secretPath: lighthouse/production/vault-seal\n    from: ‸vault',
      'vault.seal.from: must not be given: what opens Vault cannot be locked up in it; name a secretStore, got "vault"',
    ],
    [
      'secretPath: lighthouse/production/object-storage',
      'secretPath: lighthouse/production/object-storage\n    from: ‸vault',
      'objectStorage.external.from: must not be given: a lost Vault comes back from a bucket, and cannot hold the keys to it; name a secretStore, got "vault"',
    ],
    [
      'postgres:',
      `access:
  groups: { platform: owners, onCall: on-call, auditor: auditors, developer: developers }
  identityProvider:
    host: sso.example.com
    port: 443
    cidr: 203.0.113.7/32
    paths: { authorize: /authorize, token: /token, userinfo: /userinfo, keys: /keys }
    clients: { argocd: argocd, grafana: grafana, vault: vault, weaviate: weaviate }
    secretStore: platform
    from: ‸vault
    secretPath: lighthouse/sign-on
postgres:`,
      'access.identityProvider.from: must not be given: Vault signs people in by this secret, and could be read by nobody before it has it; name a secretStore, got "vault"',
    ],
    ['spreading: required', 'spreading: required\n‸__proto__: {}', '__proto__: unknown key'],
    ['spreading: required', 'spreading: required\n‸constructor: {}', 'constructor: unknown key'],
    ['spreading: required', 'spreading: required\n‸"a b\\n": 1', '"a b\\n": unknown key'],
    ['spreading: required', 'spreading: required\n‸<<: { a: 1 }', '"<<": unknown key'],
    ['environment: production', '‸environment: production\n? [a]\n: 1', '"[ a ]": unknown key'],
    ['retention: 30d', 'retention: 30d\n    ‸retntion: 7d', 'postgres.backup.retntion: unknown key'],
    ['storageKind: ssd', '‸storageKin: ssd', 'postgres.storageKin: unknown key; did you mean "storageKind"?'],
    ['instances: 3', 'instances: 3\n  ‸instances: 5', 'postgres.instances: duplicate key'],
    ['    role: standby', '    role: primary\n    ‸role: standby', 'clusters[1].role: duplicate key'],
    [
      'name: dublin\n    region: eu-west-1\n    role: standby',
      '‸name: dublin\n    region: eu-west-1',
      'clusters[1].role: is missing',
    ],
    ['nodes: { count: 9, ', '‸nodes: { ', 'clusters[0].nodes.count: is missing'],
  ])('%s → %s', (from, to, message) => {
    inProduction([[from, to]], [message]);
  });

  test('misspelt is unknown, and the right one is missing where it must be given', () => {
    inProduction(
      [
        ['delivery:', '‸delivery:'],
        ['branch: dist', '‸brnach: dist'],
      ],
      ['delivery.branch: is missing', 'delivery.brnach: unknown key; did you mean "branch"?'],
    );
  });

  test('given twice counts the second time', () => {
    inProduction(
      [['instances: 3', 'instances: 3\n  ‸instances: ‸ten']],
      ['postgres.instances: duplicate key', 'postgres.instances: must be a whole number, got "ten"'],
    );
  });

  test('missing from the top is pointed at there', () => {
    inProduction(
      [
        ['environment', '‸environment'],
        ['spreading: required\n', ''],
      ],
      ['spreading: is missing'],
    );
  });
});

test('all problems are reported at once in the order of the file, those between values included', () => {
  inProduction(
    [
      ['domain: lighthouse.example.com', 'domain: ‸Lighthouse'],
      ['memory: 256Gi', 'memory: 256Gi\n  ‸disk: 1Ti'],
      ['name: dublin', 'name: ‸frankfurt'],
      ['instances: 3', 'instances: ‸2'],
      ['objectStorage:', '‸objectStorage:'],
      ['  engine: external\n', ''],
    ],
    [
      'domain: must be a DNS name such as lighthouse.example.com, got "Lighthouse"',
      'budgets.disk: unknown key',
      'clusters[1].name: clusters[0] is called "frankfurt" already',
      'postgres.instances: must be odd and at least 3 for a quorum, got 2',
      'objectStorage.engine: is missing',
    ],
  );
});

describe('a file that is no YAML', () => {
  test.each<[string, string | Uint8Array, readonly string[]]>([
    ['nothing', '', ['1:1 is empty']],
    ['a comment only', '# later\n', ['1:1 is empty']],
    ['null', 'null\n', ['1:1 is empty']],
    ['a list', '- 1\n', ['1:1 must be a map, got a list']],
    ['a text', '\n hello', ['2:2 must be a map, got "hello"']],
    ['two documents', 'a: 1\n---\nb: 2\n', ['2:1 must hold one YAML document, here begins another']],
    [
      'bytes of another encoding',
      Uint8Array.from([97, 58, 32, 98, 10, 99, 58, 32, 0xff]),
      ['2:4 must be UTF-8 text'],
    ],
    ['UTF-16', Buffer.from('\uFEFFa: b', 'utf16le'), ['1:1 must be UTF-8 text']],
    [
      'several errors',
      'a: "b" c\nd: }\n',
      [
        '1:8 is no valid YAML: Unexpected scalar at node end',
        '2:4 is no valid YAML: Unexpected flow-map-end token in YAML stream: "}"',
      ],
    ],
    ['tabs', 'a:\n\tb: 1\n', ['2:1 is no valid YAML: Tabs are not allowed as indentation']],
    ['an unknown tag', 'a: !vault b\n', ['1:4 is no valid YAML: Unresolved tag: !vault']],
    ['an unknown anchor', 'a: 1\nb: *c\n', ['2:4 there is no anchor &c before *c']],
    ['an anchor that comes too late', 'a: *b\nc: &b 1\n', ['1:4 there is no anchor &b before *b']],
    [
      'a billion laughs',
      'a: &a [x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n',
      ['1:1 is no valid YAML: Excessive alias count indicates a resource exhaustion attack'],
    ],
  ])('%s', (_, text, expected) => {
    expect(problemsOf('staging.yaml', text)).toEqual(expected.map((problem) => `staging.yaml:${problem}`));
  });

  test('nesting without end', () => {
    expect(problemsOf('staging.yaml', '['.repeat(50_000))[0]).toMatch(
      /^staging\.yaml:1:\d+ is no valid YAML: /,
    );
  });

  test('a map in itself', () => {
    inProduction([['delivery:', 'delivery: &itself\n  ‸itself: *itself']], ['delivery.itself: unknown key']);
  });

  test('a file too large', () => {
    expect(problemsOf('staging.yaml', '#'.repeat(2 ** 20 + 1))).toEqual([
      'staging.yaml: must not be larger than 1 MiB',
    ]);
  });
});

describe('files and folders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'folder-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const name = folder.replace(/.*\//, '');
  const inFolder = (path: string): string => {
    const into = join(folder, path);
    mkdirSync(into, { recursive: true });
    return into;
  };
  const said = (load: () => unknown) => problemsIn(folder, load);

  test('paths are relative to where the program runs', () => {
    expect(() => loadEnvironment(join(process.cwd(), 'config/nowhere.yaml'))).toThrow(
      new ConfigError(['config/nowhere.yaml: does not exist']),
    );
  });

  test('a folder is no file', () => {
    const file = inFolder('production.yaml');
    expect(said(() => loadEnvironment(file))).toEqual([`${name}/production.yaml: is a folder, not a file`]);
  });

  test('a file that cannot be read says why', () => {
    const file = join(inFolder('loop'), 'staging.yaml');
    symlinkSync(file, file);
    expect(said(() => loadEnvironment(file))).toEqual([
      expect.stringMatching(`^${name}/loop/staging.yaml: cannot be read: ELOOP`),
    ]);
  });

  test('a folder without environments is an error, images are none', () => {
    const empty = inFolder('empty');
    writeFileSync(join(empty, 'images.yaml'), '');
    expect(said(() => loadEnvironments(environmentFiles(empty)))).toEqual([
      `${name}/empty: there is no environment, such as production.yaml`,
    ]);
  });

  test('a missing folder is an error', () => {
    expect(said(() => loadEnvironments(environmentFiles(join(folder, 'nowhere'))))).toEqual([
      `${name}/nowhere: does not exist`,
    ]);
  });

  test('the problems of all files are reported at once', () => {
    const both = inFolder('both');
    for (const file of ['production.yaml', 'development.yaml']) {
      writeFileSync(join(both, file), edited(file, ['spreading: ', 'spreading: not-']));
    }
    expect(said(() => loadEnvironments(environmentFiles(both)))).toEqual([
      `${name}/both/development.yaml:6:12 spreading: must be required or preferred, got "not-preferred"`,
      `${name}/both/production.yaml:6:12 spreading: must be required or preferred, got "not-required"`,
    ]);
  });
});
