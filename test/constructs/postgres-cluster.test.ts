import { describe, expect, test } from '@jest/globals';
import { PostgresCluster, PostgresClusterProps } from '../../constructs/postgres-cluster';
import type { Bucket } from '../../constructs/platform/bucket';
import { Connections } from '../../constructs/platform/connections';
import { Manifest } from '../../constructs/platform/manifest';
import type { NamespaceScope } from '../../constructs/platform/names';
import { workloadOf } from '../../constructs/platform/workloads';
import type { NetworkPolicySpec, PodSpec } from '../../imports/k8s';
import type { ClusterSpec, DatabaseRoleSpec, PoolerSpec } from '../../imports/postgresql.cnpg.io';
import { required } from './lending';
import { API_SERVER, find, Ground, manifestsOf, platformWith } from '../support';

const bucket: Bucket = {
  name: 'postgres-backups',
  host: 's3.example.com',
  port: 443,
  region: 'eu-central-1',
  trust: 'platform',
  accessKey: { name: 's3-keys', key: 'username' },
  secretKey: { name: 's3-keys', key: 'password' },
  allowFrom: (client: Connections) =>
    client.allowToRange({ name: 'object storage', cidr: '203.0.113.0/24', port: 443 }),
};

const backup = {
  bucket,
  serverName: 'staging-test',
  schedule: '0 0 */6 * * *',
  retentionDays: 14,
  recoveryPointMinutes: 15,
};

/** A platform with one database `events` in namespace `postgres`, and the construct itself. */
function build(
  props: Partial<PostgresClusterProps> | ((ground: Ground) => Partial<PostgresClusterProps>) = {},
): {
  postgres: PostgresCluster;
  manifests: Manifest[];
} {
  let made: PostgresCluster | undefined;
  const platform = platformWith((ground) => {
    const chosen = typeof props === 'function' ? props(ground) : props;
    made = new PostgresCluster(ground.namespaces.add('postgres'), 'events', {
      ...required(ground),
      ...chosen,
    });
    ground.scrape(made);
  });
  if (!made) throw new Error('nothing was built');
  return { postgres: made, manifests: manifestsOf(platform) };
}

const cluster = (manifests: Manifest[]): ClusterSpec => specOf(find(manifests, 'Cluster', 'events'));

function specOf<T>(manifest: Manifest): T {
  return manifest['spec'] as T;
}

/** Labels of the operator's pods, as its release 1.30 writes them (pkg/specs/pods.go, jobs.go, pgbouncer/deployments.go). */
const PODS = {
  instance: { 'cnpg.io/cluster': 'events', 'cnpg.io/podRole': 'instance' },
  job: { 'cnpg.io/cluster': 'events', 'cnpg.io/jobRole': 'join' },
  pooler: { 'cnpg.io/cluster': 'events', 'cnpg.io/podRole': 'pooler', 'cnpg.io/poolerName': 'events-pool' },
};
const database = { 'app.kubernetes.io/component': 'database' };

const selects = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

describe('defaults', () => {
  const { postgres, manifests } = build();
  const spec = cluster(manifests);

  test('three instances, a commit is on two of them, and only one that has it can be elected', () => {
    expect(spec.instances).toBe(3);
    expect(spec.postgresql?.synchronous).toEqual({
      method: 'any',
      number: 1,
      dataDurability: 'required',
      failoverQuorum: true,
    });
    expect(spec.enablePDB).toBe(true);
    expect(spec.primaryUpdateMethod).toBe('switchover');
  });

  test('spread over zones and nodes, the pods of poolers not counted', () => {
    expect(spec.affinity).toMatchObject({ podAntiAffinityType: 'required' });
    const constraints = spec.topologySpreadConstraints ?? [];
    expect(constraints.map(({ topologyKey, whenUnsatisfiable }) => [topologyKey, whenUnsatisfiable])).toEqual(
      [
        ['topology.kubernetes.io/zone', 'DoNotSchedule'],
        ['kubernetes.io/hostname', 'DoNotSchedule'],
      ],
    );
    for (const { labelSelector } of constraints) {
      const labels = labelSelector?.matchLabels ?? {};
      expect(selects(labels, { ...PODS.instance, ...database })).toBe(true);
      expect(selects(labels, { ...PODS.pooler, 'app.kubernetes.io/component': 'pooler' })).toBe(false);
    }
  });

  test('a volume of its own for the log, checksums, requests and limits', () => {
    expect(spec.walStorage).toEqual({ storageClass: 'ssd', size: '4Gi' });
    expect(spec.bootstrap?.initdb).toMatchObject({ dataChecksums: true, database: 'lighthouse' });
    expect(spec.resources).toEqual({
      requests: { cpu: '1', memory: '4Gi' },
      limits: { memory: '4Gi' },
    });
  });

  test('passwords only over TLS and with a certificate, servers known by the platform, operators by themselves', () => {
    expect(spec.certificates).toEqual({ serverTLSSecret: 'events-tls', serverCASecret: 'lighthouse-trust' });
    // The first that fits is the one: none may come before that lets a password in alone.
    expect(spec.postgresql?.pg_hba).toEqual([
      'hostnossl all all all reject',
      'hostssl all lighthouse_owner all scram-sha-256 clientcert=verify-full',
      'hostssl all all all scram-sha-256 clientcert=verify-ca',
    ]);
    const { dnsNames } = specOf<{ dnsNames: string[] }>(find(manifests, 'Certificate', 'events-tls'));
    for (const { host } of [postgres.readWrite, postgres.readOnly]) expect(dnsNames).toContain(host);
    // By this name standbys and the pooler know the primary.
    expect(dnsNames).toContain('events-rw');
  });

  test('no archive and no backups without a bucket', () => {
    expect(spec.plugins).toBeUndefined();
    expect(manifests.some(({ kind }) => kind === 'ObjectStore' || kind === 'ScheduledBackup')).toBe(false);
  });

  test('every role has its password from a Secret that the operator watches, and a limit of connections', () => {
    const owner = specOf<DatabaseRoleSpec>(find(manifests, 'DatabaseRole', 'events-owner'));
    const roles = [owner, ...(spec.managed?.roles ?? []).filter(({ ensure }) => ensure === 'present')];
    expect(roles.map(({ name }) => name)).toEqual([
      'lighthouse_owner',
      'lighthouse_writer',
      'lighthouse_reader',
    ]);
    const limits = roles.map(({ connectionLimit = Infinity }) => connectionLimit);
    const { parameters = {} } = spec.postgresql ?? {};
    const free = Number(parameters['max_connections']) - Number(parameters['superuser_reserved_connections']);
    expect(limits.reduce((sum, limit) => sum + limit)).toBeLessThanOrEqual(free);
    const lines = manifests
      .filter(({ kind }) => kind === 'ConfigMap')
      .map((manifest) => (manifest['data'] as Record<string, string>)['users'] ?? '')
      .join('');
    for (const { name, passwordSecret } of roles) {
      expect(lines).toContain(`${passwordSecret?.name} ${name} cnpg.io/reload=true postgres\n`);
    }
  });

  test('the owner has a certificate, and stays when its resource goes', () => {
    expect(find(manifests, 'DatabaseRole', 'events-owner')['spec']).toMatchObject({
      login: true,
      clientCertificate: { enabled: true },
      databaseRoleReclaimPolicy: 'retain',
    });
  });

  test('the database is kept when its resource goes', () => {
    expect(find(manifests, 'Database', 'events-lighthouse')['spec']).toMatchObject({
      owner: 'lighthouse_owner',
      databaseReclaimPolicy: 'retain',
    });
  });

  test('half a shutdown each, far below an hour', () => {
    expect(Number(spec.stopDelay) - Number(spec.smartShutdownTimeout)).toBeGreaterThanOrEqual(15);
    expect(spec.switchoverDelay).toBeLessThanOrEqual(300);
  });
});

describe('one instance', () => {
  const { postgres, manifests } = build({ instances: 1, poolers: 1, spreading: 'preferred' });
  const spec = cluster(manifests);

  test('waits for no standby and lets its node be drained', () => {
    expect(spec.postgresql?.synchronous).toBeUndefined();
    expect(spec.enablePDB).toBe(false);
    expect(manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
  });

  test('is read where it is written', () => {
    expect(postgres.readOnly.host).toBe('events-r.postgres.svc.cluster.local');
  });

  test('its pooler is replaced before it goes', () => {
    const pooler = specOf<PoolerSpec>(find(manifests, 'Pooler', 'events-pool'));
    expect(pooler.deploymentStrategy?.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });
});

describe('pooler', () => {
  const { postgres, manifests } = build({ poolers: 3 });
  const pooler = specOf<PoolerSpec>(find(manifests, 'Pooler', 'events-pool'));
  const settings = pooler.pgbouncer.parameters ?? {};

  test('all pods together stay within what PostgreSQL grants the writer', () => {
    expect((3 + 1) * Number(settings['default_pool_size'])).toBeLessThanOrEqual(postgres.budget.roles.writer);
    expect(2 * Number(settings['max_client_conn'])).toBeGreaterThanOrEqual(300);
  });

  test('transactions, certificates of the platform on both sides, and the operator making its login', () => {
    expect(pooler.pgbouncer).toMatchObject({
      poolMode: 'transaction',
      clientTLSSecret: { name: 'events-pool-tls' },
      clientCASecret: { name: 'lighthouse-trust' },
    });
    expect(settings).toMatchObject({ client_tls_sslmode: 'verify-ca', server_tls_sslmode: 'verify-full' });
    // Any of these would leave role and lookup function to us (api/v1/pooler_funcs.go, IsAutomatedIntegration).
    expect(pooler.pgbouncer).not.toHaveProperty('authQuery');
    expect(pooler.pgbouncer).not.toHaveProperty('authQuerySecret');
    expect(pooler.pgbouncer).not.toHaveProperty('serverTLSSecret');
    const { dnsNames } = specOf<{ dnsNames: string[] }>(find(manifests, 'Certificate', 'events-pool-tls'));
    expect(dnsNames).toContain(postgres.pooled.host);
  });

  test('its Secret is not the one that the operator makes for its login', () => {
    expect(
      manifests.some(({ kind, metadata }) => kind === 'Pooler' && metadata.name === 'events-pooler'),
    ).toBe(false);
  });

  test('rolls one by one where there is no room for one more, and lets one be drained', () => {
    expect(pooler.deploymentStrategy?.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: 1 });
    const disruption = specOf<{ maxUnavailable: number; selector: { matchLabels: Record<string, string> } }>(
      find(manifests, 'PodDisruptionBudget', 'events-pool'),
    );
    expect(disruption.maxUnavailable).toBe(1);
    expect(selects(disruption.selector.matchLabels, PODS.pooler)).toBe(true);
  });

  test("every container has requests and a limit, the operator's init container too", () => {
    const pod = pooler.template?.spec as PodSpec;
    const containers = [...(pod.initContainers ?? []), ...pod.containers];
    expect(containers.map(({ name }) => name)).toEqual(['bootstrap-controller', 'pgbouncer']);
    for (const { resources } of containers) {
      expect(resources?.requests).toHaveProperty('cpu');
      expect(resources?.limits?.['memory']).toBe(resources?.requests?.['memory']);
    }
  });
});

describe('network', () => {
  const { manifests } = build({ backup });
  const policy = (name: string) => specOf<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', name));
  const from = (name: string, port: number) =>
    (policy(name).ingress ?? [])
      .filter(({ ports = [] }) => ports.some((each) => each.port === port))
      .flatMap((rule) => rule.from ?? [])
      .map(({ podSelector }) => podSelector?.matchLabels ?? {});

  test('one policy covers the instances and the jobs that make them, and no pooler', () => {
    const labels = policy('events').podSelector?.matchLabels ?? {};
    expect(selects(labels, { ...PODS.instance, ...database })).toBe(true);
    expect(selects(labels, { ...PODS.job, ...database })).toBe(true);
    expect(selects(labels, { ...PODS.pooler, 'app.kubernetes.io/component': 'pooler' })).toBe(false);
  });

  test('PostgreSQL is reached by pooler, members, schema and operator; its status by members and operator', () => {
    const operator = { 'app.kubernetes.io/name': 'cloudnative-pg' };
    const members = { 'cnpg.io/cluster': 'events', ...database };
    const schema = { 'app.kubernetes.io/name': 'event-store', 'app.kubernetes.io/instance': 'events-schema' };
    const byPort = (port: number) => from('events', port);
    expect(byPort(5432)).toHaveLength(4);
    expect(byPort(5432)).toEqual(
      expect.arrayContaining([operator, members, schema, { 'cnpg.io/poolerName': 'events-pool' }]),
    );
    expect(byPort(8000)).toHaveLength(2);
    expect(byPort(8000)).toEqual(expect.arrayContaining([operator, members]));
    expect(byPort(9187)).toEqual([
      { 'app.kubernetes.io/name': 'prometheus', 'app.kubernetes.io/instance': 'prometheus' },
    ]);
  });

  test('instances and poolers reach the API server, instances the bucket', () => {
    const ranges = (name: string) =>
      (policy(name).egress ?? []).flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []));
    expect(ranges('events')).toEqual([API_SERVER.cidr, '203.0.113.0/24']);
    expect(ranges('events-pool')).toEqual([API_SERVER.cidr]);
    expect(ranges('events-schema')).toEqual([]);
  });

  test('metrics of both are scraped by the names of their ports', () => {
    for (const name of ['events', 'events-pool']) {
      expect(find(manifests, 'PodMonitor', name)['spec']).toMatchObject({
        podMetricsEndpoints: [{ port: 'metrics', path: '/metrics' }],
      });
    }
  });
});

describe('schema', () => {
  const { manifests } = build();
  const job = (all: Manifest[]): Manifest => {
    const found = all.find(
      ({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('events-schema-'),
    );
    if (!found) throw new Error('no schema job');
    return found;
  };

  test('runs as the owner, straight at the primary, over verified TLS', () => {
    const { template } = specOf<{ template: { spec: PodSpec } }>(job(manifests));
    const [container] = template.spec.containers;
    expect(container?.env).toEqual(
      expect.arrayContaining([
        { name: 'PGHOST', value: 'events-rw.postgres.svc.cluster.local' },
        { name: 'PGSSLMODE', value: 'verify-full' },
        { name: 'PGUSER', value: 'lighthouse_owner' },
        { name: 'PGSSLCERT', value: '/tls/tls.crt' },
        { name: 'PGSSLKEY', value: '/tls/tls.key' },
      ]),
    );
    // psql refuses a key that more than its group may read.
    expect(template.spec.volumes).toContainEqual({
      name: 'tls',
      secret: { secretName: 'events-owner-client-cert', defaultMode: 0o440 },
    });
    expect(container?.volumeMounts?.map(({ mountPath }) => mountPath)).toContain('/tls');
    expect(container?.command).toEqual(
      expect.arrayContaining(['psql', 'ON_ERROR_STOP=1', '-1', '-f', 'apply.sql']),
    );
  });

  test('is another Job when its SQL is another', () => {
    const changed = build({ eventRetentionDays: 31 }).manifests;
    expect(job(changed).metadata.name).not.toBe(job(manifests).metadata.name);
    expect(job(build().manifests).metadata.name).toBe(job(manifests).metadata.name);
  });

  test('partitions are maintained daily, never twice at once', () => {
    expect(find(manifests, 'CronJob', 'events-schema-maintenance')['spec']).toMatchObject({
      schedule: '17 2 * * *',
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
    });
  });
});

describe('backups', () => {
  const { postgres, manifests } = build({ backup });
  const spec = cluster(manifests);

  test('the log is archived from the first day, to a folder of this cluster alone', () => {
    expect(postgres.archive).toBe('staging-test');
    expect(spec.plugins).toEqual([
      {
        name: 'barman-cloud.cloudnative-pg.io',
        isWALArchiver: true,
        parameters: { barmanObjectName: 'events-backups', serverName: 'staging-test' },
      },
    ]);
    expect(spec.postgresql?.parameters).toHaveProperty('archive_timeout', '300s');
  });

  test('a first backup at once, then by a schedule of six fields', () => {
    const schedule = specOf<{ schedule: string }>(find(manifests, 'ScheduledBackup', 'events-backups'));
    expect(schedule).toMatchObject({ immediate: true, method: 'plugin', cluster: { name: 'events' } });
    expect(schedule.schedule.split(' ')).toHaveLength(6);
  });

  test('the store trusts the platform where the bucket does, and speaks to servers that are not AWS', () => {
    const store = (all: Manifest[]) => find(all, 'ObjectStore', 'events-backups')['spec'];
    expect(store(manifests)).toMatchObject({
      retentionPolicy: '14d',
      configuration: {
        destinationPath: 's3://postgres-backups/',
        endpointURL: 'https://s3.example.com:443',
        endpointCA: { name: 'lighthouse-trust', key: 'ca.crt' },
      },
      instanceSidecarConfiguration: {
        env: expect.arrayContaining([
          { name: 'AWS_REQUEST_CHECKSUM_CALCULATION', value: 'when_required' },
          { name: 'AWS_REGION', value: 'eu-central-1' },
        ]),
      },
    });
    const outside = build({ backup: { ...backup, bucket: { ...bucket, trust: 'public' } } }).manifests;
    expect(store(outside)).not.toHaveProperty('configuration.endpointCA');
  });

  test('the container that the plugin adds to every instance is counted', () => {
    const requests = (all: Manifest[]) => workloadOf(find(all, 'Cluster', 'events'))?.requests.memory ?? 0;
    expect(requests(manifests) - requests(build().manifests)).toBe(384 * 2 ** 20);
  });

  test('recovery: from another folder to a new one', () => {
    const recoverFrom = { serverName: 'staging-test', targetTime: '2026-01-31T12:00:00Z' };
    const recovered = build({ backup, recoverFrom });
    expect(recovered.postgres.archive).toBe('staging-test-20260131120000');
    expect(cluster(recovered.manifests)).toMatchObject({
      bootstrap: {
        recovery: { source: 'staging-test', recoveryTarget: { targetTime: '2026-01-31T12:00:00Z' } },
      },
      externalClusters: [{ name: 'staging-test', plugin: { parameters: { serverName: 'staging-test' } } }],
      plugins: [{ parameters: { serverName: 'staging-test-20260131120000' } }],
    });
  });

  test("standby: replays another's archive, keeps its own, and applies no schema", () => {
    const standby = build({ backup, standbyOf: 'staging-first' });
    const of = cluster(standby.manifests);
    expect(of.replica).toEqual({ self: 'staging-test', primary: 'staging-first', source: 'staging-first' });
    expect(of.bootstrap?.recovery?.source).toBe('staging-first');
    expect(of.externalClusters?.map(({ name }) => name)).toEqual(['staging-test', 'staging-first']);
    expect(standby.manifests.some(({ metadata }) => metadata.name.startsWith('events-schema'))).toBe(false);
  });
});

test('every prop is heeded', () => {
  const { postgres, manifests } = build((ground) => {
    const all: Required<Omit<PostgresClusterProps, 'standbyOf'>> = {
      ...required(ground),
      storage: { storageClass: 'slow', data: '10Gi', wal: '4Gi', kind: 'hdd' },
      instances: 5,
      poolers: 4,
      spreading: 'preferred',
      backup,
      recoverFrom: { serverName: 'old', targetTime: '2026-01-31T12:00:00Z' },
      clients: [ground.namespaces.add('bridge')],
      lending: { by: ground.namespaces.add('vault'), logins: 7 },
    };
    return all;
  });
  const spec = cluster(manifests);
  expect(spec.instances).toBe(5);
  expect(spec.postgresql?.parameters).toHaveProperty('random_page_cost', '4');
  expect(spec.affinity?.podAntiAffinityType).toBe('preferred');
  expect(specOf<PoolerSpec>(find(manifests, 'Pooler', 'events-pool')).instances).toBe(4);
  // The owner's password goes to no client.
  const copied = manifests.filter(({ kind, metadata }) => kind === 'Role' && metadata.namespace === 'bridge');
  expect(copied.map(({ metadata }) => metadata.name)).toEqual(['postgres-events-users']);
  expect(postgres.credentials.writer.secretName).toBe('events-users-lighthouse-writer');
  expect(postgres.lender?.statements.lend).toContain('all 7 logins are lent');
});

describe('a login for whoever moves an older event store in', () => {
  const migrator = (manifests: Manifest[]) =>
    cluster(manifests).managed?.roles?.find(({ name }) => name === 'lighthouse_migrator');

  test('acts as the owner, with a password of its own that its namespace has a copy of', () => {
    let secret: string | undefined;
    const platform = platformWith((ground) => {
      const postgres = new PostgresCluster(ground.namespaces.add('postgres'), 'events', required(ground));
      secret = postgres.migratorFor(ground.namespaces.add('bridge')).secretName;
    });
    const manifests = manifestsOf(platform);
    expect(migrator(manifests)).toMatchObject({
      ensure: 'present',
      inRoles: ['lighthouse_owner'],
      passwordSecret: { name: secret },
    });
    const job = manifests.find(
      ({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('events-migrator-'),
    );
    expect(Object.values(job?.metadata.annotations ?? {}).join()).toContain(`Secret/bridge/${secret}:`);
  });

  test('gets in by its password alone, and nobody else does', () => {
    const { postgres, manifests } = build((ground) => ({ clients: [ground.namespaces.add('bridge')] }));
    expect(postgres.migration.address).toBe(postgres.readWrite.address);
    expect(cluster(manifests).postgresql?.pg_hba?.join()).not.toContain('lighthouse_migrator');
    const migrating = platformWith((ground) => {
      new PostgresCluster(ground.namespaces.add('postgres'), 'events', required(ground)).migratorFor(
        ground.namespaces.add('bridge'),
      );
    });
    expect(cluster(manifestsOf(migrating)).postgresql?.pg_hba?.slice(1, 3)).toEqual([
      'hostssl all lighthouse_migrator all scram-sha-256',
      'hostssl all lighthouse_owner all scram-sha-256 clientcert=verify-full',
    ]);
  });

  test('is dropped where nobody asks for it', () => {
    expect(migrator(build().manifests)).toEqual({ name: 'lighthouse_migrator', ensure: 'absent' });
  });
});

describe('lending logins by way of Vault', () => {
  const lending = (logins: number) =>
    build((ground) => ({ lending: { by: ground.namespaces.add('vault'), logins } }));
  const lender = ({ managed }: ClusterSpec) =>
    managed?.roles?.find(({ name }) => name === 'lighthouse_lender');
  const schema = (manifests: Manifest[]): string[] => {
    const job = manifests.find(
      ({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('events-schema-'),
    );
    if (!job) throw new Error('no Job applies the schema');
    return workloadOf(job)?.pod?.containers.flatMap(({ command = [] }) => command) ?? [];
  };

  test('its login may make others and nothing else, and is in no list that the operator compares', () => {
    const { manifests } = lending(5);
    expect(specOf<DatabaseRoleSpec>(find(manifests, 'DatabaseRole', 'events-lender'))).toEqual({
      name: 'lighthouse_lender',
      cluster: { name: 'events' },
      login: true,
      createrole: true,
      connectionLimit: 6,
      passwordSecret: { name: 'events-lender-login-lighthouse-lender' },
      databaseRoleReclaimPolicy: 'retain',
    });
    expect(lender(cluster(manifests))).toBeUndefined();
    expect(schema(manifests)).toEqual(expect.arrayContaining(['apply.sql', 'lender.sql']));
  });

  test('there is room for every session that is lent, and for Vault', () => {
    const none = build().postgres.budget.maxConnections;
    expect(lending(1).postgres.budget.maxConnections - none).toBe(6 + 2);
    expect(lending(5).postgres.budget.maxConnections - none).toBe(6 + 5 * 2);
  });

  test('who is lent a login comes by the pooler', () => {
    const { postgres } = lending(1);
    expect(postgres.lender?.endpoint).toBe(postgres.pooled);
  });

  test('where nothing is lent the login is dropped, and has no rights', () => {
    const { manifests, postgres } = build();
    expect(lender(cluster(manifests))).toEqual({ name: 'lighthouse_lender', ensure: 'absent' });
    expect(schema(manifests)).not.toContain('lender.sql');
    expect(postgres.lender).toBeUndefined();
  });
});

test('endpoints', () => {
  const { postgres } = build();
  const addresses = [postgres.readWrite, postgres.readOnly, postgres.pooled].map(({ address }) => address);
  expect(addresses).toEqual([
    'events-rw.postgres.svc.cluster.local:5432',
    'events-ro.postgres.svc.cluster.local:5432',
    'events-pool.postgres.svc.cluster.local:5432',
  ]);
});

describe('guards', () => {
  const refused: [name: string, props: Partial<PostgresClusterProps>, message: RegExp][] = [
    ['two instances', { instances: 2 }, /instances must be 1, or odd .* got 2 \(.*events\)/],
    ['no instance', { instances: 0 }, /instances must be 1, or odd .* got 0/],
    ['no pooler', { poolers: 0 }, /poolers must be at least 1, got 0/],
    ['no client', { clientConnections: 0 }, /clientConnections must be at least 1, got 0/],
    [
      'no login to lend',
      { lending: { by: { name: 'vault' } as NamespaceScope, logins: 0 } },
      /lending.logins must be at least 1, got 0/,
    ],
    [
      'a standby that lends',
      { backup, standbyOf: 'a', lending: { by: { name: 'vault' } as NamespaceScope, logins: 1 } },
      /a standby makes no roles/,
    ],
    ['no retention', { eventRetentionDays: 0 }, /eventRetentionDays must be at least 1, got 0/],
    [
      'memory that does not do',
      { resources: { cpu: '4', memory: '256Mi' } },
      /memory of 256Mi leaves less than 1 MiB .*\(.*events\)/,
    ],
    [
      'recovering and standing by',
      {
        backup,
        recoverFrom: { serverName: 'a', targetTime: '2026-01-31T12:00:00Z' },
        standbyOf: 'b',
      },
      /both recoverFrom and standbyOf/,
    ],
    ['standing by without a bucket', { standbyOf: 'a' }, /read a bucket: give backup/],
    ['standing by for itself', { backup, standbyOf: 'staging-test' }, /archive of another cluster/],
    [
      'a time that is none',
      { backup, recoverFrom: { serverName: 'a', targetTime: 'yesterday' } },
      /targetTime must be UTC as in .* got "yesterday"/,
    ],
  ];
  test.each(refused)('%s', (_, props, message) => {
    expect(() => build(props)).toThrow(message);
  });
});

test('printed', () => {
  const { manifests } = build({ backup });
  expect(
    manifests.filter(({ kind }) =>
      ['Cluster', 'Pooler', 'Database', 'ObjectStore', 'ScheduledBackup'].includes(kind),
    ),
  ).toMatchSnapshot();
});
