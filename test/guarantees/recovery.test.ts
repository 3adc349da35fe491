import type { Cluster, Environment } from '../../config/schema';
import { ASSUMED, recovery } from '../../guarantees/recovery';
import type { ClusterSpec } from '../../imports/postgresql.cnpg.io';
import { archiver, database, platformOf, schedule } from './objects';
import { causesOf, findingsOf } from './support';

const external: Partial<Environment> = { objectStorage: { engine: 'external' } };

const single: Partial<ClusterSpec> = { instances: 1, enablePDB: false };

const oneZone: Partial<Cluster> = { zones: ['a'] };

const [CLUSTER] = platformOf([]).environment.clusters;

/** An environment of two regions. */
function regions(role: Cluster['role']): { cluster: Partial<Cluster>; environment: Partial<Environment> } {
  if (!CLUSTER) throw new Error('the test environment has no cluster');
  const primary: Cluster = { ...CLUSTER, name: 'first', role: 'primary', region: 'here' };
  const standby: Cluster = { ...CLUSTER, name: 'second', role: 'standby', region: 'there' };
  return {
    cluster: role === 'primary' ? primary : standby,
    environment: { ...external, clusters: [primary, standby] },
  };
}

function figures(own: Partial<ClusterSpec>, cluster: Partial<Cluster>, environment: Partial<Environment>) {
  const { facts } = recovery.check(platformOf([database(own), schedule()], cluster, environment));
  return Object.fromEntries(facts.map(({ subject, figure }) => [subject.replace('app/db, ', ''), figure]));
}

test('the numbers of several instances, of one, and of two regions', () => {
  expect(figures({}, {}, external)).toEqual({
    'loss of a node': 'RPO 0 s, RTO 95 s: another instance takes over',
    'loss of a volume': 'RPO 0 s, RTO 95 s: another instance takes over',
    'loss of a zone': 'RPO 0 s, RTO 95 s: another instance takes over',
    'loss of the region': 'RPO 6 min, RTO 5 min: restored from backups every 6 h (no target)',
    'a mistake, undone by a restore': 'RPO 6 min, RTO 5 min: restored from backups every 6 h (no target)',
  });
  expect(figures(single, oneZone, {})).toEqual({
    'loss of a node': 'RPO 0 s, RTO 13 min: its pod moves, with its volume',
    'loss of a volume': 'RPO 6 min, RTO 5 min: restored from backups every 6 h',
    'loss of the region': 'RPO without end, RTO without end: its backups are lost with it (no target)',
    'a mistake, undone by a restore': 'RPO 6 min, RTO 5 min: restored from backups every 6 h (no target)',
  });
  const { cluster, environment } = regions('primary');
  expect(figures({}, cluster, environment)['loss of the region']).toBe(
    'RPO 6 min, RTO 19 min: the standby of the other region is promoted',
  );
});

test('what is within the targets is no finding', () => {
  expect(findingsOf(recovery, platformOf([database(), schedule()], {}, external))).toEqual([]);
  expect(findingsOf(recovery, platformOf([database(single), schedule()], oneZone))).toEqual([]);
});

test.each<[string, ClusterSpec['postgresql']]>([
  ['nobody', { parameters: { archive_timeout: '300s' } }],
  ['whoever is there', { synchronous: { method: 'any', number: 1, dataDurability: 'preferred' } }],
])('a takeover after commits that waited for %s has no bound of loss', (_, postgresql) => {
  expect(findingsOf(recovery, platformOf([database({ postgresql }), schedule()], oneZone, external))).toEqual(
    ['node', 'volume'].map((disaster) => ({
      path: 'Cluster/db',
      cause: `loss of a ${disaster}: Cluster app/db (another instance takes over) loses writes without a bound, targets.recoveryPoint is 15m`,
      remedy: 'change spec.postgresql.synchronous with dataDurability: required',
    })),
  );
});

test('a takeover waits for its delay and for the lease', () => {
  const delayed = (failoverDelay: number, leaseDurationSeconds: number) =>
    platformOf(
      [database({ failoverDelay, primaryLease: { leaseDurationSeconds } }), schedule()],
      oneZone,
      external,
    );

  expect(findingsOf(recovery, delayed(1700, 20))).toEqual([]);
  expect(findingsOf(recovery, delayed(1700, 21))).toEqual(
    ['node', 'volume'].map((disaster) => ({
      path: 'Cluster/db',
      cause: `loss of a ${disaster}: Cluster app/db (another instance takes over) is away for 31 min, targets.recoveryTime is 30m`,
      remedy: 'change failoverDelay (1700 s), primaryLease (21 s)',
    })),
  );
});

test.each([
  ['840s', true],
  ['14min', true],
  ['841s', false],
  ['1h', false],
  ['0', false],
  [undefined, true],
])('archive_timeout %s keeps the recovery point of 15 min after a restore: %p', (archiveTimeout, isKept) => {
  const parameters: Record<string, string> =
    archiveTimeout === undefined ? {} : { archive_timeout: archiveTimeout };
  const causes = causesOf(
    recovery,
    platformOf([database({ ...single, postgresql: { parameters } }), schedule()], oneZone, external),
  );

  expect(causes).toHaveLength(isKept ? 0 : 1);
  for (const cause of causes)
    expect(cause).toMatch(/^loss of a volume: .* loses .*, targets.recoveryPoint is 15m$/);
});

test('without an archive or a schedule nothing is restored', () => {
  expect(causesOf(recovery, platformOf([database({ ...single, plugins: [] }), schedule()], oneZone))).toEqual(
    [
      'loss of a volume: Cluster app/db (restored from backups every 6 h) loses writes without a bound, targets.recoveryPoint is 15m',
    ],
  );
  for (const none of [[], [schedule({ suspend: true })], [schedule({ cluster: { name: 'other' } })]]) {
    expect(causesOf(recovery, platformOf([database(single), ...none], oneZone))).toEqual([
      'loss of a volume: Cluster app/db (restored from no backups) is away for good, targets.recoveryTime is 30m',
    ]);
  }
});

test.each([
  ['a larger volume', '175Gi', '0 0 */6 * * *', '30d', true],
  ['too large a volume', '190Gi', '0 0 */6 * * *', '30d', false],
  ['a backup a week', '50Gi', '0 0 0 * * 0', '30d', true],
  ['a backup a month', '50Gi', '0 0 0 1 * *', '30d', false],
  ['a volume that turns over in a day', '60Gi', '0 0 */6 * * *', '1d', false],
])('a restore of %s', (_, size, cron, eventRetention, isKept) => {
  const { postgres } = platformOf([]).environment;
  const platform = platformOf(
    [database({ ...single, storage: { size } }), schedule({ schedule: cron })],
    oneZone,
    {
      postgres: { ...postgres, eventRetention },
    },
  );

  expect(findingsOf(recovery, platform)).toEqual(
    isKept
      ? []
      : [
          {
            path: 'Cluster/db',
            cause: expect.stringMatching(
              /^loss of a volume: Cluster app\/db \(restored from backups every .*\) is away for .*, targets.recoveryTime is 30m$/,
            ),
            remedy:
              'change postgres.instances (3 for a failover), postgres.storage, postgres.backup.schedule',
          },
        ],
  );
});

test('a backup is of the moment at which it began: the log of its own duration is replayed too', () => {
  const { postgres } = platformOf([]).environment;
  const platform = platformOf(
    [database({ ...single, storage: { size: '100Gi' } }), schedule({ schedule: '0 */15 * * * *' })],
    oneZone,
    { postgres: { ...postgres, eventRetention: '1d' } },
  );

  // 180 s, 80 GiB in 819 s, and at 240 GiB of log a day that of 900 + 819 s in 181 s.
  expect(recovery.check(platform).facts[1]?.figure).toBe(
    'RPO 6 min, RTO 20 min: restored from backups every 15 min',
  );
});

test('a single instance that moves replays its log first', () => {
  const log = (bytes: number) => `${Math.floor(bytes / 2 ** 20)}MB`;
  const budget = 1800 - ASSUMED.nodeLost - ASSUMED.podEvicted - ASSUMED.volumeDetached;
  const moving = (size: string) =>
    platformOf(
      [database({ ...single, postgresql: { parameters: { max_wal_size: size } } }), schedule()],
      oneZone,
    );

  expect(findingsOf(recovery, moving(log(budget * ASSUMED.replay)))).toEqual([]);
  expect(causesOf(recovery, moving(log((budget + 1) * ASSUMED.replay)))).toEqual([
    'loss of a node: Cluster app/db (its pod moves, with its volume) is away for 31 min, targets.recoveryTime is 30m',
  ]);
});

test('a single instance over several zones is lost with its zone where its backups are in the cluster', () => {
  expect(causesOf(recovery, platformOf([database(single), schedule()]))).toEqual([
    'loss of a zone: Cluster app/db (its backups are lost with it) loses writes without a bound, targets.recoveryPoint is 15m',
    'loss of a zone: Cluster app/db (its backups are lost with it) is away for good, targets.recoveryTime is 30m',
  ]);
  expect(findingsOf(recovery, platformOf([database(single), schedule()], {}, external))).toEqual([]);
});

test('stricter targets are missed', () => {
  const { cluster, environment } = regions('primary');
  const targets = (recoveryPoint: string, recoveryTime: string) =>
    platformOf([database(), schedule()], cluster, {
      ...environment,
      targets: { recoveryPoint, recoveryTime },
    });

  expect(findingsOf(recovery, targets('6m', '19m'))).toEqual([]);
  expect(causesOf(recovery, targets('5m', '18m'))).toEqual([
    'loss of the region: Cluster app/db (the standby of the other region is promoted) loses up to 6 min of writes, targets.recoveryPoint is 5m',
    'loss of the region: Cluster app/db (the standby of the other region is promoted) is away for 19 min, targets.recoveryTime is 18m',
  ]);
});

describe('a standby', () => {
  const following = (serverName: string): Partial<ClusterSpec> => ({
    replica: { self: 'staging-second', primary: 'origin', source: 'origin' },
    externalClusters: [{ name: 'origin', plugin: archiver('store', serverName) }],
  });
  const causes = (role: Cluster['role'], own: Partial<ClusterSpec>) => {
    const { cluster, environment } = regions(role);
    return causesOf(recovery, platformOf([database(own), schedule()], cluster, environment));
  };

  test("follows the primary's archive, also where the primary was recovered", () => {
    expect(causes('standby', following('staging-first'))).toEqual([]);
    expect(causes('standby', following('staging-first-20260131120000'))).toEqual([]);
    expect(causes('standby', following('staging-third'))).toEqual([
      'Cluster app/db follows staging-third, the primary writes to staging-first',
    ]);
    expect(causes('standby', { ...following('staging-first'), externalClusters: [] })).toEqual([
      'Cluster app/db follows no archive, the primary writes to staging-first',
    ]);
  });

  test('is where the configuration says so, and nowhere else', () => {
    expect(causes('standby', {})).toEqual(['Cluster app/db is a primary, cluster second is standby']);
    expect(causes('primary', following('staging-second'))).toEqual([
      'Cluster app/db is a standby, cluster first is primary',
    ]);
    const promoted = {
      ...following('staging-first'),
      replica: { self: 'a', primary: 'a', source: 'origin' },
    };
    expect(causes('primary', promoted)).toEqual([]);
  });

  test('loses nothing with its region', () => {
    const { cluster, environment } = regions('standby');

    expect(Object.keys(figures(following('staging-first'), cluster, environment))).toEqual([
      'loss of a node',
      'loss of a volume',
      'loss of a zone',
    ]);
  });
});
