import { Construct } from 'constructs';
import { Container, PodDisruptionBudget, Probe, StatefulSet, VolumeMount } from '../../imports/k8s';
import { CertificateAuthority, trustVolume } from '../certificate-authority';
import { Credential } from '../credentials';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { objectName } from '../platform/names';
import {
  dataClaim,
  resources,
  RESTRICTED,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../platform/pod';
import { parseQuantity } from '../platform/quantity';
import { GroupProps, memberPayloads, RedisUser } from './payloads';

export interface MembersProps {
  readonly images: { readonly redis: string; readonly exporter: string };
  readonly purpose: 'cache' | 'sessions';
  readonly members: number;
  readonly cpu: string;
  readonly memory: string;
  readonly storage: string;
  readonly storageClass: string;
  readonly users: readonly RedisUser[];
  readonly spreading: Spreading;
  readonly authority: CertificateAuthority;
  /** Credentials of all users, those of the service itself included. */
  readonly accounts: readonly Credential[];
}

/** User and group of the public Redis image (Alpine variant). */
const REDIS = { uid: 999, gid: 1000 } as const;

/** Share of a member's memory that holds data; the rest is for replication buffers, fork copies and fragmentation. */
const DATA_SHARE = 0.75;

/** Bytes of data that a member may hold, whole MiB: its `maxmemory`. */
export function dataBytesOf(memory: string): number {
  return Math.floor((parseQuantity(memory) * DATA_SHARE) / 2 ** 20) * 2 ** 20;
}

/** Longest stop, seconds: handing over takes at most 20, the rest is for saving a large data set to a slow volume. */
const STOP_SECONDS = 60;

/** Longest wait for a first start, seconds: a whole group that starts from nothing, its images included. */
export const START_SECONDS = 600;

const MOUNTS: readonly VolumeMount[] = [
  { name: 'config', mountPath: '/config', readOnly: true },
  { name: 'secrets', mountPath: '/secrets', readOnly: true },
  { name: 'tls', mountPath: '/tls', readOnly: true },
  { name: 'trust', mountPath: '/trust', readOnly: true },
  { name: 'data', mountPath: '/data' },
];

/** The members of a group: pods with one Redis and one Sentinel each. */
export class Members extends Construct {
  readonly connections = new Connections(this, { name: 'redis', component: 'member', service: 'headless' });
  readonly redis = this.connections.listen('redis', 6379, { clientAuthority: 'platform' });
  readonly sentinel = this.connections.listen('sentinel', 26379, { clientAuthority: 'platform' });
  readonly metrics = this.connections.listen('metrics', 9121, { metricsPath: '/metrics' });
  /** What proxy and members must agree on. */
  readonly group: GroupProps;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: MembersProps,
  ) {
    super(scope, id);
    const { members, spreading, authority, storage, storageClass } = props;
    // Replication, votes, the question at start who leads, and the exporter beside each Redis.
    this.connections.allowTo(this.redis, this.sentinel);
    this.group = { name: objectName(this), domain: this.connections.host, members };

    const config = new ConfigFiles(this, 'Config', __dirname, this.payloads());
    const tls = authority.issue(this.connections);
    const account = withoutToken(this);
    new StatefulSet(this, 'Resource', {
      spec: {
        serviceName: this.connections.serviceName,
        replicas: members,
        // A Redis starts when a majority of Sentinels says who leads: one after the other would wait for ever.
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(REDIS.uid, REDIS.gid),
            topologySpreadConstraints: spread(this.connections, spreading),
            terminationGracePeriodSeconds: STOP_SECONDS,
            // Sentinel stands still while it waits for a name, and with the usual 5 s twice takes itself for asleep.
            dnsConfig: {
              options: [
                { name: 'timeout', value: '1' },
                { name: 'attempts', value: '2' },
              ],
            },
            containers: [this.redisContainer(), this.sentinelContainer(), this.exporterContainer()],
            volumes: [
              config.volume('config'),
              { name: 'secrets', projected: { defaultMode: 0o440, sources: this.passwords() } },
              tls.volume('tls'),
              trustVolume('trust'),
              { name: 'run-redis', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
              { name: 'run-sentinel', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            ],
          },
        },
        volumeClaimTemplates: dataClaim(storage, storageClass),
      },
    });
    if (members > 1) {
      new PodDisruptionBudget(this, 'Budget', {
        metadata: { name: objectName(this) },
        spec: { maxUnavailable: 1, selector: { matchLabels: this.connections.labels } },
      });
    }
  }

  private payloads() {
    const { purpose, memory, users } = this.props;
    const maxmemory = `${dataBytesOf(memory) / 2 ** 20}mb`;
    return memberPayloads({ ...this.group, purpose, users, maxmemory });
  }

  private passwords() {
    return this.props.accounts.map((account) => account.file(account.user));
  }

  private redisContainer(): Container {
    const { images, cpu, memory } = this.props;
    return {
      name: 'redis',
      image: images.redis,
      command: ['/bin/sh', '/config/start-redis.sh'],
      ports: this.connections.containerPorts(this.redis),
      startupProbe: script('live-redis.sh', { periodSeconds: 5, failureThreshold: START_SECONDS / 5 }),
      livenessProbe: script('live-redis.sh', { periodSeconds: 10, failureThreshold: 6 }),
      readinessProbe: script('ready-redis.sh', { periodSeconds: 5, failureThreshold: 2 }),
      lifecycle: { preStop: { exec: { command: ['/bin/sh', '/config/stop-redis.sh'] } } },
      securityContext: RESTRICTED,
      resources: resources({ cpu, memory }),
      volumeMounts: [...MOUNTS, { name: 'run-redis', mountPath: '/run/redis' }],
    };
  }

  private sentinelContainer(): Container {
    return {
      name: 'sentinel',
      image: this.props.images.redis,
      command: ['/bin/sh', '/config/start-sentinel.sh'],
      ports: this.connections.containerPorts(this.sentinel),
      startupProbe: script('live-sentinel.sh', { periodSeconds: 5, failureThreshold: START_SECONDS / 5 }),
      livenessProbe: script('live-sentinel.sh', { periodSeconds: 10, failureThreshold: 6 }),
      readinessProbe: script('ready-sentinel.sh', { periodSeconds: 10, failureThreshold: 2 }),
      securityContext: RESTRICTED,
      resources: resources({ cpu: '10m', memory: '48Mi' }),
      volumeMounts: [...MOUNTS, { name: 'run-sentinel', mountPath: '/run/sentinel' }],
    };
  }

  private exporterContainer(): Container {
    const { images, accounts } = this.props;
    const account = accounts.find(({ user }) => user === 'exporter');
    return {
      name: 'exporter',
      image: images.exporter,
      // CONFIG would show the password of replication, so this user may not ask for it.
      args: ['--config-command=-'],
      env: [
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'REDIS_ADDR', value: `rediss://$(POD_NAME).${this.redis.address}` },
        ...(account ? [account.env('REDIS_USER', 'username'), account.env('REDIS_PASSWORD')] : []),
        { name: 'REDIS_EXPORTER_TLS_CLIENT_CERT_FILE', value: '/tls/tls.crt' },
        { name: 'REDIS_EXPORTER_TLS_CLIENT_KEY_FILE', value: '/tls/tls.key' },
        { name: 'REDIS_EXPORTER_TLS_CA_CERT_FILE', value: '/trust/ca.crt' },
      ],
      ports: this.connections.containerPorts(this.metrics),
      livenessProbe: {
        httpGet: { path: '/health', port: this.metrics.name },
        periodSeconds: 30,
        timeoutSeconds: 5,
      },
      readinessProbe: {
        httpGet: { path: '/health', port: this.metrics.name },
        periodSeconds: 10,
        timeoutSeconds: 5,
      },
      securityContext: RESTRICTED,
      resources: resources({ cpu: '10m', memory: '48Mi' }),
      volumeMounts: MOUNTS.filter(({ name }) => name === 'tls' || name === 'trust'),
    };
  }
}

/** A probe that runs a script; the scripts themselves give up after 2 s per question. */
function script(file: string, timing: { periodSeconds: number; failureThreshold: number }): Probe {
  return { exec: { command: ['/bin/sh', `/config/${file}`] }, timeoutSeconds: 5, ...timing };
}
