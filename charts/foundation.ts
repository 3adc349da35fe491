import { App } from 'cdk8s';
import type { Images } from '../config/images';
import type { Cluster, Environment } from '../config/schema';
import { CertificateAuthority } from '../constructs/certificate-authority';
import { CredentialsMaker } from '../constructs/credentials';
import { podSecurityFor } from '../constructs/fuse-mount';
import { ObjectStorage, ObjectStorageProps } from '../constructs/object-storage';
import { PlatformNamespace, PlatformNamespaces } from '../constructs/platform-namespaces';
import { Bucket } from '../constructs/platform/bucket';
import type { NamespaceScope } from '../constructs/platform/names';
import { parseDuration, wholeDays } from '../constructs/platform/duration';
import { Spreading } from '../constructs/platform/pod';
import { shareOf } from '../constructs/platform/quantity';
import { ISSUER } from '../constructs/platform/trust';
import { PostgresCluster } from '../constructs/postgres-cluster';
import { archiveFolder } from '../constructs/postgres-cluster/backups';
import { RedisSentinel } from '../constructs/redis-sentinel';
import { VaultMtls } from '../constructs/vault-mtls';
import { VectorDatabase } from '../constructs/vector-database';
import { Embeddings } from '../constructs/vector-database/embeddings';
import { vaultSignOn, vectorSignOn } from './people';
import { PhaseChart } from './phase-chart';

/** Where something is built, and what every service is given. */
export interface Site {
  readonly environment: Environment;
  readonly cluster: Cluster;
  readonly images: Images;
  readonly ground: {
    readonly authority: CertificateAuthority;
    readonly maker: CredentialsMaker;
    readonly spreading: Spreading;
  };
}

/** The services that keep data. */
export interface DataServices {
  readonly postgres: PostgresCluster;
  readonly redis: Readonly<Record<'cache' | 'sessions', RedisSentinel>>;
  readonly objectStorage: ObjectStorage<string>;
  readonly vectorDatabase: VectorDatabase;
  readonly embeddings: Embeddings;
  readonly vault: VaultMtls;
}

/** What the foundation gives to the phases after it. */
export interface Foundation {
  readonly chart: PhaseChart;
  readonly site: Site;
  readonly services: DataServices;
  /** The namespace of Lighthouse itself, and where copies of its event log go. */
  readonly bridge: { readonly namespace: PlatformNamespace; readonly bucket: Bucket };
  /** The namespace of what watches the platform, and where it keeps what it sees. */
  readonly observability: {
    readonly namespace: PlatformNamespace;
    /** The namespace of what must see the nodes themselves. */
    readonly agents: PlatformNamespace;
    readonly buckets: Readonly<Record<'logs' | 'traces', Bucket>>;
  };
}

/** What everything else stands on: trust, and the services that keep data. */
export function foundation(app: App, environment: Environment, cluster: Cluster, images: Images): Foundation {
  const chart = new PhaseChart(app, 'foundation');
  const namespaces = new PlatformNamespaces(chart, 'Namespaces', { mesh: environment.mesh?.mode });
  const authority = new CertificateAuthority(
    namespaces.existing('cert-manager'),
    ISSUER,
    environment.certificateAuthority,
  );
  const maker = { image: images('curl'), apiServer: { name: 'Kubernetes API', ...cluster.apiServer } };
  const { spreading } = environment;
  const site: Site = { environment, cluster, images, ground: { authority, maker, spreading } };

  const postgres = namespaces.add('postgres');
  const vectors = namespaces.add('vector-database');
  // Nothing mounts where no Lighthouse runs.
  const fuse = cluster.role === 'primary' ? environment.bridge.fuse?.mode : undefined;
  const bridge = namespaces.add('bridge', { podSecurity: podSecurityFor(fuse ?? 'none') });
  const namespace = namespaces.add('observability');
  // Whoever reads a node's own files may not be restricted; everything else is apart from it.
  const agents = namespaces.add('node-agents', { podSecurity: 'privileged' });
  const secrets = namespaces.add('vault');
  const { storage, buckets } = objectStorage(site, namespaces.add('object-storage'), {
    postgres,
    vectors,
    vault: secrets,
    bridge,
    logs: namespace,
    traces: namespace,
  });
  const embeddings = embeddingsOf(site, vectors);
  // Lighthouse with a state of its own connects to neither, and gets no password.
  const clients = environment.bridge.state === 'external' ? [bridge] : [];
  return {
    chart,
    site,
    services: {
      postgres: eventStore(site, postgres, buckets.postgres, { clients, vault: secrets }),
      redis: redis(site, namespaces.add('redis'), clients),
      objectStorage: storage,
      vectorDatabase: vectorDatabase(site, vectors, buckets.vectors, embeddings),
      embeddings,
      vault: vault(site, secrets, buckets.vault),
    },
    bridge: { namespace: bridge, bucket: buckets.bridge },
    observability: { namespace, agents, buckets },
  };
}

/** Shares of an object store's volume that each consumer may fill; the rest is for the store itself. */
const QUOTAS = {
  postgres: 0.45,
  vectors: 0.25,
  vault: 0.02,
  bridge: 0.05,
  logs: 0.15,
  traces: 0.05,
} as const;

type Consumers<T> = Readonly<Record<keyof typeof QUOTAS, T>>;

function objectStorage(
  site: Site,
  namespace: PlatformNamespace,
  consumers: Consumers<PlatformNamespace>,
): { storage: ObjectStorage<string>; buckets: Consumers<Bucket> } {
  const { external, storage: volume } = site.environment.objectStorage;
  const archive = archiveOf(site.environment, site.cluster);
  const { logs, traces } = site.environment.observability;
  const bucket = (consumer: keyof typeof QUOTAS, purpose: 'backups' | 'data', expireDays?: number) => ({
    consumer: consumers[consumer],
    purpose,
    ...(expireDays === undefined ? {} : { expireDays }),
    ...(volume === undefined ? {} : { quota: shareOf(volume, QUOTAS[consumer]) }),
  });
  // What Loki and Tempo keep, they delete themselves; what they forget goes a week later.
  const after = (...retentions: readonly string[]): number => 7 + Math.max(...retentions.map(wholeDays));
  const ids = {
    // One bucket for all clusters of an environment, a folder each: a standby reads its primary's.
    postgres: 'postgres-backups',
    vectors: `vectors-${archive}`,
    vault: `vault-${archive}`,
    bridge: `bridge-${archive}`,
    logs: `logs-${archive}`,
    traces: `traces-${archive}`,
  };
  const storage = new ObjectStorage(namespace, 's3', {
    engine: engineOf(site),
    prefix: external?.bucketPrefix,
    cliImage: site.images('awsCli'),
    buckets: {
      [ids.postgres]: bucket('postgres', 'backups'),
      [ids.vectors]: bucket('vectors', 'backups'),
      [ids.vault]: bucket('vault', 'backups'),
      [ids.bridge]: bucket('bridge', 'backups'),
      [ids.logs]: bucket('logs', 'data', after(logs.retention, logs.bridgeRetention)),
      [ids.traces]: bucket('traces', 'data', after(traces.retention)),
    },
  });
  return {
    storage,
    buckets: {
      postgres: storage.bucket(ids.postgres),
      vectors: storage.bucket(ids.vectors),
      vault: storage.bucket(ids.vault),
      bridge: storage.bucket(ids.bridge),
      logs: storage.bucket(ids.logs),
      traces: storage.bucket(ids.traces),
    },
  };
}

function engineOf({ environment, cluster, images, ground }: Site): ObjectStorageProps<string>['engine'] {
  const { engine, external, cpu = '', memory = '', storage = '' } = environment.objectStorage;
  const server = { ...ground, cpu, memory, storage, storageClass: cluster.storageClass };
  switch (engine) {
    case 'minio':
      return { kind: engine, image: images('minio'), clientImage: images('minioClient'), ...server };
    case 'seaweedfs':
      return { kind: engine, image: images('seaweedfs'), ...server };
    case 'external':
      if (!external) throw new Error('objectStorage.external must be there where the engine is external');
      return {
        kind: engine,
        ...external,
        range: { name: external.host, cidr: external.cidr, port: external.port },
      };
  }
}

function eventStore(
  { environment, cluster, images, ground }: Site,
  namespace: PlatformNamespace,
  bucket: Bucket,
  { clients, vault }: { readonly clients: readonly NamespaceScope[]; readonly vault: NamespaceScope },
): PostgresCluster {
  const { recoverFrom, lentLogins, ...postgres } = environment.postgres;
  const primary = environment.clusters.find(({ role }) => role === 'primary') ?? cluster;
  const origin =
    cluster.role === 'primary'
      ? {
          recoverFrom,
          ...(lentLogins === undefined ? {} : { lending: { by: vault, logins: lentLogins } }),
        }
      : { standbyOf: archiveFolder(archiveOf(environment, primary), recoverFrom) };
  return new PostgresCluster(namespace, 'events', {
    ...ground,
    ...postgres,
    ...origin,
    clients,
    images: { postgres: images('postgresql'), pgbouncer: images('pgbouncer') },
    resources: { cpu: postgres.cpu, memory: postgres.memory },
    storage: {
      storageClass: cluster.storageClass,
      data: postgres.storage,
      wal: postgres.walStorage,
      kind: postgres.storageKind,
    },
    eventRetentionDays: wholeDays(postgres.eventRetention),
    backup: {
      bucket,
      serverName: archiveOf(environment, cluster),
      schedule: postgres.backup.schedule,
      retentionDays: wholeDays(postgres.backup.retention),
      recoveryPointMinutes: parseDuration(environment.targets.recoveryPoint) / 60,
    },
  });
}

/** The folder of a cluster in a bucket that all clusters of its environment share. */
export function archiveOf(environment: Environment, cluster: Cluster): string {
  return `${environment.environment}-${cluster.name}`;
}

function redis(
  { environment, cluster, images, ground }: Site,
  namespace: PlatformNamespace,
  clients: readonly NamespaceScope[],
): DataServices['redis'] {
  const group = (purpose: 'cache' | 'sessions') =>
    new RedisSentinel(namespace, purpose, {
      ...ground,
      ...environment.redis[purpose],
      purpose,
      images: { redis: images('redis'), proxy: images('haproxy'), exporter: images('redisExporter') },
      proxies: environment.redis.proxies,
      storageClass: cluster.storageClass,
      users: [{ name: 'bridge', keys: ['*'], commands: ['+@all', '-@admin', '-@dangerous'] }],
      ...(purpose === 'sessions' ? { clients } : {}),
    });
  return { cache: group('cache'), sessions: group('sessions') };
}

function embeddingsOf({ environment, images, ground }: Site, namespace: PlatformNamespace): Embeddings {
  const { replicas, ...resources } = environment.vectorDatabase.embeddings;
  return new Embeddings(namespace, 'embeddings', {
    image: images('embeddings'),
    replicas,
    resources,
    spreading: ground.spreading,
  });
}

function vectorDatabase(
  { environment, cluster, images, ground }: Site,
  namespace: PlatformNamespace,
  backup: Bucket,
  embeddings: Embeddings,
): VectorDatabase {
  const { members, storage, cpu, memory } = environment.vectorDatabase;
  return new VectorDatabase(namespace, 'weaviate', {
    ...ground,
    members,
    storage,
    image: images('weaviate'),
    scriptImage: images('python'),
    resources: { cpu, memory },
    storageClass: cluster.storageClass,
    embeddings,
    backup,
    signOn: vectorSignOn(environment),
  });
}

function vault(
  { environment, cluster, images, ground }: Site,
  namespace: PlatformNamespace,
  bucket: Bucket,
): VaultMtls {
  const { members, storage, seal, snapshots, cpu, memory } = environment.vault;
  return new VaultMtls(namespace, 'vault', {
    ...ground,
    members,
    storage,
    seal,
    signOn: vaultSignOn(environment, cluster),
    image: images('vault'),
    scriptImage: images('python'),
    resources: { cpu, memory },
    storageClass: cluster.storageClass,
    backup: {
      bucket,
      folder: archiveOf(environment, cluster),
      cliImage: images('awsCli'),
      schedule: snapshots,
    },
  });
}
