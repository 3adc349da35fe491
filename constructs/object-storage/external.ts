import { Construct } from 'constructs';
import { Credential } from '../credentials';
import type { Connections } from '../platform/connections';
import { BUCKET, RIGHTS } from '../platform/labels';
import type { AddressRange } from '../platform/peer';
import { namespaceOf, objectName } from '../platform/names';
import { ClusterStore, fetchSecret } from '../platform/secret-source';
import { administratorRights, DeclaredBucket, rights } from './buckets';
import type { Engine, Seen } from './engine';

/** The S3 service of a provider: nothing runs here, and backups outlive the cluster. */
export interface ExternalProps {
  readonly kind: 'external';
  /** DNS name of the service. */
  readonly host: string;
  /** Its addresses and port, to be let out to. */
  readonly range: AddressRange;
  /** Region that requests are signed for. */
  readonly region: string;
  /** ClusterSecretStore that holds the keys: a lost Vault comes back from a bucket, and cannot hold the keys to it. */
  readonly secretStore: string;
  /**
   * Path in the store; below it, one entry per bucket, by the bucket's id, with `accessKey` and `secretKey`. What the keys
   * must be allowed to do is an annotation of the ExternalSecret; `terraform/environment` reads it there.
   */
  readonly secretPath: string;
  /**
   * Entry below the path whose keys may make buckets and set their policies.
   * @default - the buckets are made by whoever made the keys
   */
  readonly administrator?: string;
}

/** A provider's S3 service. */
export class External extends Construct implements Engine {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly trust = 'public';
  readonly administrator?: Credential;
  readonly seen: Seen;
  private readonly range: AddressRange;
  private readonly keys: ReadonlyMap<string, Credential>;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ExternalProps,
    buckets: readonly DeclaredBucket[],
  ) {
    super(scope, id);
    const { host, range, region, administrator } = props;
    this.host = host;
    this.seen = { kind: 'provider', host, range };
    this.port = range.port;
    this.region = region;
    this.range = range;
    this.keys = new Map(
      buckets.map((bucket) => [
        bucket.id,
        this.fetch(bucket.id, bucket.consumer.name, { [BUCKET]: bucket.name, [RIGHTS]: rights(bucket) }),
      ]),
    );
    if (administrator !== undefined) {
      const annotations = { [RIGHTS]: administratorRights(buckets) };
      this.administrator = this.fetch(administrator, namespaceOf(this), annotations);
    }
  }

  allowFrom(client: Connections): void {
    client.allowToRange(this.range);
  }

  keysOf({ id }: DeclaredBucket): Credential {
    const credential = this.keys.get(id);
    if (!credential) throw new Error(`${this.node.path}: no keys were fetched for bucket ${id}`);
    return credential;
  }

  /** Copies an entry of the store into a Secret of the same shape as those that are made here. */
  private fetch(entry: string, namespace: string, annotations: Record<string, string>): Credential {
    const { secretStore, secretPath } = this.props;
    const place = (property: string) => ({ entry: `${secretPath}/${entry}`, property });
    const name = fetchSecret(this, `Keys-${entry}`, {
      name: `${objectName(this)}-${entry}`,
      namespace,
      annotations,
      source: new ClusterStore(secretStore),
      values: { username: place('accessKey'), password: place('secretKey') },
    });
    return new Credential(entry, name);
  }
}
