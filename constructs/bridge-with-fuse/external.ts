import { Construct } from 'constructs';
import { Deployment, EnvVar, PodDisruptionBudget } from '../../imports/k8s';
import { CertificateAuthority, TRUST_FILE } from '../certificate-authority';
import { MOST_PODS } from '../platform/labels';
import { objectName } from '../platform/names';
import { oneAtATime, Spreading, spreadMany } from '../platform/pod';
import type { PostgresCluster } from '../postgres-cluster';
import type { RedisSentinel } from '../redis-sentinel';
import type { Autoscaling } from './autoscaling';
import { blueGreen } from './blue-green';
import type { PodPart, Server } from './server';

/**
 * Events in PostgreSQL, sessions and experts in Redis, as Lighthouse declares it for a release to come: by the names of its
 * `config/docker/bridge.yaml.template`. Release 1.0.0 reads neither.
 */
export interface ExternalState {
  readonly kind: 'external';
  /** Pods of the server; with an autoscaler, as many as there are at least while it cannot measure. */
  readonly replicas: number;
  /**
   * Whether they must lie in different zones and nodes.
   * @default 'required'
   */
  readonly spreading?: Spreading;
  /** Whom they take a certificate from: neither Redis nor PostgreSQL lets anybody in without. */
  readonly authority: CertificateAuthority;
  readonly postgres: PostgresCluster;
  /** Redis that keeps what it is given: one for sessions, not a cache. */
  readonly sessions: RedisSentinel;
  /**
   * Between how many pods an autoscaler chooses.
   * @default - as many as `replicas` says
   */
  readonly autoscaling?: Autoscaling;
  /**
   * How a new revision takes over: pod by pod, or all at once, after and before it was looked at.
   * @default 'rolling'
   */
  readonly delivery?: 'rolling' | 'blue-green';
}

/** The most pods there may be, updates aside. */
export function mostPods({ replicas, autoscaling }: ExternalState): number {
  return autoscaling?.maxReplicas ?? replicas;
}

/** Connections that a pod may open to each of both: `max_size` and `max_connections` of the declared pools. */
const POOL_SIZE = 20;

/** The last release that is known to keep everything to itself, whatever it is told. */
const LAST_LOCAL_RELEASE = [1, 0, 0] as const;

/**
 * Pods that all know the same. Nothing of them is worth a volume; there is none to write to, so that a server which would
 * keep events to itself fails at its start instead of losing them.
 */
export function keepOutside(bridge: Construct, server: Server, state: ExternalState): void {
  const { replicas, spreading = 'required', authority, postgres, sessions } = state;
  const { autoscaling, delivery = 'rolling' } = state;
  const objection = objectionTo(server.image, state);
  if (objection !== undefined) throw new Error(`${bridge.node.path}: ${objection}`);

  const { connections } = server;
  connections.allowTo(postgres.pooled, sessions.master);
  const tls = authority.issue(connections);
  const shared: PodPart = {
    env: stores(state),
    mounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
    volumes: [tls.volume('tls')],
    pod: { topologySpreadConstraints: spreadMany(connections, spreading) },
  };
  const most = mostPods(state);
  // An autoscaler's number is nobody else's: written here, it would be undone at every sync.
  const pods = autoscaling ? { annotations: { [MOST_PODS]: String(most) } } : { replicas };
  if (delivery === 'blue-green') {
    blueGreen(bridge, connections, server.template(shared), pods);
  } else {
    const { annotations, ...count } = pods;
    new Deployment(bridge, 'Resource', {
      metadata: { annotations },
      spec: {
        ...count,
        strategy: oneAtATime(most),
        selector: { matchLabels: connections.labels },
        template: server.template(shared),
      },
    });
  }
  if (most > 1) {
    new PodDisruptionBudget(bridge, 'Disruption', {
      metadata: { name: objectName(bridge) },
      spec: { maxUnavailable: 1, selector: { matchLabels: connections.labels } },
    });
  }
}

/** URLs with passwords that only the pod puts in; these have no sign that a URL would have to escape. */
function stores({ postgres, sessions }: ExternalState): EnvVar[] {
  const { writer } = postgres.credentials;
  const user = sessions.user('bridge');
  const trust = `/trust/${TRUST_FILE}`;
  return [
    writer.env('POSTGRES_PASSWORD'),
    {
      name: 'POSTGRES_URL',
      value:
        `postgresql://${writer.user}:$(POSTGRES_PASSWORD)@${postgres.pooled.address}/${postgres.database}` +
        `?sslmode=verify-full&sslrootcert=${trust}&sslcert=/tls/tls.crt&sslkey=/tls/tls.key`,
    },
    user.env('REDIS_PASSWORD'),
    {
      name: 'REDIS_URL',
      value:
        `rediss://${user.user}:$(REDIS_PASSWORD)@${sessions.master.address}/0` +
        `?ssl_ca_certs=${trust}&ssl_certfile=/tls/tls.crt&ssl_keyfile=/tls/tls.key`,
    },
  ];
}

function objectionTo(image: string, state: ExternalState): string | undefined {
  const {
    replicas,
    postgres,
    sessions,
    autoscaling = { minReplicas: replicas, maxReplicas: replicas },
  } = state;
  if (!Number.isInteger(replicas) || replicas < 1) {
    return `replicas must be a whole number of at least 1, got ${replicas}`;
  }
  const { minReplicas, maxReplicas } = autoscaling;
  if (minReplicas > replicas || replicas > maxReplicas) {
    return `replicas must lie between minReplicas ${minReplicas} and maxReplicas ${maxReplicas}, got ${replicas}`;
  }
  if (keepsToItself(image)) {
    return (
      `state external needs an image that keeps its state in PostgreSQL and Redis, got ${image}: ` +
      `release ${LAST_LOCAL_RELEASE.join('.')} reads neither POSTGRES_URL nor REDIS_URL, so that every pod would have ` +
      'sessions and events of its own and lose them with its end; write state: local'
    );
  }
  const pods = mostPods(state) * (state.delivery === 'blue-green' ? 2 : 1);
  const wanted = pods * POOL_SIZE;
  if (wanted > postgres.clientConnections) {
    return (
      `${pods} pods at a time open up to ${wanted} connections to PostgreSQL, ${POOL_SIZE} each, ` +
      `clientConnections lets ${postgres.clientConnections} in`
    );
  }
  if (wanted > sessions.clientConnections) {
    return (
      `${pods} pods at a time open up to ${wanted} connections to Redis, ${POOL_SIZE} each, ` +
      `its proxies let ${sessions.clientConnections} in when one is gone`
    );
  }
  return undefined;
}

/** Whether an image's tag names a release that is known not to share its state; a tag of another kind is taken on trust. */
function keepsToItself(image: string): boolean {
  const release = /:v?(\d+)\.(\d+)\.(\d+)(?![\d.])/.exec(image)?.slice(1).map(Number);
  if (!release) return false;
  const differing = LAST_LOCAL_RELEASE.findIndex((number, place) => number !== release[place]);
  return differing < 0 || (release[differing] ?? 0) < (LAST_LOCAL_RELEASE[differing] ?? 0);
}
