import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rules } from '../../config/rules';
import { type Edit, edited, expectProblems, problemsOf } from './support';

const PRODUCTION = 'production.yaml';
const DEVELOPMENT = 'development.yaml';
const ZONES = 'zones: [eu-central-1a, eu-central-1b, eu-central-1c]';
const DUBLIN = '  - name: dublin';
const EXTERNAL = `  engine: external
  external:
    host: s3.eu-central-1.example.com
    port: 443
    cidr: 203.0.113.0/24
    region: eu-central-1
    bucketPrefix: lighthouse-production-
    secretStore: platform
    secretPath: lighthouse/production/object-storage
`;
const SIZES = '  cpu: 500m\n  memory: 1Gi\n  storage: 1Ti\n';
const RECOVERY = (server: string, time: string) =>
  `retention: 30d\n  recoverFrom: { serverName: ${server}, targetTime: ${time} }`;
const AGENT = (id: string) => `{ id: ${id}, type: security, capabilities: [audit] }`;
const SPREAD: Edit = ['spreading: preferred', 'spreading: required'];
const P256 = [
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPVr/l6yx2EfOjkvujlqviqpOqst4',
  'x5INn8l58jD0Yb2FXx8OpAykmmwbHukufheD4ZIHYcxSD7OfewC6cohFzg==',
];
const X25519 = ['MCowBQYDK2VuAyEAszftPQCx8RSuRZRd02OTaR4eLNG4z6AiA64kL/bOvV8='];
const signatures = (lines: readonly string[], mark = '') => {
  const pem = ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----'];
  return `signatures:\n  images: [bridge]\n  publicKeys:\n    - ${mark}|\n      ${pem.join('\n      ')}\n`;
};

/** For each rule, edits of a sample that break it (and nothing else), and what is said then. */
const violations: Record<string, readonly (readonly [string, readonly Edit[], readonly string[]])[]> = {
  'cluster names are unique': [
    [
      PRODUCTION,
      [['name: dublin', 'name: ‸frankfurt']],
      ['clusters[1].name: clusters[0] is called "frankfurt" already'],
    ],
  ],
  'one cluster is the primary': [
    [
      PRODUCTION,
      [['role: standby', 'role: ‸primary']],
      ['clusters[1].role: must be standby: clusters[0] is the primary'],
    ],
    [
      PRODUCTION,
      [
        ['  - name: frankfurt', '  ‸- name: frankfurt'],
        ['role: primary', 'role: standby'],
      ],
      ['clusters: must have one cluster with role primary, got none'],
    ],
  ],
  'groups begin with what the API server puts before them': [
    [
      PRODUCTION,
      [
        [
          'postgres:',
          `access:
  groups: { platform: ‸owners, onCall: ‸'oidc:', auditor: oidc:auditors, developer: oidc:developers }
  identityProvider:
    host: sso.example.com
    port: 443
    cidr: 203.0.113.7/32
    paths: { authorize: /authorize, token: /token, userinfo: /userinfo, keys: /keys }
    groupsPrefix: 'oidc:'
    clients: { argocd: argocd, grafana: grafana, vault: vault, weaviate: weaviate }
    secretStore: platform
    secretPath: lighthouse/sign-on
postgres:`,
        ],
      ],
      [
        'access.groups.platform: must begin with "oidc:" (identityProvider.groupsPrefix) and go on, got "owners"',
        'access.groups.onCall: must begin with "oidc:" (identityProvider.groupsPrefix) and go on, got "oidc:"',
      ],
    ],
  ],
  'public keys can be read': [
    [
      PRODUCTION,
      [['postgres:', `${signatures(['AAAA'], '‸')}postgres:`]],
      [
        'signatures.publicKeys[0]: must be an ECDSA, RSA or Ed25519 key: what is between its first and its last line is none',
      ],
    ],
    [
      PRODUCTION,
      // A key of X25519: nothing can be signed with it.
      [['postgres:', `${signatures(X25519, '‸')}postgres:`]],
      [
        'signatures.publicKeys[0]: must be an ECDSA, RSA or Ed25519 key: what is between its first and its last line is none',
      ],
    ],
  ],
  'sync windows are in a time zone that exists': [
    [
      PRODUCTION,
      [
        [
          'branch: dist',
          'branch: dist\n  syncWindows:\n    - { kind: deny, schedule: 0 16 * * 5, duration: 62h, timeZone: ‸Europe/Atlantis, manualSync: true }',
        ],
      ],
      ['delivery.syncWindows[0].timeZone: must be a time zone of the IANA database, got "Europe/Atlantis"'],
    ],
  ],
  'sync windows begin at times that exist': [
    [
      PRODUCTION,
      [
        [
          'branch: dist',
          'branch: dist\n  syncWindows:\n    - { kind: deny, schedule: ‸0 24 * * 5, duration: 62h, timeZone: Europe/Berlin, manualSync: true }',
        ],
      ],
      [
        'delivery.syncWindows[0].schedule: must be minute, hour, day, month and weekday as in "0 18 * * 5", got "0 24 * * 5"',
      ],
    ],
  ],
  'maintenance is in a time zone that exists, and ends after it begins': [
    [
      PRODUCTION,
      [['timeZone: Europe/Berlin }', 'timeZone: ‸Europe/Atlantis }']],
      [
        'observability.alerting.maintenance[0].timeZone: must be a time zone of the IANA database, got "Europe/Atlantis"',
      ],
    ],
    [
      PRODUCTION,
      [["to: '05:00'", "to: ‸'02:00'"]],
      ['observability.alerting.maintenance[0].to: must be later than 02:00, got "02:00"'],
    ],
  ],
  'maintenance windows have names of their own': [
    [
      PRODUCTION,
      [
        [
          '    maintenance:\n',
          "    maintenance:\n      - { name: sunday-night, weekdays: [monday], from: '01:00', to: '02:00', timeZone: UTC }\n",
        ],
        ['- { name: sunday-night, weekdays: [sunday]', '- { name: ‸sunday-night, weekdays: [sunday]'],
      ],
      ['observability.alerting.maintenance[1].name: "sunday-night" is in the list already'],
    ],
  ],
  'whoever is told can be reached': [
    [
      PRODUCTION,
      [
        ['      proxy: { host: proxy.example.com, port: 3128, cidr: 203.0.113.128/32 }\n', ''],
        ['      page: {', '      page: ‸{'],
        ['host: hooks.slack.com }', 'host: hooks.slack.com, address: { port: 443, cidr: 198.51.100.0/24 } }'],
        ['host: hc-ping.com }', 'host: hc-ping.com, address: { port: 443, cidr: 198.51.100.0/24 } }'],
      ],
      ['observability.alerting.receivers.page: must have an address where there is no proxy to it'],
    ],
  ],
  'secrets of receivers are in one place': [
    [
      PRODUCTION,
      [
        [
          '      secretStore: platform\n      secretPath: lighthouse/production/alerting',
          '      from: vault\n      ‸secretStore: platform\n      secretPath: lighthouse/production/alerting',
        ],
      ],
      ['observability.alerting.receivers.secretStore: must not be given with from: vault'],
    ],
    [
      PRODUCTION,
      [
        ['    receivers:\n', '    ‸receivers:\n'],
        [
          '      secretStore: platform\n      secretPath: lighthouse/production/alerting',
          '      secretPath: x',
        ],
      ],
      ['observability.alerting.receivers.secretStore: is missing; name one, or write from: vault'],
    ],
  ],
  'in production somebody is told': [
    [
      PRODUCTION,
      [
        [
          / {4}receivers:\n(?: {6}.*\n)+/.exec(readFileSync(join(__dirname, PRODUCTION), 'utf8'))?.[0] ?? '',
          '',
        ],
        ['  alerting:\n    ', '  alerting:\n    ‸'],
      ],
      ['observability.alerting: must have receivers in production: without them alerts are only printed'],
    ],
  ],
  'zones are unique': [
    [DEVELOPMENT, [['zones: [a]', 'zones: [a, ‸a]']], ['clusters[0].zones[1]: "a" is in the list already']],
  ],
  'members can form a majority': [
    [
      PRODUCTION,
      [['instances: 3', 'instances: ‸2']],
      ['postgres.instances: must be odd and at least 3 for a quorum, got 2'],
    ],
    [
      PRODUCTION,
      [['instances: 3', 'instances: ‸1']],
      ['postgres.instances: must be odd and at least 3 for a quorum, got 1'],
    ],
    [
      DEVELOPMENT,
      [
        ['instances: 1', 'instances: ‸2'],
        ['cache: { members: 1', 'cache: { members: ‸4'],
        ['sessions: { members: 1', 'sessions: { members: ‸6'],
        ['vectorDatabase:\n  members: 1', 'vectorDatabase:\n  members: ‸8'],
      ],
      [
        'postgres.instances: must be 1, or odd and at least 3 for a quorum, got 2',
        'redis.cache.members: must be 1, or odd and at least 3 for a quorum, got 4',
        'redis.sessions.members: must be 1, or odd and at least 3 for a quorum, got 6',
        'vectorDatabase.members: must be 1, or odd and at least 3 for a quorum, got 8',
      ],
    ],
  ],
  'Vault is not opened by a key beside it, where secrets are worth something': [
    [
      PRODUCTION,
      [
        ['vault:\n  members: 3', 'vault:\n  members: ‸3'],
        [
          '  seal:\n    kind: awskms\n    region: eu-central-1\n    key: alias/lighthouse-production-vault\n    host: kms.eu-central-1.amazonaws.com\n    port: 443\n    cidr: 203.0.113.192/28\n    secretStore: platform\n    secretPath: lighthouse/production/vault-seal',
          '  seal: { kind: ‸development }',
        ],
      ],
      [
        'vault.members: must be 1 with seal development, got 3',
        'vault.seal.kind: must not be development in production: whoever reads one Secret would have every secret; use awskms, gcpckms, azurekeyvault or transit',
      ],
    ],
  ],
  'several members of Vault are opened from outside': [
    [
      DEVELOPMENT,
      [['vault:\n  members: 1', 'vault:\n  members: ‸3']],
      ['vault.members: must be 1 with seal development, got 3'],
    ],
  ],
  'who opens Vault has real addresses': [
    [
      PRODUCTION,
      [['cidr: 203.0.113.192/28', 'cidr: ‸203.0.113.193/28']],
      ['vault.seal.cidr: must begin where the block begins, 203.0.113.192/28, got 203.0.113.193/28'],
    ],
  ],
  'production has no single pod to lose': [
    [
      PRODUCTION,
      [
        ['poolers: 3', 'poolers: ‸1'],
        ['proxies: 3', 'proxies: ‸1'],
        ['replicas: 3', 'replicas: ‸1'],
        ['edge: { replicas: 3', 'edge: { replicas: ‸1'],
      ],
      [
        'postgres.poolers: must be at least 2 in production, got 1',
        'redis.proxies: must be at least 2 in production, got 1',
        'vectorDatabase.embeddings.replicas: must be at least 2 in production, got 1',
        'edge.replicas: must be at least 2 in production, got 1',
      ],
    ],
  ],
  'production spans three zones and two regions': [
    [
      PRODUCTION,
      [['spreading: required', 'spreading: ‸preferred']],
      ['spreading: must be required in production, got "preferred"'],
    ],
    [
      PRODUCTION,
      [[ZONES, 'zones: ‸[eu-central-1a, eu-central-1b]']],
      ['clusters[0].zones: must be at least 3 in production, so that a majority outlives one, got 2'],
    ],
    [
      PRODUCTION,
      [
        ['  - name: frankfurt', '  ‸- name: frankfurt'],
        ['region: eu-west-1', 'region: eu-central-1'],
      ],
      ['clusters: must lie in at least 2 regions in production, got eu-central-1 alone'],
    ],
    [
      PRODUCTION,
      [
        ['  - name: frankfurt', '  ‸- name: frankfurt'],
        [
          edited(PRODUCTION).slice(
            edited(PRODUCTION).indexOf(DUBLIN),
            edited(PRODUCTION).indexOf('certificateAuthority'),
          ),
          '',
        ],
      ],
      ['clusters: must be at least 2 in production, one primary and one standby, got 1'],
    ],
  ],
  'required spreading finds a node in every zone': [
    [
      DEVELOPMENT,
      [SPREAD, ['zones: [a]', 'zones: [a, b]'], ['count: 1', 'count: ‸1']],
      ['clusters[0].nodes.count: must be at least 2, one per zone, where spreading is required, got 1'],
    ],
  ],
  'required spreading finds a node for every member': [
    [
      DEVELOPMENT,
      [SPREAD, ['instances: 1', 'instances: ‸3']],
      [
        'postgres.instances: must be at most 1, the nodes of the smallest cluster, where spreading is required, got 3',
      ],
    ],
  ],
  'nodes hold the budget': [
    [
      PRODUCTION,
      [["count: 9, cpu: '16', memory: 64Gi", "count: 4, cpu: ‸'16', memory: ‸64Gi"]],
      [
        'clusters[0].nodes.cpu: must let 2 nodes (one zone is gone) hold budgets.cpu 64, got 16 each',
        'clusters[0].nodes.memory: must let 2 nodes (one zone is gone) hold budgets.memory 256Gi, got 64Gi each',
      ],
    ],
    [
      DEVELOPMENT,
      [['memory: 12Gi', 'memory: ‸7Gi']],
      ['clusters[0].nodes.memory: must let 1 nodes hold budgets.memory 8Gi, got 7Gi each'],
    ],
  ],
  'development fits a laptop': [
    [
      DEVELOPMENT,
      [['memory: 8Gi', 'memory: ‸9Gi']],
      ['budgets.memory: must be at most 8Gi in development, got 9Gi'],
    ],
  ],
  'certificate generations ascend': [
    [
      PRODUCTION,
      [['generations: [1]', 'generations: [2, ‸1]']],
      ['certificateAuthority.generations[1]: must be more than 2 before it, got 1'],
    ],
  ],
  'the generation that issues is trusted': [
    [
      PRODUCTION,
      [['issuing: 1', 'issuing: ‸2']],
      ['certificateAuthority.issuing: must be one of certificateAuthority.generations, 1, got 2'],
    ],
  ],
  'the write-ahead log is no larger than the data': [
    [
      PRODUCTION,
      [['walStorage: 100Gi', 'walStorage: ‸501Gi']],
      ['postgres.walStorage: must be at most postgres.storage, 500Gi, got 501Gi'],
    ],
  ],
  'the recovery point is one that archiving can reach': [
    [
      PRODUCTION,
      [['recoveryPoint: 15m', 'recoveryPoint: ‸4m']],
      [
        'targets.recoveryPoint: must be at least 5m: PostgreSQL archives its log every five minutes (archive_timeout), got 4m',
      ],
    ],
  ],
  'production keeps backups for a week': [
    [
      PRODUCTION,
      [['retention: 30d', 'retention: ‸6d']],
      ['postgres.backup.retention: must be at least 7d in production, got 6d'],
    ],
  ],
  'the backup schedule names times that exist': [
    '0 60 0 * * *',
    '0 0 24 * * *',
    '0 0 0 0 * *',
    '0 0 0 * 13 *',
    '0 0 0 * * 7',
    '0 0 0 9-3 * *',
    '0 0 */0 * * *',
    '0 0 1,,2 * * *',
    '0 0 -1 * * *',
  ].map((schedule) => [
    PRODUCTION,
    [["'0 0 */6 * * *'", `‸'${schedule}'`]],
    [
      `postgres.backup.schedule: must be second, minute, hour, day, month and weekday as in "0 0 */6 * * *", got "${schedule}"`,
    ],
  ]),
  'recovery goes to a time that exists': [
    [
      PRODUCTION,
      [['retention: 30d', RECOVERY('production-paris', '‸2026-02-30T12:00:00Z')]],
      ['postgres.recoverFrom.targetTime: must be a time that exists, got "2026-02-30T12:00:00Z"'],
    ],
    [
      PRODUCTION,
      [['retention: 30d', RECOVERY('production-paris', '‸2026-01-31T25:00:00Z')]],
      ['postgres.recoverFrom.targetTime: must be a time that exists, got "2026-01-31T25:00:00Z"'],
    ],
  ],
  "object storage is ours or a provider's": [
    [
      PRODUCTION,
      [
        ['objectStorage:', '‸objectStorage:'],
        [EXTERNAL, '  engine: external\n  ‸memory: 1Gi\n'],
      ],
      [
        'objectStorage.external: is missing, engine external needs it',
        'objectStorage.memory: must not be given with engine external',
      ],
    ],
    [
      PRODUCTION,
      [
        ['objectStorage:', '‸‸‸objectStorage:'],
        ['engine: external', 'engine: seaweedfs'],
        ['  external:\n', '  ‸external:\n'],
      ],
      [
        'objectStorage.cpu: is missing, engine seaweedfs needs it',
        'objectStorage.memory: is missing, engine seaweedfs needs it',
        'objectStorage.storage: is missing, engine seaweedfs needs it',
        'objectStorage.external: must not be given with engine seaweedfs',
      ],
    ],
  ],
  'production does not run frozen images': [
    [
      PRODUCTION,
      [[EXTERNAL, `  engine: ‸minio\n${SIZES}`]],
      [
        'objectStorage.engine: must not be minio in production: its images are frozen since September 2025 and get no ' +
          'security fixes; use external or seaweedfs',
      ],
    ],
  ],
  'the API server has real addresses': (
    [
      [
        '10.20.0.256/32',
        'must have octets up to 255, a prefix up to 32 and no leading zeros, got 10.20.0.256/32',
      ],
      [
        '10.20.0.0/33',
        'must have octets up to 255, a prefix up to 32 and no leading zeros, got 10.20.0.0/33',
      ],
      [
        '10.020.0.0/24',
        'must have octets up to 255, a prefix up to 32 and no leading zeros, got 10.020.0.0/24',
      ],
      ['0.0.0.0/0', 'must not be every address there is, got 0.0.0.0/0'],
      ['10.20.3.7/22', 'must begin where the block begins, 10.20.0.0/22, got 10.20.3.7/22'],
      ['255.255.255.255/31', 'must begin where the block begins, 255.255.255.254/31, got 255.255.255.255/31'],
    ] as const
  ).map(([cidr, message]) => [
    PRODUCTION,
    [['10.20.0.0/24', `‸${cidr}`]],
    [`clusters[0].apiServer.cidr: ${message}`],
  ]),
  'experts have names of their own': [
    [
      PRODUCTION,
      [
        [
          'bridge:\n',
          `bridge:\n  experts:\n    - { id: a, type: coordinator, capabilities: [x], agents: [${AGENT('b')}, ${AGENT('‸a')}] }\n    - ${AGENT('‸b')}\n`,
        ],
      ],
      [
        'bridge.experts[0].agents[1].id: "a" is the name of an expert before it',
        'bridge.experts[1].id: "b" is the name of an expert before it',
      ],
    ],
  ],
  'agents outside have real addresses': [
    [
      PRODUCTION,
      [['10.22.0.0/16', '‸0.0.0.0/0']],
      ['edge.entry.outside[0]: must not be every address there is, got 0.0.0.0/0'],
    ],
  ],
  "labels of the gateway's pods are labels": [
    [
      PRODUCTION,
      [
        [
          '{ kind: load-balancer, outside: [10.22.0.0/16] }',
          "{ kind: gateway, name: public, namespace: gateways, pods: { namespace: gateways, labels: { example.com/gateway: public, 'a b': ‸public } } }",
        ],
      ],
      [
        'edge.entry.pods.labels."a b": must be the key of a label such as gateway.networking.k8s.io/gateway-name',
      ],
    ],
  ],
  "the provider's storage has real addresses": [
    [
      PRODUCTION,
      [['203.0.113.0/24', '‸0.0.0.0/0']],
      ['objectStorage.external.cidr: must not be every address there is, got 0.0.0.0/0'],
    ],
  ],
};

describe.each(Object.keys(rules))('%s', (rule) => {
  test.each(violations[rule] ?? [])('in %s with %j', (name, edits, messages) => {
    expectProblems(name, edits, messages);
  });

  test('is violated somewhere here', () => {
    expect(violations[rule]).toBeDefined();
  });
});

describe('what the rules let through', () => {
  test.each<[string, readonly Edit[]]>([
    [PRODUCTION, [[EXTERNAL, `  engine: seaweedfs\n${SIZES}`]]],
    [PRODUCTION, [['instances: 3', 'instances: 9']]],
    [PRODUCTION, [['generations: [1]', 'generations: [1, 2]']]],
    [PRODUCTION, [['retention: 30d', RECOVERY('production-paris', '2028-02-29T12:00:00Z')]]],
    [PRODUCTION, [["'0 0 */6 * * *'", "'0,30 0-59/10 0,12 31 12 0-6/2'"]]],
    [PRODUCTION, [['10.20.0.0/24', '10.20.0.4/30']]],
    [PRODUCTION, [['postgres:', `${signatures(P256)}postgres:`]]],
    [DEVELOPMENT, [['instances: 1', 'instances: 3']]],
    [DEVELOPMENT, [SPREAD]],
  ])('%s with %j', (name, edits) => {
    expect(problemsOf(name, edited(name, ...edits))).toEqual([]);
  });
});

test('a rule has nothing to say about a section that is not well-formed', () => {
  expectProblems(
    PRODUCTION,
    [
      ['instances: 3', 'instances: 2'],
      ['storage: 500Gi', 'storage: ‸none'],
    ],
    ['postgres.storage: must be a Kubernetes quantity of bytes such as 512Mi or 8Gi, got "none"'],
  );
});
