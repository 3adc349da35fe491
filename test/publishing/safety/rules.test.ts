import type { Manifest } from '../../../constructs/platform/manifest';
import { clusterChanges } from '../../../publishing/changes/changes';
import { dangersIn, rules } from '../../../publishing/safety/all';
import type { Danger, Direction } from '../../../publishing/safety/rule';
import type { Printed } from '../../../synth/dist';

const printed = (manifests: readonly Manifest[], phase: Printed['phase'] = 'foundation'): Printed[] =>
  manifests.map((manifest) => ({
    file: `production/here/${phase}/${manifest.kind}.${manifest.metadata.name}.yaml`,
    environment: 'production',
    cluster: 'here',
    phase,
    manifest,
  }));

function dangers(
  before: readonly Manifest[],
  after: readonly Manifest[],
  direction: Direction = 'forward',
): Danger[] {
  return dangersIn(clusterChanges(printed(before), printed([ANCHOR, ...after])), direction);
}

/** As `rule: Kind/namespace/name what`. */
function told(before: readonly Manifest[], after: readonly Manifest[], direction?: Direction): string[] {
  return dangers(before, after, direction).map(({ rule, object, what }) => `${rule}: ${object} ${what}`);
}

function manifest(kind: string, fields: Record<string, unknown> = {}, name = 'data'): Manifest {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'app' }, ...fields };
}

/** Something that stays, so that the cluster does. */
const ANCHOR = manifest('ServiceAccount', {}, 'anchor');

const CLAIM = {
  metadata: { name: 'data' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'ssd',
    resources: { requests: { storage: '10Gi' } },
  },
};

function set(fields: Record<string, unknown> = {}, name = 'data', image = 'redis:8.8.0'): Manifest {
  return manifest(
    'StatefulSet',
    {
      spec: {
        replicas: 3,
        serviceName: name,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
        volumeClaimTemplates: [CLAIM],
        ...fields,
      },
    },
    name,
  );
}

function deployment(name: string, fields: Record<string, unknown> = {}): Manifest {
  const template = {
    metadata: { labels: { app: name } },
    spec: { containers: [{ name: 'main', image: 'a:1' }] },
  };
  return manifest(
    'Deployment',
    { spec: { replicas: 2, selector: { matchLabels: { app: name } }, template, ...fields } },
    name,
  );
}

const cluster = (fields: Record<string, unknown> = {}): Manifest =>
  manifest('Cluster', {
    spec: {
      instances: 3,
      imageName: 'x/postgresql:18.4-system',
      storage: { size: '10Gi', storageClass: 'ssd' },
      walStorage: { size: '5Gi' },
      ...fields,
    },
  });

const job = (fields: Record<string, unknown>, annotations: Record<string, string> = {}): Manifest => ({
  ...manifest('Job', { spec: { template: { spec: { containers: [] } }, ...fields } }),
  metadata: { name: 'data', namespace: 'app', annotations },
});

const spec = (kind: string, fields: Record<string, unknown>): Manifest => manifest(kind, { spec: fields });

test('what is taken away and holds data is a danger, whatever makes it', () => {
  const holding = [
    'Namespace',
    'StatefulSet',
    'PersistentVolumeClaim',
    'PersistentVolume',
    'Database',
    'ObjectStore',
    'Secret',
    'CustomResourceDefinition',
  ];
  for (const kind of holding) {
    const [danger, ...others] = dangers([kind === 'StatefulSet' ? set() : spec(kind, {})], []);
    expect(danger).toMatchObject({ rule: 'lost-data', object: `${kind}/app/data`, place: 'production/here' });
    expect(danger?.what).toMatch(/^is taken away: /);
    expect(others).toEqual([]);
  }
  expect(told([cluster()], [])).toEqual([
    expect.stringMatching(/^lost-data: Cluster\/app\/data is taken away/),
  ]);
  expect(told([spec('Certificate', { isCA: true, secretName: 'ca' })], [])).toEqual([
    expect.stringMatching(/^lost-data: Certificate/),
  ]);
});

test('what can be made again may go', () => {
  for (const gone of [
    spec('Certificate', { secretName: 'leaf' }),
    deployment('web'),
    manifest('ConfigMap', { data: {} }),
    job({}),
  ])
    expect(told([gone], [])).toEqual([]);
});

test('a renamed StatefulSet leaves its volumes behind', () => {
  expect(told([set({}, 'old')], [set({}, 'new')])).toEqual([
    expect.stringMatching(/^lost-data: StatefulSet\/app\/old is taken away/),
  ]);
});

test('what holds data is not handed from phase to phase', () => {
  const change = clusterChanges(printed([set()]), printed([set()], 'operations'));

  expect(dangersIn(change, 'forward')).toMatchObject([
    { rule: 'lost-data', what: expect.stringContaining('moves from foundation to operations') },
  ]);
});

test('data may go although its object stays', () => {
  const policy = { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } };
  expect(told([set({ replicas: 5, ...policy })], [set({ replicas: 3, ...policy })])).toContain(
    'lost-data: StatefulSet/app/data deletes the volumes of members 3 to 4',
  );
  const database = { name: 'events', cluster: { name: 'a' } };
  expect(told([spec('Database', database)], [spec('Database', { ...database, ensure: 'absent' })])).toEqual([
    'lost-data: Database/app/data drops the database events',
  ]);
  expect(
    told(
      [spec('Certificate', { isCA: true, secretName: 'one' })],
      [spec('Certificate', { isCA: true, secretName: 'two' })],
    ),
  ).toEqual(['lost-data: Certificate/app/data leaves its key in one and makes another in two']);
});

test('a cluster that goes is one danger, not one for each object', () => {
  const change = clusterChanges(printed([set(), cluster()]), []);

  expect(dangersIn(change, 'forward')).toMatchObject([
    { rule: 'lost-cluster', object: 'Cluster/production/here' },
  ]);
});

const selector = { selector: { matchLabels: { app: 'other' } } };
const TEMPLATE = { template: { spec: { containers: [] } } };
const claim = (fields: Record<string, unknown>): Manifest =>
  set({ volumeClaimTemplates: [{ ...CLAIM, spec: { ...CLAIM.spec, ...fields } }] });

/** What a real API server refuses (or takes without an effect), and the field that it is about. */
const IMMUTABLE: readonly [name: string, before: Manifest, after: Manifest, path: string][] = [
  [
    'selector of a Deployment',
    deployment('data'),
    deployment('data', selector),
    'spec.selector.matchLabels.app',
  ],
  [
    'selector of a DaemonSet',
    spec('DaemonSet', TEMPLATE),
    spec('DaemonSet', { ...TEMPLATE, ...selector }),
    'spec.selector',
  ],
  ['selector of a StatefulSet', set(), set(selector), 'spec.selector.matchLabels.app'],
  ['service of a StatefulSet', set(), set({ serviceName: 'x' }), 'spec.serviceName'],
  [
    'start order of a StatefulSet',
    set(),
    set({ podManagementPolicy: 'Parallel' }),
    'spec.podManagementPolicy',
  ],
  [
    'larger claim',
    set(),
    claim({ resources: { requests: { storage: '20Gi' } } }),
    'spec.volumeClaimTemplates[data].spec.resources.requests.storage',
  ],
  [
    'other storage class',
    set(),
    claim({ storageClassName: 'hdd' }),
    'spec.volumeClaimTemplates[data].spec.storageClassName',
  ],
  ['claim taken away', set(), set({ volumeClaimTemplates: undefined }), 'spec.volumeClaimTemplates'],
  ['headless Service', spec('Service', {}), spec('Service', { clusterIP: 'None' }), 'spec.clusterIP'],
  [
    'Service no longer headless',
    spec('Service', { clusterIP: 'None' }),
    spec('Service', {}),
    'spec.clusterIP',
  ],
  [
    'class of a claim',
    spec('PersistentVolumeClaim', { storageClassName: 'a' }),
    spec('PersistentVolumeClaim', { storageClassName: 'b' }),
    'spec.storageClassName',
  ],
  [
    'template of a Job',
    job({}),
    job({ template: { spec: { containers: [], hostNetwork: true } } }),
    'spec.template.spec.hostNetwork',
  ],
  ['completions of a Job', job({ completions: 1 }), job({ completions: 2 }), 'spec.completions'],
  [
    'immutable ConfigMap',
    manifest('ConfigMap', { immutable: true, data: { a: '1' } }),
    manifest('ConfigMap', { immutable: true, data: { a: '2' } }),
    'data.a',
  ],
  [
    'ConfigMap no longer immutable',
    manifest('ConfigMap', { immutable: true }),
    manifest('ConfigMap'),
    'immutable',
  ],
  ['type of a Secret', manifest('Secret', { type: 'a' }), manifest('Secret', { type: 'b' }), 'type'],
  [
    'parameters of a class',
    manifest('StorageClass', { parameters: { a: '1' } }),
    manifest('StorageClass', { parameters: { a: '2' } }),
    'parameters.a',
  ],
  [
    'role of a RoleBinding',
    manifest('RoleBinding', { roleRef: { name: 'a' } }),
    manifest('RoleBinding', { roleRef: { name: 'b' } }),
    'roleRef.name',
  ],
  [
    'scopes of a quota',
    spec('ResourceQuota', { scopes: ['a'] }),
    spec('ResourceQuota', { scopes: ['b'] }),
    'spec.scopes',
  ],
  ['name of a Database', spec('Database', { name: 'a' }), spec('Database', { name: 'b' }), 'spec.name'],
  [
    'locale of a Database',
    spec('Database', { locale: 'C' }),
    spec('Database', { locale: 'C.UTF-8' }),
    'spec.locale',
  ],
  [
    'cluster of a Pooler',
    spec('Pooler', { cluster: { name: 'a' }, template: {} }),
    spec('Pooler', { cluster: { name: 'b' }, template: {} }),
    'spec.cluster.name',
  ],
  [
    'class of a Cluster',
    cluster(),
    cluster({ storage: { size: '10Gi', storageClass: 'hdd' } }),
    'spec.storage.storageClass',
  ],
  ['log volume of a Cluster', cluster(), cluster({ walStorage: undefined }), 'spec.walStorage'],
  [
    'strategy with details that nobody stated',
    deployment('data'),
    deployment('data', { strategy: { type: 'Recreate' } }),
    'spec.strategy.type',
  ],
];

test.each(IMMUTABLE)('immutable: %s', (_, before, after, path) => {
  const found = dangers([before], [after]);

  expect(found.map(({ rule }) => rule)).toEqual(['immutable-field']);
  expect(found[0]?.what).toContain(`changes ${path} from `);
});

const MUTABLE: readonly [name: string, before: Manifest, after: Manifest][] = [
  [
    'image and replicas of a Deployment',
    deployment('data'),
    deployment('data', {
      replicas: 4,
      template: {
        metadata: { labels: { app: 'data' } },
        spec: { containers: [{ name: 'main', image: 'a:2' }] },
      },
    }),
  ],
  ['more members, another image', set(), set({ replicas: 5 }, 'data', 'redis:8.9.0')],
  [
    'retention of claims',
    set(),
    set({
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain' },
      minReadySeconds: 3,
      revisionHistoryLimit: 2,
    }),
  ],
  ['larger volume', cluster(), cluster({ storage: { size: '20Gi', storageClass: 'ssd' } })],
  [
    'larger claim',
    spec('PersistentVolumeClaim', { resources: { requests: { storage: '1Gi' } } }),
    spec('PersistentVolumeClaim', { resources: { requests: { storage: '2Gi' } } }),
  ],
  [
    'Job that is made anew',
    job({}),
    job(
      { template: { spec: { containers: [], hostNetwork: true } } },
      { 'argocd.argoproj.io/sync-options': 'Force=true,Replace=true' },
    ),
  ],
  ['parallelism of a Job', job({}), job({ parallelism: 2, backoffLimit: 2 })],
  [
    'ConfigMap that is not immutable',
    manifest('ConfigMap', { data: { a: '1' } }),
    manifest('ConfigMap', { data: { a: '2' } }),
  ],
  [
    'locale of a Database stated later',
    spec('Database', { name: 'a' }),
    spec('Database', { name: 'a', locale: 'C' }),
  ],
  [
    'strategy whose details were stated',
    deployment('data', { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }),
    deployment('data', { strategy: { type: 'Recreate' } }),
  ],
];

test.each(MUTABLE)('mutable: %s', (_, before, after) => expect(told([before], [after])).toEqual([]));

test('only what carries both options is made anew', () => {
  const after = job(
    { template: { spec: { containers: [], hostNetwork: true } } },
    { 'argocd.argoproj.io/sync-options': 'Replace=true' },
  );

  expect(told([job({})], [after])).toHaveLength(1);
});

test('storage does not shrink', () => {
  expect(told([cluster()], [cluster({ storage: { size: '9Gi', storageClass: 'ssd' } })])).toEqual([
    'shrunk-storage: Cluster/app/data shrinks storage from 10Gi to 9Gi',
  ]);
  expect(told([cluster()], [cluster({ walStorage: { size: '4900Mi' } })])).toEqual([
    'shrunk-storage: Cluster/app/data shrinks walStorage from 5Gi to 4900Mi',
  ]);
  expect(told([set()], [claim({ resources: { requests: { storage: '5Gi' } } })])).toContain(
    'shrunk-storage: StatefulSet/app/data shrinks data from 10Gi to 5Gi',
  );
  expect(told([cluster()], [cluster({ walStorage: { size: '5120Mi' } })])).toEqual([]);
});

const budget = (fields: Record<string, unknown> = {}): Manifest =>
  spec('PodDisruptionBudget', { maxUnavailable: 1, selector: { matchLabels: { app: 'data' } }, ...fields });

test('groups do not lose members, nor their odd number', () => {
  expect(told([set({ replicas: 5 })], [set({ replicas: 3 })])).toEqual([
    'lost-quorum: StatefulSet/app/data goes from 5 to 3 members',
  ]);
  expect(told([cluster()], [cluster({ instances: 1 })])).toEqual([
    'lost-quorum: Cluster/app/data goes from 3 to 1 members',
  ]);
  expect(told([set()], [set({ replicas: 4 })])).toEqual([
    'lost-quorum: StatefulSet/app/data goes from 3 to 4 members, an even number',
  ]);
  expect(told([set()], [set({ replicas: 5 })])).toEqual([]);
  expect(told([set({ replicas: 1 })], [set({ replicas: 2 })])).toEqual([]);
});

test('what has a budget does not become a single pod', () => {
  expect(told([deployment('data'), budget()], [deployment('data', { replicas: 1 }), budget()])).toEqual([
    expect.stringMatching(/^lost-quorum: Deployment\/app\/data goes from 2 to 1 pods/),
  ]);
  expect(told([deployment('data')], [deployment('data', { replicas: 1 })])).toEqual([]);
});

test('a budget stays as long as its pods', () => {
  const lost = 'lost-budget: PodDisruptionBudget/app/data guards StatefulSet/app/data (3 pods) no more';
  expect(told([set(), budget()], [set()])).toEqual([lost]);
  expect(told([set(), budget()], [set(), budget({ selector: { matchLabels: { app: 'x' } } })])).toEqual([
    lost,
  ]);
  expect(told([deployment('data'), budget()], [])).toEqual([]);
  expect(told([cluster()], [cluster({ enablePDB: false })])).toEqual([
    'lost-budget: Cluster/app/data guards Cluster/app/data (3 pods) no more',
  ]);
});

const peer = (app: string): unknown => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'app' } },
  podSelector: { matchLabels: { app } },
});
const ports = [{ port: 80, protocol: 'TCP' }];
const policy = (app: string, rules: Record<string, unknown>): Manifest =>
  manifest(
    'NetworkPolicy',
    { spec: { podSelector: { matchLabels: { app } }, policyTypes: ['Ingress', 'Egress'], ...rules } },
    app,
  );
const DENY = manifest(
  'NetworkPolicy',
  { spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
  'default-deny',
);
const OUT = policy('client', { egress: [{ to: [peer('server')], ports }] });
const IN = policy('server', { ingress: [{ from: [peer('client')], ports }] });
const PODS = [DENY, deployment('client'), deployment('server')];

test('half of a connection does not go alone', () => {
  const all = [...PODS, OUT, IN];
  const out =
    'lost-connection: NetworkPolicy/app/client no longer lets Deployment/app/client out to pods app=server in app, TCP 80';
  const into =
    'lost-connection: NetworkPolicy/app/server no longer lets Deployment/app/client in to Deployment/app/server, TCP 80';
  expect(told(all, [...PODS, IN])).toEqual([out]);
  expect(told(all, [...PODS, OUT])).toEqual([into]);
  expect(told(all, [...PODS, policy('client', {}), IN])).toEqual([out]);
  expect(
    told(all, [
      ...PODS,
      OUT,
      policy('server', { ingress: [{ from: [peer('client')], ports: [{ port: 81 }] }] }),
    ]),
  ).toEqual([into]);
});

test('a connection that is closed at both ends, or has lost an end, is no danger', () => {
  const all = [...PODS, OUT, IN];
  expect(told(all, PODS)).toEqual([]);
  expect(told(all, [DENY, deployment('server'), IN])).toEqual([]);
  expect(told(all, [...PODS, OUT, IN, policy('third', {})])).toEqual([]);
});

test('backups keep going where they go', () => {
  const store = (destinationPath: string): Manifest =>
    spec('ObjectStore', { configuration: { destinationPath } });
  expect(told([store('s3://a')], [store('s3://b')])).toEqual([
    'moved-backup: ObjectStore/app/data changes where or whether backups go: destinationPath from "s3://a" to "s3://b"',
  ]);
  const plugin = (serverName: string, isWALArchiver = true): Manifest =>
    cluster({ plugins: [{ name: 'barman', isWALArchiver, parameters: { serverName } }] });
  expect(told([plugin('a')], [plugin('b')])).toEqual([
    expect.stringContaining('plugins[barman].parameters.serverName from "a" to "b"'),
  ]);
  expect(told([plugin('a')], [plugin('a', false)])).toEqual([
    expect.stringMatching(/^moved-backup: Cluster/),
  ]);
  const schedule = (suspend: boolean): Manifest => spec('ScheduledBackup', { suspend });
  expect(told([schedule(false), cluster()], [schedule(true), cluster()])).toEqual([
    expect.stringContaining('suspend from false to true'),
  ]);
  expect(told([schedule(false), cluster()], [cluster()])).toEqual([
    'moved-backup: ScheduledBackup/app/data is taken away, while Cluster/app/data stays',
  ]);
});

test('what is kept is not kept for less time', () => {
  const store = (retentionPolicy: string): Manifest => spec('ObjectStore', { retentionPolicy });
  expect(told([store('30d')], [store('2w')])).toEqual([
    'shorter-retention: ObjectStore/app/data keeps 14 days instead of 30',
  ]);
  expect(told([store('30d')], [store('2m')])).toEqual([]);
});

const migrations = (...files: string[]): Manifest =>
  manifest(
    'ConfigMap',
    { data: Object.fromEntries(files.map((file) => file.split('=')) as [string, string][]) },
    'store-schema-config',
  );

test('migrations move on and do not come back', () => {
  const [one, two] = [migrations('001-a.sql=x'), migrations('001-a.sql=x', '002-b.sql=y')];
  expect(told([one], [two])).toEqual([]);
  expect(told([two], [one])).toEqual([
    'data-schema-moved: ConfigMap/app/store-schema-config knows 002-b.sql no more, which data were changed by',
  ]);
  expect(told([two], [one], 'back')).toHaveLength(1);
  expect(told([one], [migrations('001-a.sql=z')])).toEqual([
    expect.stringContaining('changes 001-a.sql, which was applied already'),
  ]);
  expect(told([migrations('apply.sql=x')], [migrations('apply.sql=y')], 'back')).toEqual([]);
});

test('going back, any other collection is a danger; forward it is the way to change one', () => {
  const [one, two] = [migrations('collection-a.json=x'), migrations('collection-a.json=y')];
  expect(told([one], [two])).toEqual([]);
  expect(told([two], [one], 'back')).toEqual([
    expect.stringContaining('has another collection-a.json now, and would go back'),
  ]);
});

test('programs that keep data do not become older in what their data depend on', () => {
  expect(told([cluster()], [cluster({ imageName: 'x/postgresql:17.9-system' })])).toEqual([
    'data-schema-moved: Cluster/app/data goes from postgresql 18.4-system back to 17.9-system',
  ]);
  expect(told([set({}, 'data', 'x/redis:8.8.0-alpine')], [set({}, 'data', 'y/redis:7.4.1')])).toHaveLength(1);
  expect(told([set({}, 'data', 'x/weaviate:1.38.2')], [set({}, 'data', 'x/weaviate:1.37.9')])).toHaveLength(
    1,
  );
  expect(told([set({}, 'data', 'x/weaviate:1.38.2')], [set({}, 'data', 'x/weaviate:1.38.1')])).toEqual([]);
  expect(told([cluster()], [cluster({ imageName: 'x/postgresql:18.3-system' })])).toEqual([]);
  expect(told([cluster()], [cluster({ imageName: 'x/postgresql:19.0-system' })])).toEqual([]);
});

describe('a root that changes', () => {
  const object = (kind: string, name: string, spec: object): Manifest => ({
    apiVersion: 'v1',
    kind,
    metadata: { name },
    spec,
  });
  const authority = (generations: readonly number[], issuing: number): Manifest[] => [
    object('ClusterIssuer', 'self', { selfSigned: {} }),
    ...generations.flatMap((generation) => [
      object('Certificate', `root-${generation}`, {
        isCA: true,
        secretName: `root-${generation}`,
        issuerRef: { name: 'self' },
      }),
      object('ClusterIssuer', `root-${generation}`, { ca: { secretName: `root-${generation}` } }),
      object('Certificate', `issuing-${generation}`, {
        isCA: true,
        secretName: `issuing-${generation}`,
        issuerRef: { name: `root-${generation}` },
      }),
    ]),
    object('ClusterIssuer', 'platform', { ca: { secretName: `issuing-${issuing}` } }),
    object('Bundle', 'trust', {
      sources: generations.map((generation) => ({ secret: { name: `root-${generation}`, key: 'tls.crt' } })),
    }),
  ];
  const broken = (before: readonly Manifest[], after: readonly Manifest[]) =>
    told(before, after).filter((line) => line.startsWith('broken-trust'));

  test('one step at a time breaks nothing', () => {
    expect(broken(authority([1], 1), authority([1, 2], 1))).toEqual([]);
    expect(broken(authority([1, 2], 1), authority([1, 2], 2))).toEqual([]);
    expect(broken(authority([1, 2], 2), authority([2], 2))).toEqual([]);
    // And the first time of all.
    expect(broken([ANCHOR], authority([1], 1))).toEqual([]);
  });

  test('dropping what signed everything is asked about', () => {
    expect(told(authority([1, 2], 2), authority([2], 2))).toContain(
      'lost-data: Certificate/root-1 is taken away: its key signs every certificate of the platform',
    );
  });

  test('two steps at once', () => {
    const early =
      'broken-trust: ClusterIssuer/platform issues by root-2, which is in no bundle that is published yet';
    const late =
      'broken-trust: Bundle/trust drops root-1, by which certificates are issued as of what is published';
    expect(broken(authority([1], 1), authority([1, 2], 2))).toEqual([early]);
    expect(broken(authority([1, 2], 1), authority([2], 2))).toEqual([late]);
    expect(broken(authority([1], 1), authority([2], 2))).toEqual([early, late]);
  });
});

test('objects are named without the hash of their content', () => {
  const named = (hash: string, days: number): Manifest =>
    manifest(
      'ConfigMap',
      { data: { 'settings.sql': `('retention_days', '${days}'),` } },
      `store-schema-config-${hash}`,
    );

  expect(told([named('0123456789', 90)], [named('abcdef0123', 30)])).toEqual([
    'shorter-retention: ConfigMap/app/store-schema-config keeps 30 days instead of 90',
  ]);
});

test('every rule says why and what to do, under a name of its own', () => {
  expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  for (const { name, why, remedy } of rules) {
    expect(name).toMatch(/^[a-z-]+$/);
    expect(why.length).toBeGreaterThan(20);
    expect(remedy.length).toBeGreaterThan(20);
  }
});
