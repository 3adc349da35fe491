import { Construct } from 'constructs';
import { Container, Probe } from '../../imports/k8s';
import type { CertificateAuthority } from '../certificate-authority';
import type { CredentialsMaker } from '../credentials';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import type { DeclaredBucket } from './buckets';
import { ADMINISTRATOR } from './generated-keys';
import { OwnServer } from './own-server';

/**
 * SeaweedFS in the cluster: one pod on one volume, for objects that need not outlive the cluster. Written from its
 * sources and documentation; the README says what nobody has seen run.
 */
export interface SeaweedFsProps {
  readonly kind: 'seaweedfs';
  /** SeaweedFS image reference, 4.31 or later: before, nobody enforces quotas. */
  readonly image: string;
  readonly authority: CertificateAuthority;
  readonly maker: CredentialsMaker;
  /** CPU reserved for the server, such as `250m`. */
  readonly cpu: string;
  /** Memory of the server, reserved and limit, such as `1Gi`; what tends it takes another 512Mi. */
  readonly memory: string;
  /** Size of the volume, such as `20Gi`. */
  readonly storage: string;
  /** Class of the volume. */
  readonly storageClass: string;
}

/** Any user does: nothing needs root, and the volume is handed over by its group. */
const SEAWEED_UID = 1000;

/** Where the admin server lists its workers' jobs; reached inside the pod only. */
const ADMIN_PORT = 23646;
const WORKER_PORT = 9328;

/** One SeaweedFS pod: the server, and what expires objects and sets quotas. */
export class SeaweedFs extends OwnServer {
  readonly connections = new Connections(this, { name: 'seaweedfs', component: 'server' });
  readonly api: Endpoint = this.connections.listen('s3', 8333);
  readonly metrics: Endpoint = this.connections.listen('metrics', 9327, { metricsPath: '/metrics' });
  readonly seen = { kind: 'server', program: 'seaweedfs', endpoint: this.api, path: '/status' } as const;

  constructor(scope: Construct, id: string, props: SeaweedFsProps, buckets: readonly DeclaredBucket[]) {
    super(scope, id, props, buckets);
    const { authority } = props;
    const tls = authority.issue(this.connections);
    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      {
        'start-seaweedfs.sh': { PORT: this.api.port, METRICS_PORT: this.metrics.port },
        'seaweedfs-quotas.sh': {},
      },
      { identities: identities(buckets), quotas: quotas(buckets) },
    );
    const account = withoutToken(this);
    this.serve({
      ...account,
      securityContext: restrictedPod(SEAWEED_UID),
      // The volume server says goodbye for 10 s before it stops.
      terminationGracePeriodSeconds: 60,
      containers: this.containers(props),
      volumes: [
        config.volume('config'),
        this.keys.volume('users'),
        // Reloaded by the gateway as it changes.
        tls.volume('certs'),
        { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      ],
    });
  }

  private containers({ image, cpu, memory }: SeaweedFsProps): Container[] {
    const common = { image, securityContext: RESTRICTED };
    const small = resources({ cpu: '10m', memory: '128Mi' });
    const data = { name: 'data', mountPath: '/data' };
    const tmp = { name: 'tmp', mountPath: '/tmp' };
    const config = { name: 'config', mountPath: '/config', readOnly: true };
    return [
      {
        ...common,
        name: 'seaweedfs',
        command: ['/bin/sh', '/config/start-seaweedfs.sh'],
        ports: this.connections.containerPorts(this.api, this.metrics),
        ...probes({ httpGet: { path: '/status', port: this.api.name, scheme: 'HTTPS' }, timeoutSeconds: 5 }),
        resources: resources({ cpu, memory }),
        volumeMounts: [
          data,
          tmp,
          config,
          { name: 'users', mountPath: '/users', readOnly: true },
          { name: 'certs', mountPath: '/certs', readOnly: true },
        ],
      },
      // The admin server plans what the worker does: above all, expiring objects by the buckets' lifecycle.
      {
        ...common,
        name: 'admin',
        command: ['/usr/bin/weed', '-logtostderr=true', 'admin'],
        args: [`-port=${ADMIN_PORT}`, '-master=127.0.0.1:9333', '-dataDir=/data/admin'],
        ...probes({ httpGet: { path: '/health', port: ADMIN_PORT }, timeoutSeconds: 5 }),
        resources: resources({ cpu: '10m', memory: '256Mi' }),
        volumeMounts: [data, tmp],
      },
      {
        ...common,
        name: 'worker',
        command: ['/usr/bin/weed', '-logtostderr=true', 'worker'],
        args: [
          `-admin=127.0.0.1:${ADMIN_PORT}`,
          '-jobType=all',
          '-workingDir=/tmp',
          `-metricsPort=${WORKER_PORT}`,
        ],
        ...probes({ httpGet: { path: '/health', port: WORKER_PORT }, timeoutSeconds: 5 }),
        resources: small,
        volumeMounts: [tmp],
      },
      {
        ...common,
        name: 'quotas',
        command: ['/bin/sh', '/config/seaweedfs-quotas.sh'],
        ...probes({ exec: { command: ['test', '-r', '/config/quotas'] } }),
        resources: small,
        volumeMounts: [tmp, config],
      },
    ];
  }
}

function probes(probe: Probe): Pick<Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'> {
  return {
    startupProbe: { ...probe, periodSeconds: 5, failureThreshold: 60 },
    readinessProbe: { ...probe, periodSeconds: 10 },
    livenessProbe: { ...probe, periodSeconds: 20, failureThreshold: 6 },
  };
}

/** Who may do what, one user per line. `Write` covers deleting, former versions included: there is no finer right. */
function identities(buckets: readonly DeclaredBucket[]): string {
  const all = JSON.stringify(['Admin', 'Read', 'List', 'Tagging', 'Write']);
  return [
    `${ADMINISTRATOR} ${all}\n`,
    ...buckets.map(({ name }) => {
      const own = ['Read', 'List', 'Tagging', 'Write'].map((action) => `${action}:${name}`);
      return `${name} ${JSON.stringify(own)}\n`;
    }),
  ].join('');
}

/** Commands of SeaweedFS's shell; whole MiB, rounded down. */
function quotas(buckets: readonly DeclaredBucket[]): string {
  return buckets
    .map(({ name, quota }) => {
      const wanted = quota === undefined ? '-op=remove' : `-op=set -sizeMB=${Math.floor(quota / 2 ** 20)}`;
      return `s3.bucket.quota -name=${name} ${wanted}\n`;
    })
    .join('');
}
