import { Construct } from 'constructs';
import type { Bucket } from '../platform/bucket';
import type { Connections } from '../platform/connections';
import { ApplyJob } from './apply-job';
import { BucketProps, DeclaredBucket, declareBuckets } from './buckets';
import type { Engine, Seen } from './engine';
import { External, ExternalProps } from './external';
import { Minio, MinioProps } from './minio';
import { SeaweedFs, SeaweedFsProps } from './seaweedfs';

export interface ObjectStorageProps<Id extends string> {
  /** What keeps the objects: a server of the cluster, or a provider. */
  readonly engine: MinioProps | SeaweedFsProps | ExternalProps;
  /** The buckets by id: all of them, for the Job that makes them is one. */
  readonly buckets: Readonly<Record<Id, BucketProps>>;
  /** Image with the AWS command line and a shell. */
  readonly cliImage: string;
  /**
   * What the buckets' names at the service begin with, where others keep theirs too.
   * @default - nothing
   */
  readonly prefix?: string;
}

/**
 * Buckets, each with one consumer that alone has its keys, on whatever service keeps them.
 *
 * @example
 * const storage = new ObjectStorage(namespaces.add('object-storage'), 's3', {
 *   engine: { kind: 'minio', … },
 *   buckets: { 'postgres-backups': { consumer: postgres, purpose: 'backups', quota: '8Gi' } },
 *   cliImage,
 * });
 * const bucket = storage.bucket('postgres-backups');
 * bucket.allowFrom(database.connections);
 */
export class ObjectStorage<Id extends string> extends Construct {
  /** How the service is seen from outside. */
  readonly seen: Seen;
  private readonly buckets: ReadonlyMap<string, Bucket>;

  constructor(scope: Construct, id: string, props: ObjectStorageProps<Id>) {
    super(scope, id);
    const { cliImage, prefix = '' } = props;
    const buckets = declareBuckets(this, props.buckets, prefix);
    const engine = this.engine(props.engine, buckets);
    const { administrator, seen } = engine;
    this.seen = seen;
    const job =
      administrator && new ApplyJob(this, 'Buckets', { image: cliImage, engine, administrator, buckets });
    this.buckets = new Map(buckets.map((bucket) => [bucket.id, view(bucket, engine, job)]));
  }

  /** One of the buckets, as its consumer needs it. */
  bucket(id: Id): Bucket {
    const bucket = this.buckets.get(id);
    if (!bucket) {
      throw new Error(
        `${this.node.path}: no bucket "${id}"; there are ${[...this.buckets.keys()].join(', ')}`,
      );
    }
    return bucket;
  }

  private engine(props: ObjectStorageProps<Id>['engine'], buckets: readonly DeclaredBucket[]): Engine {
    switch (props.kind) {
      case 'minio':
        return new Minio(this, 'Default', props, buckets);
      case 'seaweedfs':
        return new SeaweedFs(this, 'Default', props, buckets);
      case 'external':
        return new External(this, 'Default', props, buckets);
    }
  }
}

function view(bucket: DeclaredBucket, engine: Engine, job: ApplyJob | undefined): Bucket {
  const { secretName } = engine.keysOf(bucket);
  return {
    name: bucket.name,
    host: engine.host,
    port: engine.port,
    region: engine.region,
    trust: engine.trust,
    accessKey: { name: secretName, key: 'username' },
    secretKey: { name: secretName, key: 'password' },
    allowFrom: (client: Connections) => {
      engine.allowFrom(client);
      if (job) client.startAfter(job.connections);
    },
  };
}
