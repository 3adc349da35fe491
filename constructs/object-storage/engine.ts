import type { Container, Volume } from '../../imports/k8s';
import type { Credential } from '../credentials';
import type { Bucket } from '../platform/bucket';
import type { Endpoint } from '../platform/endpoint';
import type { AddressRange } from '../platform/peer';
import type { DeclaredBucket } from './buckets';

/** A container of the Job that applies the buckets, and what it mounts besides `/config`, `/tmp` and `/trust`. */
export interface ApplyStep {
  readonly container: Pick<Container, 'name' | 'image' | 'command' | 'env' | 'volumeMounts'>;
  readonly volumes: readonly Volume[];
  /** Files for `/config`, beside the list of buckets. */
  readonly files: Readonly<Record<string, string>>;
}

/** How the service is seen from outside: a server of this platform, or a provider's. */
export type Seen =
  | {
      readonly kind: 'server';
      readonly program: 'minio' | 'seaweedfs';
      readonly endpoint: Endpoint;
      /** Path that answers 200 when it is ready. */
      readonly path: string;
    }
  | { readonly kind: 'provider'; readonly host: string; readonly range: AddressRange };

/** What keeps the objects. */
export interface Engine extends Pick<Bucket, 'host' | 'port' | 'region' | 'trust' | 'allowFrom'> {
  readonly seen: Seen;
  /** The keys that may make buckets; none where others make them. */
  readonly administrator?: Credential;
  /** What is left to do when the buckets are there, where the S3 API has no words for it: users, rights, quotas. */
  readonly afterBuckets?: ApplyStep;
  /** The keys of a bucket, in its consumer's namespace. */
  keysOf(bucket: DeclaredBucket): Credential;
}
