import { Construct } from 'constructs';
import { Container, EnvVar, PodDisruptionBudget, Probe, Service, StatefulSet } from '../../../imports/k8s';
import { CertificateAuthority, TRUST_FILE, trustVolume } from '../../certificate-authority';
import { Bucket, bucketEnv } from '../../platform/bucket';
import { ConfigFiles } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import { CLUSTER_DOMAIN, Endpoint } from '../../platform/endpoint';
import { namespaceOf, objectName } from '../../platform/names';
import {
  dataClaim,
  Resources,
  resources,
  RESTRICTED,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../../platform/pod';
import { shareOf } from '../../platform/quantity';
import { CHUNK_HOURS, copiesOf, goMemory, logSize } from '../sizing';

/** Whose logs they are: each has a retention of its own, and no query sees both unless it names both. */
export type Tenant = 'platform' | 'bridge';

export interface LokiProps {
  readonly image: string;
  /** Members: 1, or at least 3, so that every line is kept by three. */
  readonly replicas: number;
  /** Where chunks and index are kept. */
  readonly bucket: Bucket;
  /** Text that is written in a day, such as `50Gi`; memory, CPU and volumes follow. */
  readonly perDay: string;
  /** Days that the logs of each tenant are kept. */
  readonly retentionDays: Readonly<Record<Tenant, number>>;
  readonly storageClass: string;
  readonly spreading: Spreading;
  readonly authority: CertificateAuthority;
}

/** User `loki` of the public image. */
const UID = 10001;

/** Before it stops, a member sends its open chunks on; what it cannot is in its log (WAL). */
const GRACE_SECONDS = 300;

/** What speaks S3 and is not Amazon's knows the checksums that its clients add by default not everywhere. */
const COMPATIBLE: readonly EnvVar[] = [
  'AWS_REQUEST_CHECKSUM_CALCULATION',
  'AWS_RESPONSE_CHECKSUM_VALIDATION',
].map((name) => ({ name, value: 'when_required' }));

/** Streams that a tenant may have open: a few per container. */
const STREAMS = 5000;

/**
 * Loki: keeps the lines of all containers, by tenant. Every member does everything; its own volume has only what is not in
 * the bucket yet.
 *
 * @example
 * collector.connections.allowTo(loki.endpoint);
 */
export class Loki extends Construct {
  readonly connections = new Connections(this, { name: 'loki', component: 'logs', service: 'headless' });
  /** HTTPS, at members that are ready: `/loki/api/v1` and `/otlp`, with the tenant in `X-Scope-OrgID`. */
  readonly endpoint: Endpoint;
  private readonly grpc = this.connections.listen('grpc', 9095);
  private readonly gossip = this.connections.listen('gossip', 7946);

  constructor(scope: Construct, id: string, props: LokiProps) {
    super(scope, id);
    const { replicas, bucket, authority, spreading } = props;
    if (!Number.isInteger(replicas) || replicas < 1 || replicas === 2) {
      throw new Error(
        `${this.node.path}: replicas must be 1, or at least 3 so that a majority has each line, got ${replicas}`,
      );
    }
    const { rateMib, storage, ...size } = logSize(props);
    const name = objectName(this);
    const clients = `${name}-http`;
    this.endpoint = this.connections.listen('http', 3100, {
      host: `${clients}.${namespaceOf(this)}.svc.${CLUSTER_DOMAIN}`,
      metricsPath: '/metrics',
      metricsScheme: 'https',
    });
    if (replicas > 1) this.connections.allowTo(this.grpc, this.gossip);
    bucket.allowFrom(this.connections);

    const { labels, podLabels } = this.connections;
    new Service(this, 'Clients', {
      metadata: { name: clients },
      spec: { selector: labels, ports: [{ name: 'http', port: this.endpoint.port, targetPort: 'http' }] },
    });
    const config = this.config(props, size, rateMib);
    const tls = authority.issue(this.connections);
    const account = withoutToken(this);
    new StatefulSet(this, 'Resource', {
      spec: {
        replicas,
        serviceName: this.connections.serviceName,
        // A ring is whole only when a majority is there: in order, the first would wait for ever.
        podManagementPolicy: 'Parallel',
        updateStrategy: { type: 'RollingUpdate' },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(UID),
            topologySpreadConstraints: spread(this.connections, spreading),
            terminationGracePeriodSeconds: GRACE_SECONDS,
            containers: [this.container(props, size)],
            volumes: [config.volume('config'), tls.volume('tls'), trustVolume('trust')],
          },
        },
        volumeClaimTemplates: dataClaim(storage, props.storageClass),
      },
    });
    if (replicas > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      });
    }
  }

  private config(
    { replicas, bucket, retentionDays }: LokiProps,
    { memory }: Resources,
    rateMib: number,
  ): ConfigFiles {
    const hours = (days: number) => `${days * 24}h`;
    const longest = Math.max(...Object.values(retentionDays));
    return new ConfigFiles(this, 'Config', __dirname, {
      'loki.yaml': {
        HTTP_PORT: this.endpoint.port,
        GRPC_PORT: this.grpc.port,
        HOST: this.connections.host,
        GOSSIP: this.gossip.address,
        REPLICATION: copiesOf(replicas),
        BUCKET: bucket.name,
        BUCKET_HOST: bucket.host,
        BUCKET_PORT: bucket.port,
        BUCKET_REGION: bucket.region,
        BUCKET_ROOTS: bucket.trust === 'platform' ? `/trust/${TRUST_FILE}` : '',
        CHUNK_HOURS,
        REPLAY_MEMORY: `${mebibytes(memory, 0.5)}MB`,
        CACHE_MIB: mebibytes(memory, 0.05),
        RETENTION: hours(retentionDays.platform),
        LONGEST_RETENTION: hours(longest),
        RATE_MIB: rateMib,
        BURST_MIB: 2 * rateMib,
        STREAMS,
      },
      'tenants.yaml': { PLATFORM: hours(retentionDays.platform), BRIDGE: hours(retentionDays.bridge) },
    });
  }

  private container({ image, bucket }: LokiProps, size: Resources): Container {
    const probe = (path: string): Probe => ({
      httpGet: { path, port: this.endpoint.name, scheme: 'HTTPS' },
      timeoutSeconds: 5,
    });
    return {
      name: 'loki',
      image,
      args: ['-config.file=/config/loki.yaml', '-config.expand-env=true', '-target=all'],
      env: [
        { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'GOMEMLIMIT', value: goMemory(size.memory) },
        ...bucketEnv(bucket),
        ...COMPATIBLE,
      ],
      ports: this.connections.containerPorts(this.endpoint, this.grpc, this.gossip),
      // Its log is read at the start: what two hours wrote, at some 20 MiB/s.
      startupProbe: { ...probe('/ready'), periodSeconds: 5, failureThreshold: 180 },
      readinessProbe: { ...probe('/ready'), periodSeconds: 10, failureThreshold: 3 },
      // It is not ready while the ring is not whole, which a restart would only make worse: is anybody there?
      livenessProbe: { ...probe('/loki/api/v1/status/buildinfo'), periodSeconds: 30, failureThreshold: 6 },
      securityContext: RESTRICTED,
      resources: resources(size),
      volumeMounts: [
        { name: 'data', mountPath: '/data' },
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
      ],
    };
  }
}

/** A part of a quantity of bytes, in whole MiB. */
function mebibytes(quantity: string, share: number): number {
  return Number.parseInt(shareOf(quantity, share), 10);
}
