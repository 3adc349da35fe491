import { join } from 'node:path';
import { Construct } from 'constructs';
import { Container, Probe, Volume } from '../../imports/k8s';
import type { CertificateAuthority } from '../certificate-authority';
import type { CredentialsMaker } from '../credentials';
import { renderPayload } from '../platform/config-files';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import { shareOf } from '../platform/quantity';
import { DeclaredBucket, rights } from './buckets';
import type { ApplyStep } from './engine';
import { ADMINISTRATOR } from './generated-keys';
import { OwnServer } from './own-server';

/** MinIO in the cluster: one server on one volume, for development. Its images are frozen and get no security fixes. */
export interface MinioProps {
  readonly kind: 'minio';
  /** MinIO image reference. */
  readonly image: string;
  /** MinIO client image reference, with `mc` and a shell. */
  readonly clientImage: string;
  readonly authority: CertificateAuthority;
  readonly maker: CredentialsMaker;
  /** CPU reserved, such as `100m`. */
  readonly cpu: string;
  /** Memory reserved and limit, such as `512Mi`. */
  readonly memory: string;
  /** Size of the volume, such as `20Gi`. */
  readonly storage: string;
  /** Class of the volume. */
  readonly storageClass: string;
}

/** Any user does: the image has none of its own, and the volume is handed over by its group. */
const MINIO_UID = 1000;

/** One MinIO server. */
export class Minio extends OwnServer {
  readonly connections = new Connections(this, { name: 'minio', component: 'server' });
  /**
   * S3, and the metrics beside it on the same port: whoever may use a bucket can also read how full the server is.
   */
  readonly api: Endpoint = this.connections.listen('s3', 9000, {
    metricsPath: '/minio/v2/metrics/cluster',
    metricsScheme: 'https',
  });
  readonly seen = {
    kind: 'server',
    program: 'minio',
    endpoint: this.api,
    path: '/minio/health/ready',
  } as const;
  readonly afterBuckets: ApplyStep;

  constructor(scope: Construct, id: string, props: MinioProps, buckets: readonly DeclaredBucket[]) {
    super(scope, id, props, buckets);
    const { clientImage, authority } = props;
    this.afterBuckets = this.usersStep(clientImage, buckets);

    const tls = authority.issue(this.connections);
    const account = withoutToken(this);
    this.serve({
      ...account,
      securityContext: restrictedPod(MINIO_UID),
      // Uploads that are under way are given up after 10 s by the server itself.
      terminationGracePeriodSeconds: 30,
      containers: [this.container(props)],
      volumes: [this.administratorVolume(), certificateVolume(tls.secretName)],
    });
  }

  private container({ image, cpu, memory }: MinioProps): Container {
    const probe = (path: string): Probe => ({
      httpGet: { path: `/minio/health/${path}`, port: this.api.name, scheme: 'HTTPS' },
      timeoutSeconds: 5,
    });
    return {
      name: 'minio',
      image,
      command: ['minio', 'server', '--address', `:${this.api.port}`, '--certs-dir', '/certs', '/data'],
      env: [
        { name: 'MINIO_ROOT_USER', value: ADMINISTRATOR },
        { name: 'MINIO_ROOT_PASSWORD_FILE', value: '/administrator/password' },
        { name: 'MINIO_BROWSER', value: 'off' },
        { name: 'MINIO_UPDATE', value: 'off' },
        { name: 'MINIO_SITE_REGION', value: this.region },
        // Without a token: the network policy lets Prometheus and the buckets' consumers in, nobody else.
        { name: 'MINIO_PROMETHEUS_AUTH_TYPE', value: 'public' },
        { name: 'GOMEMLIMIT', value: `${shareOf(memory, 0.8)}B` },
      ],
      ports: this.connections.containerPorts(this.api),
      startupProbe: { ...probe('live'), periodSeconds: 2, failureThreshold: 60 },
      readinessProbe: { ...probe('ready'), periodSeconds: 5 },
      livenessProbe: { ...probe('live'), periodSeconds: 10, failureThreshold: 6 },
      securityContext: RESTRICTED,
      resources: resources({ cpu, memory }),
      volumeMounts: [
        { name: 'data', mountPath: '/data' },
        { name: 'administrator', mountPath: '/administrator', readOnly: true },
        { name: 'certs', mountPath: '/certs', readOnly: true },
      ],
    };
  }

  private administratorVolume(): Volume {
    const sources = [this.keys.administrator.file('password')];
    return { name: 'administrator', projected: { sources, defaultMode: 0o440 } };
  }

  private usersStep(image: string, buckets: readonly DeclaredBucket[]): ApplyStep {
    const script = renderPayload(join(__dirname, 'minio-users.sh'), {
      ADMINISTRATOR,
      ADDRESS: this.api.address,
    });
    return {
      container: {
        name: 'users',
        image,
        command: ['/bin/sh', '/config/minio-users.sh'],
        env: [{ name: 'MC_CONFIG_DIR', value: '/tmp/mc' }],
        volumeMounts: [
          { name: 'users', mountPath: '/users', readOnly: true },
          { name: 'trust', mountPath: '/trust', readOnly: true },
        ],
      },
      volumes: [this.keys.volume('users')],
      files: {
        'minio-users.sh': script,
        ...Object.fromEntries(buckets.map((bucket) => [`${bucket.name}.rights.json`, rights(bucket)])),
      },
    };
  }
}

/** Under the names MinIO looks for; it looks again every minute, so a renewed certificate needs no restart. */
function certificateVolume(secretName: string): Volume {
  const items = [
    { key: 'tls.crt', path: 'public.crt' },
    { key: 'tls.key', path: 'private.key' },
  ];
  return { name: 'certs', secret: { secretName, items, defaultMode: 0o440 } };
}
