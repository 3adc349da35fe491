import { Construct } from 'constructs';
import { type PodSpec, StatefulSet } from '../../imports/k8s';
import type { Credential, CredentialsMaker } from '../credentials';
import type { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { dataClaim } from '../platform/pod';
import { type DeclaredBucket, fitQuotas } from './buckets';
import type { Engine, Seen } from './engine';
import { GeneratedKeys } from './generated-keys';

export interface OwnServerProps {
  readonly maker: CredentialsMaker;
  /** Size of the volume, such as `20Gi`. */
  readonly storage: string;
  /** Class of the volume. */
  readonly storageClass: string;
}

/** A server of S3 in the cluster: one pod on one volume, with keys that are made here. */
export abstract class OwnServer extends Construct implements Engine {
  abstract readonly connections: Connections;
  abstract readonly api: Endpoint;
  abstract readonly seen: Seen;
  readonly region = 'us-east-1';
  readonly trust = 'platform';
  protected readonly keys: GeneratedKeys;

  constructor(
    scope: Construct,
    id: string,
    private readonly own: OwnServerProps,
    buckets: readonly DeclaredBucket[],
  ) {
    super(scope, id);
    fitQuotas(this, buckets, own.storage);
    this.keys = new GeneratedKeys(this, own.maker, buckets);
  }

  get host(): string {
    return this.api.host;
  }

  get port(): number {
    return this.api.port;
  }

  get administrator(): Credential {
    return this.keys.administrator;
  }

  allowFrom(client: Connections): void {
    client.allowTo(this.api);
  }

  keysOf(bucket: DeclaredBucket): Credential {
    return this.keys.of(bucket);
  }

  /** Makes the one pod. */
  protected serve(pod: PodSpec): void {
    const { labels, podLabels, serviceName } = this.connections;
    new StatefulSet(this, 'Resource', {
      spec: {
        serviceName,
        replicas: 1,
        // In order, a pod that never became ready would keep its own fix out.
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: { metadata: { labels: podLabels }, spec: pod },
        volumeClaimTemplates: dataClaim(this.own.storage, this.own.storageClass),
      },
    });
  }
}
