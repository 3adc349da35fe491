import { Construct } from 'constructs';
import { Container, Probe, StatefulSet } from '../../../imports/k8s';
import { CertificateAuthority, TRUST_FILE, trustVolume } from '../../certificate-authority';
import { Bucket, bucketEnv } from '../../platform/bucket';
import { ConfigFiles } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import { dataClaim, Resources, resources, RESTRICTED, restrictedPod, withoutToken } from '../../platform/pod';
import { BLOCK_MINUTES, BYTES_PER_SPAN, goMemory, traceSize } from '../sizing';

export interface TempoProps {
  readonly image: string;
  /** Where blocks of spans are kept. */
  readonly bucket: Bucket;
  /** Spans that arrive in a second, sampled already; memory, CPU and volume follow. */
  readonly spansPerSecond: number;
  readonly retentionDays: number;
  readonly storageClass: string;
  readonly authority: CertificateAuthority;
}

/** User `tempo` of the public image. */
const UID = 10001;

/** Before it stops it finishes the block it writes; what it cannot is read again from its log (WAL). */
const GRACE_SECONDS = 300;

/** Twice the spans of a second are taken at once, and ten times as many in a burst. */
const RATE = { limit: 2, burst: 10 } as const;

/**
 * Tempo: keeps traces and finds them again. One process; while it is moved, gateways keep what they have for it, and its
 * volume what is not in the bucket yet.
 *
 * @example
 * gateway.connections.allowTo(tempo.spans);
 */
export class Tempo extends Construct {
  readonly connections = new Connections(this, { name: 'tempo', component: 'traces' });
  /** HTTPS: queries (TraceQL), and its own metrics. */
  readonly endpoint = this.connections.listen('http', 3200, {
    metricsPath: '/metrics',
    metricsScheme: 'https',
  });
  /** OTLP by gRPC, over TLS, with a certificate of the client's. */
  readonly spans = this.connections.listen('otlp', 4317, { clientAuthority: 'platform' });

  constructor(scope: Construct, id: string, props: TempoProps) {
    super(scope, id);
    const { bucket, spansPerSecond, authority } = props;
    if (!(spansPerSecond > 0)) {
      throw new Error(`${this.node.path}: spansPerSecond must be above 0, got ${spansPerSecond}`);
    }
    const { storage, ...size } = traceSize(props);
    bucket.allowFrom(this.connections);

    const perSecond = spansPerSecond * BYTES_PER_SPAN;
    const config = new ConfigFiles(this, 'Config', __dirname, {
      'tempo.yaml': {
        HTTP_PORT: this.endpoint.port,
        OTLP_PORT: this.spans.port,
        BLOCK_MINUTES,
        RETENTION: `${props.retentionDays * 24}h`,
        BUCKET: bucket.name,
        BUCKET_HOST: bucket.host,
        BUCKET_PORT: bucket.port,
        BUCKET_REGION: bucket.region,
        BUCKET_ROOTS: bucket.trust === 'platform' ? `/trust/${TRUST_FILE}` : '',
        RATE_BYTES: Math.max(2 ** 20, perSecond * RATE.limit),
        BURST_BYTES: Math.max(2 ** 22, perSecond * RATE.burst),
      },
    });
    const tls = authority.issue(this.connections);
    const account = withoutToken(this);
    new StatefulSet(this, 'Resource', {
      spec: {
        replicas: 1,
        serviceName: this.connections.serviceName,
        // In order, a pod that never became ready would keep its own fix out.
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(UID),
            terminationGracePeriodSeconds: GRACE_SECONDS,
            containers: [this.container(props, size)],
            volumes: [config.volume('config'), tls.volume('tls'), trustVolume('trust')],
          },
        },
        volumeClaimTemplates: dataClaim(storage, props.storageClass),
      },
    });
  }

  private container({ image, bucket }: TempoProps, size: Resources): Container {
    const probe = (path: string): Probe => ({
      httpGet: { path, port: this.endpoint.name, scheme: 'HTTPS' },
      timeoutSeconds: 5,
    });
    return {
      name: 'tempo',
      image,
      args: ['-config.file=/config/tempo.yaml', '-target=all'],
      env: [{ name: 'GOMEMLIMIT', value: goMemory(size.memory) }, ...bucketEnv(bucket)],
      ports: this.connections.containerPorts(this.endpoint, this.spans),
      startupProbe: { ...probe('/ready'), periodSeconds: 5, failureThreshold: 180 },
      readinessProbe: { ...probe('/ready'), periodSeconds: 10 },
      livenessProbe: { ...probe('/api/echo'), periodSeconds: 30, failureThreshold: 6 },
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
