import { App } from 'cdk8s';
import type { Images } from '../config/images';
import type { Cluster, Environment } from '../config/schema';
import { CertificateAuthority } from '../constructs/certificate-authority';
import { CredentialsMaker } from '../constructs/credentials';
import { ObjectStorage, ObjectStorageProps } from '../constructs/object-storage';
import { PlatformNamespaces } from '../constructs/platform-namespaces';
import { parseDuration, wholeDays } from '../constructs/platform/duration';
import { Spreading } from '../constructs/platform/pod';
import { PostgresCluster } from '../constructs/postgres-cluster';
import { RedisSentinel } from '../constructs/redis-sentinel';
import { VectorDatabase } from '../constructs/vector-database';
import { Embeddings } from '../constructs/vector-database/embeddings';
import { PhaseChart } from './phase-chart';

/** What every service is given. */
interface Ground {
  readonly authority: CertificateAuthority;
  readonly maker: CredentialsMaker;
  readonly spreading: Spreading;
}

/** What everything else stands on: trust, and the services that keep data. */
export function foundation(app: App, environment: Environment, cluster: Cluster, images: Images): PhaseChart {
  const chart = new PhaseChart(app, 'foundation');
  const namespaces = new PlatformNamespaces(chart, 'Namespaces');
  const { spreading } = environment;
  const { storageClass } = cluster;
  const maker = { image: images('curl'), apiServer: { name: 'Kubernetes API', ...cluster.apiServer } };
  const authority = new CertificateAuthority(
    namespaces.existing('cert-manager'),
    'lighthouse',
    environment.certificateAuthority,
  );
  const ground: Ground = { authority, maker, spreading };

  const databases = namespaces.add('postgres');
  const vectors = namespaces.add('vector-database');
  const vectorBackups = `vectors-${archiveOf(environment, cluster)}`;
  const storage = new ObjectStorage(namespaces.add('object-storage'), 's3', {
    engine: engineOf(environment, cluster, images, ground),
    prefix: environment.objectStorage.external?.bucketPrefix,
    cliImage: images('awsCli'),
    buckets: {
      'postgres-backups': { consumer: databases, purpose: 'backups' },
      [vectorBackups]: { consumer: vectors, purpose: 'backups' },
    },
  });

  const { postgres } = environment;
  new PostgresCluster(databases, 'events', {
    ...ground,
    ...postgres,
    images: { postgres: images('postgresql'), pgbouncer: images('pgbouncer') },
    resources: { cpu: postgres.cpu, memory: postgres.memory },
    storage: { storageClass, data: postgres.storage, wal: postgres.walStorage, kind: postgres.storageKind },
    eventRetentionDays: wholeDays(postgres.eventRetention),
    backup: {
      bucket: storage.bucket('postgres-backups'),
      serverName: archiveOf(environment, cluster),
      schedule: postgres.backup.schedule,
      retentionDays: wholeDays(postgres.backup.retention),
      recoveryPointMinutes: parseDuration(environment.targets.recoveryPoint) / 60,
    },
    standbyOf: primaryArchive(environment, cluster),
  });

  const redis = namespaces.add('redis');
  for (const purpose of ['cache', 'sessions'] as const) {
    new RedisSentinel(redis, purpose, {
      ...ground,
      ...environment.redis[purpose],
      purpose,
      images: { redis: images('redis'), proxy: images('haproxy'), exporter: images('redisExporter') },
      proxies: environment.redis.proxies,
      storageClass,
      users: [{ name: 'bridge', keys: ['*'], commands: ['+@all', '-@admin', '-@dangerous'] }],
    });
  }

  const { embeddings, ...vectorDatabase } = environment.vectorDatabase;
  new VectorDatabase(vectors, 'weaviate', {
    ...ground,
    image: images('weaviate'),
    schemaImage: images('python'),
    members: vectorDatabase.members,
    resources: { cpu: vectorDatabase.cpu, memory: vectorDatabase.memory },
    storage: vectorDatabase.storage,
    storageClass,
    embeddings: new Embeddings(vectors, 'embeddings', {
      image: images('embeddings'),
      replicas: embeddings.replicas,
      resources: { cpu: embeddings.cpu, memory: embeddings.memory },
      spreading,
    }),
    backup: storage.bucket(vectorBackups),
  });
  return chart;
}

/** The folder of a cluster in the bucket that all clusters of its environment archive to. */
function archiveOf(environment: Environment, cluster: Cluster): string {
  return `${environment.environment}-${cluster.name}`;
}

/** The archive that a standby replays: the primary cluster's. */
function primaryArchive(environment: Environment, cluster: Cluster): string | undefined {
  const primary = environment.clusters.find(({ role }) => role === 'primary');
  return cluster.role === 'standby' && primary ? archiveOf(environment, primary) : undefined;
}

function engineOf(
  { objectStorage }: Environment,
  { storageClass }: Cluster,
  images: Images,
  ground: Ground,
): ObjectStorageProps<string>['engine'] {
  const { engine, external, cpu = '', memory = '', storage = '' } = objectStorage;
  const server = { ...ground, cpu, memory, storage, storageClass };
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
