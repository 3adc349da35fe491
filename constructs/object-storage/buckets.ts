import { Construct } from 'constructs';
import type { NamespaceScope } from '../platform/names';
import { formatBytes, parseQuantity } from '../platform/quantity';

export interface BucketProps {
  /** Namespace of the one who keeps something in it; gets the keys. One consumer, one bucket, one pair of keys. */
  readonly consumer: NamespaceScope;
  /** What is kept: `backups` can be brought back for a while after their own writer deleted them. */
  readonly purpose: 'backups' | 'data';
  /**
   * Days after which objects are deleted.
   * @default - never: the consumer deletes what it no longer needs
   */
  readonly expireDays?: number;
  /**
   * Days in which an object that was deleted or overwritten can be brought back by an administrator; 0 for none.
   * @default 7 for backups, 0 for data
   */
  readonly restoreDays?: number;
  /**
   * Most that the bucket may hold, former versions included, so that one consumer cannot fill the volume of the others.
   * A provider's storage has no volume to fill, and its API no quota.
   * @default - none
   */
  readonly quota?: string;
}

/** A bucket as declared, with its defaults. */
export interface DeclaredBucket extends Required<Omit<BucketProps, 'expireDays' | 'quota'>> {
  readonly id: string;
  /** The name at the service: of the bucket, its user and its rights. */
  readonly name: string;
  readonly expireDays?: number;
  /** Bytes. */
  readonly quota?: number;
}

/** What the S3 API takes, except for dots, which no certificate covers. */
const BUCKET_NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** Days after which the parts of an upload that was never finished are thrown away. */
const UNFINISHED_DAYS = 7;

/**
 * Fills in defaults and refuses what no service would take.
 * @throws Error for a bad name, days that are no whole number, and no bucket at all
 */
export function declareBuckets(
  scope: Construct,
  buckets: Readonly<Record<string, BucketProps>>,
  prefix: string,
): DeclaredBucket[] {
  const declared = Object.entries(buckets).map(([id, props]) => {
    const { consumer, purpose, expireDays, restoreDays = purpose === 'backups' ? 7 : 0, quota } = props;
    const name = `${prefix}${id}`;
    if (!BUCKET_NAME.test(name)) {
      throw new Error(
        `${scope.node.path}: bucket name "${name}" must be 3 to 63 lowercase letters, digits and dashes`,
      );
    }
    days(scope, id, 'expireDays', expireDays ?? 1, 1);
    days(scope, id, 'restoreDays', restoreDays, 0);
    const bytes = quota === undefined ? undefined : parseQuantity(quota);
    return { id, name, consumer, purpose, expireDays, restoreDays, quota: bytes };
  });
  if (declared.length === 0) throw new Error(`${scope.node.path}: buckets must name at least one, got none`);
  return declared;
}

function days(scope: Construct, id: string, name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new Error(
    `${scope.node.path}: ${name} of bucket ${id} must be a whole number of days, at least ${least}, got ${value}`,
  );
}

/**
 * Refuses quotas that the volume cannot keep: the first bucket to fill it would take the others' room.
 * @throws Error where the quotas are larger than the volume, all together
 */
export function fitQuotas(scope: Construct, buckets: readonly DeclaredBucket[], storage: string): void {
  const sum = buckets.reduce((total, { quota = 0 }) => total + quota, 0);
  if (sum <= parseQuantity(storage)) return;
  throw new Error(
    `${scope.node.path}: quotas of ${formatBytes(sum)} do not fit a volume of ${storage}; lower them or enlarge it`,
  );
}

/** The buckets as the scripts read them: one line each, of name, versioning, quota in bytes and purpose. */
export function bucketList(buckets: readonly DeclaredBucket[]): string {
  return buckets
    .map(({ name, restoreDays, quota = 'none', purpose }) => {
      const versioning = restoreDays > 0 ? 'Enabled' : 'Suspended';
      return `${name} ${versioning} ${quota} ${purpose}\n`;
    })
    .join('');
}

/** When objects, former versions and half uploads go. */
export function lifecycle({ expireDays, restoreDays }: DeclaredBucket): string {
  return json({
    Rules: [
      {
        ID: 'expiry',
        Status: 'Enabled',
        Filter: { Prefix: '' },
        // A marker of a deletion has nothing to hide once the last version is gone; with days, it goes by itself.
        Expiration: expireDays === undefined ? { ExpiredObjectDeleteMarker: true } : { Days: expireDays },
        NoncurrentVersionExpiration: { NoncurrentDays: Math.max(restoreDays, 1) },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: UNFINISHED_DAYS },
      },
    ],
  });
}

/** Refuses everybody who comes without TLS, whatever their rights. */
export function transportPolicy({ name }: DeclaredBucket): string {
  return policy({
    Sid: 'TlsOnly',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [bucketArn(name), `${bucketArn(name)}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  });
}

/**
 * What a bucket's user may do: everything with objects of this bucket that backups need, retention included. Not named
 * and therefore refused: former versions, the bucket's own settings, every other bucket.
 */
export function rights({ name }: DeclaredBucket): string {
  return policy(
    {
      Effect: 'Allow',
      Action: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
      Resource: bucketArn(name),
    },
    {
      Effect: 'Allow',
      Action: [
        's3:GetObject',
        's3:PutObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
      ],
      Resource: `${bucketArn(name)}/*`,
    },
    // Not only left out: MinIO takes the right to delete an object for the right to delete its versions too.
    { Effect: 'Deny', Action: ['s3:DeleteObjectVersion'], Resource: `${bucketArn(name)}/*` },
  );
}

/** What the administrator does: in `buckets.sh`, and by hand to bring back what was deleted. No objects are written. */
export function administratorRights(buckets: readonly DeclaredBucket[]): string {
  const arns = buckets.map(({ name }) => bucketArn(name));
  return policy(
    {
      Effect: 'Allow',
      Action: [
        's3:CreateBucket',
        's3:GetBucketLocation',
        's3:GetBucketTagging',
        's3:GetBucketVersioning',
        's3:ListBucket',
        's3:ListBucketVersions',
        's3:PutBucketPolicy',
        's3:PutBucketTagging',
        's3:PutBucketVersioning',
        's3:PutLifecycleConfiguration',
      ],
      Resource: arns,
    },
    {
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: arns.map((arn) => `${arn}/*`),
    },
  );
}

function bucketArn(name: string): string {
  return `arn:aws:s3:::${name}`;
}

function policy(...statements: readonly object[]): string {
  return json({ Version: '2012-10-17', Statement: statements });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
