import type { Environment } from '../../config/schema';
import { backups } from '../../guarantees/backups';
import { archiver, container, database, object, platformOf, pod, schedule, store, workload } from './objects';
import { causesOf, findingsOf } from './support';

const SOUND = [database(), store(), schedule()];

const production: Partial<Environment> = { environment: 'production' };

/** Members of the vector database, which write their backups themselves. */
const members = (bucket: string, own: Record<string, string> = {}, keys = 'vector-keys') => {
  const env = Object.entries({ BACKUP_S3_BUCKET: bucket, BACKUP_S3_ENDPOINT: 's3.example.com:443', ...own });
  return workload(
    'StatefulSet',
    { volumeClaimTemplates: [{}] },
    pod({
      containers: [
        container({
          env: [
            { name: 'AWS_ACCESS_KEY_ID', valueFrom: { secretKeyRef: { name: keys, key: 'username' } } },
            ...env.map(([name, value]) => ({ name, value })),
          ],
        }),
      ],
    }),
  );
};

test('writers with places and keys of their own are no finding, and the places are told', () => {
  const cache = {
    ...workload('StatefulSet', { volumeClaimTemplates: [{}] }),
    metadata: { name: 'cache', namespace: 'app' },
  };
  const platform = platformOf([...SOUND, members('vectors-staging-test'), cache]);

  expect(findingsOf(backups, platform)).toEqual([]);
  expect(backups.check(platform).facts).toEqual([
    { subject: 'Cluster app/db', figure: 's3.example.com/store/staging-test' },
    { subject: 'StatefulSet app/x', figure: 's3.example.com/vectors-staging-test' },
    { subject: 'volumes without a backup', figure: 'StatefulSet app/cache' },
  ]);
});

test('a database without an archive is found', () => {
  const finding = {
    path: 'Cluster/db',
    cause: 'Cluster app/db archives nothing: what its volumes lose is lost',
    remedy: 'give it a backup bucket, with the plugin as isWALArchiver on an ObjectStore of its namespace',
  };

  expect(findingsOf(backups, platformOf([database({ plugins: [] }), schedule()]))).toEqual([finding]);
  const reading = { ...archiver('store', 'staging-test'), isWALArchiver: false };
  expect(findingsOf(backups, platformOf([database({ plugins: [reading] }), store(), schedule()]))).toEqual([
    finding,
  ]);
});

test.each([
  ['missing', []],
  ['suspended', [schedule({ suspend: true })]],
  ["another's", [schedule({ cluster: { name: 'other' } })]],
  ['not by the plugin', [schedule({ method: 'volumeSnapshot' })]],
])('a schedule that is %s is found', (_, schedules) => {
  expect(causesOf(backups, platformOf([database(), store(), ...schedules]))).toEqual([
    'Cluster app/db archives its log, and no ScheduledBackup makes the whole backup that the log continues',
  ]);
});

test('one place for two writers is found, also one inside the other', () => {
  const second = database({ plugins: [archiver('other', 'staging-test')] });
  const other = { ...second, metadata: { ...second.metadata, name: 'db2' } };
  const both = (path: string) =>
    platformOf([
      ...SOUND,
      other,
      schedule({ cluster: { name: 'db2' } }),
      store('other', {}, { destinationPath: path }),
    ]);

  expect(causesOf(backups, both('s3://store/'))).toEqual([
    'Cluster app/db2 writes backups to s3.example.com/store/staging-test, Cluster app/db to s3.example.com/store/staging-test: one is inside the other',
  ]);
  expect(causesOf(backups, both('s3://store/staging-test'))).toEqual([
    'Cluster app/db2 writes backups to s3.example.com/store/staging-test/staging-test, Cluster app/db to s3.example.com/store/staging-test: one is inside the other',
  ]);
  expect(causesOf(backups, both('s3://store/staging'))).toEqual([]);
  // The root of a bucket holds all of it.
  expect(causesOf(backups, platformOf([...SOUND, members('store', { BACKUP_S3_PATH: '' })]))[0]).toBe(
    'StatefulSet app/x writes backups to s3.example.com/store, Cluster app/db to s3.example.com/store/staging-test: one is inside the other',
  );
});

test('keys that two writers share are found', () => {
  expect(
    findingsOf(backups, platformOf([...SOUND, members('vectors-staging-test', {}, 'store-keys')])),
  ).toEqual([
    {
      path: 'StatefulSet/x',
      cause:
        "StatefulSet app/x and Cluster app/db write backups with the same keys, Secret app/store-keys: who has one's keys can destroy both",
      remedy: 'give each a bucket of its own, with its own keys',
    },
  ]);
});

test.each([
  ['staging-other', false],
  ['test', false],
  ['staging-test2', false],
  ['xstaging-test', false],
  ['staging-test', true],
  ['staging-test-20260131120000', true],
])(
  'a database that writes to folder %s is told apart from those of other clusters: %p',
  (serverName, isTold) => {
    const clusters = platformOf([]).environment.clusters;
    const [first] = clusters;
    const platform = platformOf(
      [database({ plugins: [archiver('store', serverName)] }), store(), schedule()],
      {},
      first ? { clusters: [first, { ...first, name: 'twin' }] } : {},
    );

    expect(findingsOf(backups, platform)).toEqual(
      isTold
        ? []
        : [
            {
              path: 'Cluster/db',
              cause: `Cluster app/db writes backups to s3.example.com/store/${serverName}, which does not name environment and cluster, staging-test: clusters twin write to the same place`,
              remedy: 'have "staging-test" in the folder\'s name (serverName)',
            },
          ],
    );
  },
);

test('a bucket outside the cluster names environment and cluster, one inside need not', () => {
  expect(causesOf(backups, platformOf([...SOUND, members('vectors')]))).toEqual([
    'StatefulSet app/x writes backups to s3.example.com/vectors, which does not name environment and cluster, staging-test: a cluster that is made again writes to the same place',
  ]);
  const inside = { BACKUP_S3_ENDPOINT: 's3.storage.svc.cluster.local:9000' };
  expect(findingsOf(backups, platformOf([...SOUND, members('vectors', inside)]))).toEqual([]);
  const folder = { BACKUP_S3_PATH: '/staging/test/' };
  expect(findingsOf(backups, platformOf([...SOUND, members('vectors', folder)]))).toEqual([]);
});

test('production keeps no backup in the cluster', () => {
  const inside = store(
    'store',
    { retentionPolicy: '14d' },
    { endpointURL: 'https://s3.storage.svc.cluster.local:9000' },
  );
  const manifests = [database({ plugins: [archiver('store', 'production-test')] }), inside, schedule()];

  expect(findingsOf(backups, platformOf(manifests, {}, production))).toEqual([
    {
      path: 'Cluster/db',
      cause:
        'Cluster app/db keeps its backups at s3.storage.svc.cluster.local, inside the cluster that they are to bring back',
      remedy: 'write objectStorage.engine: external in config/production.yaml',
    },
  ]);
  expect(findingsOf(backups, platformOf([database(), inside, schedule()]))).toEqual([]);
});

test.each(['bootstrap', 'replica'])('a database is not brought back from where it writes: %s', (way) => {
  const source = (serverName: string) => ({ name: 'origin', plugin: archiver('store', serverName) });
  const from = (serverName: string) =>
    platformOf([
      database({
        externalClusters: [source(serverName), { name: 'own', plugin: archiver('store', 'staging-test') }],
        ...(way === 'bootstrap'
          ? { bootstrap: { recovery: { source: 'origin' } } }
          : { replica: { source: 'origin', primary: 'origin', self: 'own' } }),
      }),
      store(),
      schedule(),
    ]);

  expect(findingsOf(backups, from('staging-old'))).toEqual([]);
  expect(findingsOf(backups, from('staging-test'))).toEqual([
    {
      path: 'Cluster/db',
      cause:
        'Cluster app/db is recovered from origin, s3.example.com/store/staging-test, and writes to the same place',
      remedy: 'give the recovered cluster a new serverName: its history would mix with the old one',
    },
  ]);
});

test.each([
  ['14d', true],
  ['2w', true],
  ['1m', true],
  ['13d', false],
  ['1w', false],
  [undefined, false],
])('backups kept %s are kept as long as 14d: %p', (retentionPolicy, isKept) => {
  expect(
    causesOf(backups, platformOf([database(), store('store', { retentionPolicy }), schedule()])),
  ).toEqual(
    isKept
      ? []
      : [
          `ObjectStore app/store keeps backups ${retentionPolicy ?? 'for no stated time'}, postgres.backup.retention is 14d`,
        ],
  );
});

test('keys without a bucket, and a bucket without keys, are no writer of backups', () => {
  const env = [{ name: 'BACKUP_S3_BUCKET', value: 'b' }];
  const job = object('Job', 'j', { template: { spec: pod({ containers: [container({ env })] }) } });

  expect(backups.check(platformOf([job])).facts).toEqual([
    { subject: 'volumes without a backup', figure: 'none' },
  ]);
});
