import { App } from 'cdk8s';
import type { Images } from '../config/images';
import type { Cluster, Environment } from '../config/schema';
import { CertificateAuthority } from '../constructs/certificate-authority';
import { CredentialsMaker } from '../constructs/credentials';
import { ObjectStorage, ObjectStorageProps } from '../constructs/object-storage';
import { PlatformNamespace, PlatformNamespaces } from '../constructs/platform-namespaces';
import { Bucket } from '../constructs/platform/bucket';
import { parseDuration, wholeDays } from '../constructs/platform/duration';
import { Spreading } from '../constructs/platform/pod';
import { shareOf } from '../constructs/platform/quantity';
import { PostgresCluster } from '../constructs/postgres-cluster';
import { archiveFolder } from '../constructs/postgres-cluster/backups';
import { RedisSentinel } from '../constructs/redis-sentinel';
import { VectorDatabase } from '../constructs/vector-database';
import { Embeddings } from '../constructs/vector-database/embeddings';
import { PhaseChart } from './phase-chart';

/** Where something is built, and what every service is given. */
interface Site {
  readonly environment: Environment;
  readonly cluster: Cluster;
  readonly images: Images;
  readonly ground: {
    readonly authority: CertificateAuthority;
    readonly maker: CredentialsMaker;
    readonly spreading: Spreading;
  };
}

/** What everything else stands on: trust, and the services that keep data. */
export function foundation(app: App, environment: Environment, cluster: Cluster, images: Images): PhaseChart {
  const chart = new PhaseChart(app, 'foundation');
  const namespaces = new PlatformNamespaces(chart, 'Namespaces');
  const authority = new CertificateAuthority(
    namespaces.existing('cert-manager'),
    'lighthouse',
    environment.certificateAuthority,
  );
  const maker = { image: images('curl'), apiServer: { name: 'Kubernetes API', ...cluster.apiServer } };
  const { spreading } = environment;
  const site: Site = { environment, cluster, images, ground: { authority, maker, spreading } };

  const postgres = namespaces.add('postgres');
  const vectors = namespaces.add('vector-database');
  const buckets = objectStorage(site, namespaces.add('object-storage'), postgres, vectors);
  eventStore(site, postgres, buckets.postgres);
  redis(site, namespaces.add('redis'));
  vectorDatabase(site, vectors, buckets.vectors);
  return chart;
}

/** Shares of an object store's volume that each kind of backup may fill; the rest is for the store itself. */
const QUOTAS = { postgres: 0.6, vectors: 0.3 } as const;

function objectStorage(
  site: Site,
  namespace: PlatformNamespace,
  postgres: PlatformNamespace,
  vectors: PlatformNamespace,
): { postgres: Bucket; vectors: Bucket } {
  const { external, storage: volume } = site.environment.objectStorage;
  const quota = (share: number) => (volume === undefined ? {} : { quota: shareOf(volume, share) });
  // One bucket for all clusters of an environment, a folder each: a standby reads its primary's.
  const databases = 'postgres-backups';
  const collections = `vectors-${archiveOf(site.environment, site.cluster)}`;
  const storage = new ObjectStorage(namespace, 's3', {
    engine: engineOf(site),
    prefix: external?.bucketPrefix,
    cliImage: site.images('awsCli'),
    buckets: {
      [databases]: { consumer: postgres, purpose: 'backups', ...quota(QUOTAS.postgres) },
      [collections]: { consumer: vectors, purpose: 'backups', ...quota(QUOTAS.vectors) },
    },
  });
  return { postgres: storage.bucket(databases), vectors: storage.bucket(collections) };
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
): void {
  const { recoverFrom, ...postgres } = environment.postgres;
  const primary = environment.clusters.find(({ role }) => role === 'primary') ?? cluster;
  const origin =
    cluster.role === 'primary'
      ? { recoverFrom }
      : { standbyOf: archiveFolder(archiveOf(environment, primary), recoverFrom) };
  new PostgresCluster(namespace, 'events', {
    ...ground,
    ...postgres,
    ...origin,
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

/** The folder of a cluster in the bucket that all clusters of its environment archive to. */
function archiveOf(environment: Environment, cluster: Cluster): string {
  return `${environment.environment}-${cluster.name}`;
}

function redis({ environment, cluster, images, ground }: Site, namespace: PlatformNamespace): void {
  for (const purpose of ['cache', 'sessions'] as const) {
    new RedisSentinel(namespace, purpose, {
      ...ground,
      ...environment.redis[purpose],
      purpose,
      images: { redis: images('redis'), proxy: images('haproxy'), exporter: images('redisExporter') },
      proxies: environment.redis.proxies,
      storageClass: cluster.storageClass,
      users: [{ name: 'bridge', keys: ['*'], commands: ['+@all', '-@admin', '-@dangerous'] }],
    });
  }
}

function vectorDatabase(
  { environment, cluster, images, ground }: Site,
  namespace: PlatformNamespace,
  backup: Bucket,
): void {
  const { embeddings, cpu, memory, ...props } = environment.vectorDatabase;
  new VectorDatabase(namespace, 'weaviate', {
    ...ground,
    ...props,
    image: images('weaviate'),
    scriptImage: images('python'),
    resources: { cpu, memory },
    storageClass: cluster.storageClass,
    embeddings: new Embeddings(namespace, 'embeddings', {
      image: images('embeddings'),
      replicas: embeddings.replicas,
      resources: { cpu: embeddings.cpu, memory: embeddings.memory },
      spreading: ground.spreading,
    }),
    backup,
  });
}
