import { BridgeWithFuse, type BridgeWithFuseProps } from '../../constructs/bridge-with-fuse';
import type { ExternalState } from '../../constructs/bridge-with-fuse/external';
import type { Manifest } from '../../constructs/platform/manifest';
import type { NamespaceScope } from '../../constructs/platform/names';
import { spec } from '../../constructs/platform/workloads';
import { PostgresCluster } from '../../constructs/postgres-cluster';
import { RedisSentinel } from '../../constructs/redis-sentinel';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type {
  Container,
  DeploymentSpec,
  NetworkPolicySpec,
  PodDisruptionBudgetSpec,
  PodSpec,
} from '../../imports/k8s';
import { find, type Ground, manifestsOf, platformWith } from '../support';
import { required } from './lending';

/** A release to come: none that is there keeps its state in PostgreSQL and Redis. */
const IMAGE = 'registry.example.com/lighthouse/bridge:2.0.0';

type Stores = Pick<ExternalState, 'postgres' | 'sessions'>;

/** Every setting of the state; a new one does not compile until it is here. */
const every: Required<Omit<ExternalState, keyof Stores | 'authority'>> = {
  kind: 'external',
  replicas: 3,
  spreading: 'preferred',
  autoscaling: { minReplicas: 2, maxReplicas: 6 },
  delivery: 'rolling',
};

function stores(ground: Ground, bridge: NamespaceScope): Stores {
  const { namespaces, authority, maker } = ground;
  const postgres = new PostgresCluster(namespaces.add('postgres'), 'events', {
    ...required(ground),
    clients: [bridge],
  });
  const sessions = new RedisSentinel(namespaces.add('redis'), 'sessions', {
    images: {
      redis: 'docker.io/library/redis:8.8.0-alpine',
      proxy: 'docker.io/library/haproxy:3.3.10-alpine',
      exporter: 'docker.io/oliver006/redis_exporter:v1.89.0',
    },
    purpose: 'sessions',
    cpu: '100m',
    memory: '256Mi',
    storage: '1Gi',
    storageClass: 'ssd',
    users: [{ name: 'bridge', keys: ['*'], commands: ['+@all'] }],
    clients: [bridge],
    authority,
    maker,
  });
  return { postgres, sessions };
}

function build(
  state: Partial<Omit<ExternalState, keyof Stores>> = {},
  props: Partial<BridgeWithFuseProps> = {},
): Manifest[] {
  return manifestsOf(
    platformWith((ground) => {
      const { authority, maker } = ground;
      const namespace = ground.namespaces.add('bridge');
      const services = stores(ground, namespace);
      new BridgeWithFuse(namespace, 'lighthouse', {
        image: IMAGE,
        resources: { cpu: '1', memory: '512Mi' },
        maker,
        state: { kind: 'external', replicas: 3, authority, ...services, ...state },
        ...props,
      });
    }),
  );
}

const deployment = (manifests: readonly Manifest[]): DeploymentSpec =>
  spec<DeploymentSpec>(find(manifests, 'Deployment', 'lighthouse'));

const podOf = (manifests: readonly Manifest[]): PodSpec => {
  const { template } = deployment(manifests);
  if (!template.spec) throw new Error('there is no pod');
  return template.spec;
};

const server = (manifests: readonly Manifest[]): Container => {
  const found = podOf(manifests).containers.find(({ name }) => name === 'bridge');
  if (!found) throw new Error('there is no server');
  return found;
};

const variables = (manifests: readonly Manifest[]) => server(manifests).env ?? [];

describe('Lighthouse with its state elsewhere', () => {
  test('is many pods over zones and nodes, of which one at a time may go', () => {
    const manifests = build();
    const { replicas, strategy } = deployment(manifests);
    expect(replicas).toBe(3);
    expect(strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } });
    // A node that is being drained counts as none: else its pods, and the drain with them, would wait for ever.
    const drained = { nodeTaintsPolicy: 'Honor' };
    expect(podOf(manifests).topologySpreadConstraints).toMatchObject([
      { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', ...drained },
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', ...drained },
    ]);
    const budget = spec<PodDisruptionBudgetSpec>(find(manifests, 'PodDisruptionBudget', 'lighthouse'));
    expect(budget).toMatchObject({ maxUnavailable: 1, selector: deployment(manifests).selector });
  });

  test('has no volume, no guard of a log, and no place where it could keep events to itself', () => {
    const manifests = build();
    expect(
      manifests.filter(({ kind }) => kind === 'StatefulSet').map(({ metadata }) => metadata.name),
    ).toEqual(['sessions-members']);
    expect(podOf(manifests).initContainers).toBeUndefined();
    expect(podOf(manifests).volumes?.filter(({ persistentVolumeClaim }) => persistentVolumeClaim)).toEqual(
      [],
    );
    expect(variables(manifests).map(({ name }) => name)).not.toContain('LIGHTHOUSE_DATA_DIR');
    const writable = server(manifests).volumeMounts?.filter(({ readOnly }) => !readOnly);
    expect(writable?.map(({ mountPath }) => mountPath)).toEqual(['/mnt/lighthouse', '/tmp']);
    expect(server(manifests).securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });

  test('is told of both by the names that it declares, with passwords that only the pod puts in', () => {
    const all = variables(build());
    const names = all.map(({ name }) => name);
    for (const [password, url] of [
      ['POSTGRES_PASSWORD', 'POSTGRES_URL'],
      ['REDIS_PASSWORD', 'REDIS_URL'],
    ] as const) {
      // Kubernetes puts a variable into those that come after it, and into no other.
      expect(names.indexOf(password)).toBeLessThan(names.indexOf(url));
      expect(names.indexOf(password)).toBeGreaterThanOrEqual(0);
    }
    const value = Object.fromEntries(all.map(({ name, value: text }) => [name, text]));
    const postgres = new URL(value['POSTGRES_URL'] ?? '');
    expect(postgres.host).toBe('events-pool.postgres.svc.cluster.local:5432');
    expect(postgres.pathname).toBe('/lighthouse');
    expect(postgres.username).toBe('lighthouse_writer');
    expect(postgres.password).toBe('$(POSTGRES_PASSWORD)');
    expect(postgres.searchParams.get('sslmode')).toBe('verify-full');
    const redis = new URL(value['REDIS_URL'] ?? '');
    expect(redis.protocol).toBe('rediss:');
    expect(redis.host).toBe('sessions.redis.svc.cluster.local:6379');
    expect(redis.password).toBe('$(REDIS_PASSWORD)');
    const secrets = Object.fromEntries(
      all.map(({ name, valueFrom }) => [name, valueFrom?.secretKeyRef?.name]),
    );
    expect(secrets).toMatchObject({
      POSTGRES_PASSWORD: 'events-users-lighthouse-writer',
      REDIS_PASSWORD: 'sessions-applications-bridge',
    });
  });

  test('shows PostgreSQL and Redis a certificate of its own, at the paths that the URLs name', () => {
    const manifests = build();
    expect(spec<CertificateSpec>(find(manifests, 'Certificate', 'lighthouse-tls')).usages).toContain(
      'client auth',
    );
    const mounts = server(manifests).volumeMounts ?? [];
    for (const [variable, path] of [
      ['POSTGRES_URL', 'sslrootcert'],
      ['POSTGRES_URL', 'sslcert'],
      ['POSTGRES_URL', 'sslkey'],
      ['REDIS_URL', 'ssl_ca_certs'],
      ['REDIS_URL', 'ssl_certfile'],
      ['REDIS_URL', 'ssl_keyfile'],
    ]) {
      const url = new URL(variables(manifests).find(({ name }) => name === variable)?.value ?? '');
      const file = url.searchParams.get(path ?? '') ?? '';
      expect(mounts.some(({ mountPath, readOnly }) => readOnly && file.startsWith(`${mountPath}/`))).toBe(
        true,
      );
    }
  });

  test('may reach the pooler and the proxies of Redis, and neither database itself', () => {
    const { egress = [] } = spec<NetworkPolicySpec>(find(build(), 'NetworkPolicy', 'lighthouse'));
    const peers = egress.flatMap(({ to = [] }) => to).map(({ podSelector }) => podSelector?.matchLabels);
    expect(peers).toContainEqual({ 'cnpg.io/poolerName': 'events-pool' });
    expect(peers).toContainEqual({
      'app.kubernetes.io/name': 'haproxy',
      'app.kubernetes.io/instance': 'sessions',
    });
    expect(JSON.stringify(peers)).not.toContain('"cnpg.io/cluster"');
  });

  test('may share zones where that is said, and a single pod has no budget', () => {
    const manifests = build({ ...every, replicas: 1, autoscaling: undefined });
    expect(podOf(manifests).topologySpreadConstraints).toMatchObject([
      { whenUnsatisfiable: 'ScheduleAnyway' },
      { whenUnsatisfiable: 'ScheduleAnyway' },
    ]);
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget');
    expect(budgets.map(({ metadata }) => metadata.name)).not.toContain('lighthouse');
  });
});

describe('what would lose data is refused', () => {
  test.each(['1.0.0', 'v1.0.0', '0.9.3', '1.0.0-otel2', `1.0.0@sha256:${'0'.repeat(64)}`])(
    'release %s keeps everything to itself',
    (tag) => {
      expect(() => build({}, { image: `registry.example.com/lighthouse/bridge:${tag}` })).toThrow(
        /bridge\/lighthouse: state external needs an image .* reads neither POSTGRES_URL nor REDIS_URL/,
      );
    },
  );

  test.each(['1.0.1', '1.1.0', '2.0.0-rc1', 'main-20261126'])('release %s is taken on trust', (tag) => {
    expect(() => build({}, { image: `registry.example.com/lighthouse/bridge:${tag}` })).not.toThrow();
  });

  test.each([
    [
      16,
      /16 pods at a time open up to 320 connections to PostgreSQL, 20 each, clientConnections lets 300 in/,
    ],
    [0, /replicas must be a whole number of at least 1, got 0/],
    [1.5, /replicas must be a whole number of at least 1, got 1.5/],
  ])('%d pods are', (replicas, message) => {
    expect(() => build({ replicas })).toThrow(message);
  });

  test('as many pods as the database lets in are not', () => {
    expect(deployment(build({ replicas: 15 })).replicas).toBe(15);
  });
});
