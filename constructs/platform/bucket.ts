import type { EnvVar, SecretKeySelector } from '../../imports/k8s';
import type { Connections } from './connections';
import { TRUST_FILE } from './trust';

/**
 * A bucket of an S3 service as the one who keeps something in it sees it, wherever the service runs. Its keys may list,
 * read, write and delete in this bucket and nowhere else, and cannot destroy former versions.
 */
export interface Bucket {
  /** The bucket's full name at the service. */
  readonly name: string;
  /** DNS name of the service; buckets are addressed by path. */
  readonly host: string;
  /** TCP port of the service, always HTTPS. */
  readonly port: number;
  /** Region that requests are signed for. */
  readonly region: string;
  /** Who vouches for the service: the platform's own roots (the trust bundle), or those every image carries. */
  readonly trust: 'platform' | 'public';
  /** Access key, in a Secret of the consumer's namespace. */
  readonly accessKey: Required<Pick<SecretKeySelector, 'name' | 'key'>>;
  /** Secret key, in the same Secret. */
  readonly secretKey: Required<Pick<SecretKeySelector, 'name' | 'key'>>;
  /** Lets a set of pods reach the service: by the endpoint's edge, or by the address range of what runs outside. */
  allowFrom(client: Connections): void;
}

/** The service's address as a URL, `https://host:port`. */
export function bucketUrl({ host, port }: Pick<Bucket, 'host' | 'port'>): string {
  return `https://${host}:${port}`;
}

/** Keys and region as the environment variables that every S3 client knows. */
export function bucketEnv({
  accessKey,
  secretKey,
  region,
}: Pick<Bucket, 'accessKey' | 'secretKey' | 'region'>): EnvVar[] {
  return [
    { name: 'AWS_ACCESS_KEY_ID', valueFrom: { secretKeyRef: accessKey } },
    { name: 'AWS_SECRET_ACCESS_KEY', valueFrom: { secretKeyRef: secretKey } },
    { name: 'AWS_REGION', value: region },
    { name: 'AWS_DEFAULT_REGION', value: region },
  ];
}

/** What a script that copies something into a folder of a bucket is told, with the settings of the AWS command line. */
export function copyEnv(bucket: Bucket, folder: string): EnvVar[] {
  return [
    { name: 'BACKUP_BUCKET', value: bucket.name },
    { name: 'BACKUP_PREFIX', value: folder },
    { name: 'BACKUP_ENDPOINT', value: bucketUrl(bucket) },
    ...awsCliEnv(bucket),
  ];
}

/** Settings of the AWS command line: keys, whom it trusts (the bundle mounted at /trust), and a home that it can write to. */
export function awsCliEnv(bucket: Pick<Bucket, 'accessKey' | 'secretKey' | 'region' | 'trust'>): EnvVar[] {
  return [
    ...bucketEnv(bucket),
    // Services other than Amazon's refuse the checksums that newer clients add unasked.
    { name: 'AWS_REQUEST_CHECKSUM_CALCULATION', value: 'when_required' },
    { name: 'AWS_RESPONSE_CHECKSUM_VALIDATION', value: 'when_required' },
    { name: 'AWS_EC2_METADATA_DISABLED', value: 'true' },
    { name: 'HOME', value: '/tmp' },
    ...(bucket.trust === 'platform' ? [{ name: 'AWS_CA_BUNDLE', value: `/trust/${TRUST_FILE}` }] : []),
  ];
}
