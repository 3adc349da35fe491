import { Construct } from 'constructs';
import { Container, EnvVar, PodDisruptionBudget, Service, StatefulSet } from '../../imports/k8s';
import { TlsSecret, TRUST_FILE, trustVolume } from '../certificate-authority';
import type { Credential } from '../credentials';
import { Bucket, bucketEnv } from '../platform/bucket';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { CLUSTER_DOMAIN, Endpoint } from '../platform/endpoint';
import { namespaceOf, objectName } from '../platform/names';
import {
  dataClaim,
  Resources,
  RESTRICTED,
  resources,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../platform/pod';
import { shareOf } from '../platform/quantity';
import { type SignOn, signOnSettings } from './sign-on';

export interface MembersProps {
  readonly image: string;
  readonly members: number;
  readonly resources: Resources;
  readonly storage: string;
  readonly storageClass?: string;
  readonly spreading: Spreading;
  /** What turns texts into vectors, plain HTTP. */
  readonly embeddings: Endpoint;
  /** User and password of the members among themselves. */
  readonly cluster: Credential;
  /** All users with a key; the first one may do everything. */
  readonly users: readonly Credential[];
  readonly issue: (connections: Connections) => TlsSecret;
  readonly backup?: Bucket;
  readonly signOn?: SignOn;
}

/** The image names no user; nothing in it needs one in particular. */
const UID = 1000;

/**
 * Name of the first user in the database. Weaviate makes whoever has this name the owner, people of the identity provider as well:
 * so it is nobody's login and nobody's address.
 */
const OWNER = 'schema@lighthouse';

/** Requests end within this; what takes longer is cut off. */
const REQUEST_SECONDS = 60;

/** A text becomes a vector within this, and a member says within this that it is ready while nobody makes vectors. */
const EMBEDDING_SECONDS = 10;

/**
 * The members of the database: each a storage node and a voter of the raft that keeps schema, users and roles.
 *
 * Members find each other by gossip; what they say among themselves is not encrypted: nobody else may reach those ports.
 */
export class Members extends Construct {
  readonly connections = new Connections(this, {
    name: 'weaviate',
    component: 'database',
    service: 'headless',
  });
  /** HTTPS and gRPC over TLS, at members that are ready. */
  readonly rest: Endpoint;
  readonly grpc: Endpoint;
  private readonly metrics = this.connections.listen('metrics', 2112, { metricsPath: '/metrics' });
  private readonly gossip = this.connections.listen('gossip', 7000);
  private readonly among = [
    this.gossip,
    this.connections.listen('gossip-udp', 7000, { protocol: 'UDP' }),
    this.connections.listen('data', 7001),
    this.connections.listen('raft', 8300),
    this.connections.listen('raft-rpc', 8301),
  ];

  constructor(scope: Construct, id: string, props: MembersProps) {
    super(scope, id);
    const { members, embeddings, backup, signOn } = props;
    const name = objectName(this);
    const clients = objectName(scope);
    const host = `${clients}.${namespaceOf(this)}.svc.${CLUSTER_DOMAIN}`;
    this.rest = this.connections.listen('https', 8443, { host });
    this.grpc = this.connections.listen('grpc', 50051, { host });
    if (members > 1) this.connections.allowTo(...this.among);
    this.connections.allowTo(embeddings);
    backup?.allowFrom(this.connections);
    if (signOn) this.connections.allowToRange(signOn.range);

    const { labels, podLabels } = this.connections;
    new Service(this, 'Clients', {
      metadata: { name: clients },
      spec: {
        selector: labels,
        ports: [this.rest, this.grpc].map((each) => ({
          name: each.name,
          port: each.port,
          targetPort: each.name,
        })),
      },
    });
    const tls = props.issue(this.connections);
    // A member starts again within a minute or two; the next one waits until that is long over.
    const config = new ConfigFiles(this, 'Config', __dirname, { 'start.sh': { PAUSE_SECONDS: 600 } });
    const account = withoutToken(this);
    new StatefulSet(this, 'Resource', {
      spec: {
        replicas: members,
        serviceName: this.connections.serviceName,
        // A raft elects only when a majority is there: a member that waited for the one before it would wait for ever.
        podManagementPolicy: 'Parallel',
        updateStrategy: { type: 'RollingUpdate' },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(UID),
            topologySpreadConstraints: spread(this.connections, props.spreading),
            // preStop, requests under way, and what Weaviate allows itself to close its files (60 s).
            terminationGracePeriodSeconds: 5 + REQUEST_SECONDS + 60 + 25,
            containers: [this.container(props)],
            volumes: [
              config.volume('config'),
              tls.volume('tls'),
              trustVolume('trust'),
              { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
            ],
          },
        },
        volumeClaimTemplates: dataClaim(props.storage, props.storageClass),
      },
    });
    if (members > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      });
    }
  }

  private container(props: MembersProps): Container {
    const probe = (path: string) => ({
      httpGet: { path, port: this.rest.name, scheme: 'HTTPS' as const },
      timeoutSeconds: 5,
      periodSeconds: 10,
    });
    return {
      name: 'weaviate',
      image: props.image,
      command: ['/bin/sh', '/config/start.sh'],
      args: [
        '--scheme=https',
        '--tls-host=0.0.0.0',
        `--tls-port=${this.rest.port}`,
        '--tls-certificate=/tls/tls.crt',
        '--tls-key=/tls/tls.key',
        `--read-timeout=${REQUEST_SECONDS}s`,
        `--write-timeout=${REQUEST_SECONDS}s`,
        // Shorter than a request, and Weaviate skips the rest of its shutdown: it would leave neither cluster nor files in order.
        `--graceful-timeout=${REQUEST_SECONDS}s`,
      ],
      ports: this.connections.containerPorts(this.rest, this.grpc, this.metrics, ...this.among),
      env: this.environment(props),
      resources: resources(props.resources),
      securityContext: RESTRICTED,
      // Before it listens it waits for a majority and loads its indexes: up to half an hour.
      startupProbe: { ...probe('/v1/.well-known/live'), failureThreshold: 180 },
      // The answer waits for the embeddings, though it does not depend on theirs: it must have the time to.
      readinessProbe: {
        ...probe('/v1/.well-known/ready'),
        timeoutSeconds: EMBEDDING_SECONDS + 2,
        failureThreshold: 2,
      },
      livenessProbe: { ...probe('/v1/.well-known/live'), failureThreshold: 6 },
      // Until endpoints know that it goes, it is still asked.
      lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
      volumeMounts: [
        { name: 'data', mountPath: '/var/lib/weaviate' },
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    };
  }

  private environment(props: MembersProps): EnvVar[] {
    const { members, users, cluster, backup, signOn } = props;
    const nodes = Array.from({ length: members }, (_, ordinal) => `${objectName(this)}-${ordinal}`);
    const names = users.map(({ user }, at) => (at === 0 ? OWNER : user));
    const keys = users.map(({ user }) => `KEY_${user.toUpperCase()}`);
    const settings: Record<string, string> = {
      PERSISTENCE_DATA_PATH: '/var/lib/weaviate',
      CLUSTER_JOIN: this.gossip.address,
      CLUSTER_GOSSIP_BIND_PORT: String(this.gossip.port),
      CLUSTER_DATA_BIND_PORT: '7001',
      RAFT_JOIN: nodes.join(','),
      RAFT_BOOTSTRAP_EXPECT: String(members),
      AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED: 'false',
      AUTHENTICATION_APIKEY_ENABLED: 'true',
      AUTHENTICATION_APIKEY_USERS: names.join(','),
      AUTHENTICATION_APIKEY_ALLOWED_KEYS: keys.map((key) => `$(${key})`).join(','),
      AUTHORIZATION_RBAC_ENABLED: 'true',
      AUTHORIZATION_RBAC_ROOT_USERS: OWNER,
      AUTOSCHEMA_ENABLED: 'false',
      ENABLE_MODULES: ['text2vec-transformers', ...(backup ? ['backup-s3'] : [])].join(','),
      TRANSFORMERS_INFERENCE_API: props.embeddings.url('http'),
      // Without embeddings, everything but semantic search still works.
      TRANSFORMERS_WAIT_FOR_STARTUP: 'false',
      MODULES_CLIENT_TIMEOUT: `${EMBEDDING_SECONDS}s`,
      GRPC_PORT: String(this.grpc.port),
      GRPC_CERT_FILE: '/tls/tls.crt',
      GRPC_KEY_FILE: '/tls/tls.key',
      PROMETHEUS_MONITORING_ENABLED: 'true',
      PROMETHEUS_MONITORING_PORT: String(this.metrics.port),
      GO_PROFILING_DISABLE: 'true',
      DISABLE_TELEMETRY: 'true',
      QUERY_DEFAULTS_LIMIT: '25',
      QUERY_MAXIMUM_RESULTS: '10000',
      DISK_USE_WARNING_PERCENTAGE: '80',
      DISK_USE_READONLY_PERCENTAGE: '90',
      LIMIT_RESOURCES: 'true',
      // Four fifths for Go's heap; the rest is for what it maps and for stacks. Go writes MiB where Kubernetes writes Mi.
      GOMEMLIMIT: `${shareOf(props.resources.memory, 0.8)}B`,
      ...(backup ? backupSettings(backup) : {}),
      ...(signOn ? signOnSettings(signOn) : {}),
    };
    return [
      ...users.map((user, at) => user.env(keys[at] ?? '')),
      cluster.env('CLUSTER_BASIC_AUTH_USERNAME', 'username'),
      cluster.env('CLUSTER_BASIC_AUTH_PASSWORD'),
      ...(backup ? bucketEnv(backup) : []),
      ...Object.entries(settings).map(([name, value]) => ({ name, value })),
    ];
  }
}

/** The module takes the address without a scheme and speaks TLS unless told otherwise. */
function backupSettings({ name, host, port, trust }: Bucket): Record<string, string> {
  return {
    BACKUP_S3_BUCKET: name,
    BACKUP_S3_ENDPOINT: `${host}:${port}`,
    BACKUP_S3_USE_SSL: 'true',
    ...(trust === 'platform' ? { SSL_CERT_FILE: `/trust/${TRUST_FILE}` } : {}),
  };
}
