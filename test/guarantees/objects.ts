import type { Cluster, Environment } from '../../config/schema';
import type { Manifest } from '../../constructs/platform/manifest';
import { resources, RESTRICTED, restrictedPod } from '../../constructs/platform/pod';
import type { Container, LabelSelector, PodSpec } from '../../imports/k8s';
import type { ClusterSpec } from '../../imports/postgresql.cnpg.io';
import type { Platform } from '../../synth/platform';
import { platformWith } from '../support';

/** A platform of nothing but these objects; the path of each is `<Kind>/<name>`. */
export function platformOf(
  manifests: readonly Manifest[],
  cluster: Partial<Cluster> = {},
  environment: Partial<Environment> = {},
): Platform {
  const empty = platformWith(() => undefined, cluster, environment);
  const objects = manifests.map((manifest) => ({
    manifest,
    phase: 'foundation' as const,
    path: `${manifest.kind}/${manifest.metadata.name}`,
  }));
  return { ...empty, objects, connections: [] };
}

export const LABELS = { app: 'x' };

export const SELECTOR: LabelSelector = { matchLabels: LABELS };

/** A container without a fault. */
export function container(own: Partial<Container> = {}): Container {
  return {
    name: 'main',
    image: 'registry.example.com/app:1.2.3',
    ports: [{ name: 'http', containerPort: 8080 }],
    livenessProbe: { httpGet: { path: '/live', port: 'http' } },
    readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
    securityContext: RESTRICTED,
    resources: resources({ cpu: '100m', memory: '1Gi' }),
    ...own,
  };
}

/** A pod without a fault. */
export function pod(own: Partial<PodSpec> = {}): PodSpec {
  return {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 30,
    securityContext: restrictedPod(1000),
    containers: [container()],
    ...own,
  };
}

export function object(kind: string, name: string, spec: object, rest: object = {}): Manifest {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'app' }, spec, ...rest };
}

/** A workload named `x` of pods like this. */
export function workload(kind: 'Deployment' | 'StatefulSet', own: object = {}, podSpec = pod()): Manifest {
  return object(kind, 'x', {
    replicas: 1,
    selector: SELECTOR,
    template: { metadata: { labels: LABELS }, spec: podSpec },
    ...own,
  });
}

/** A disruption budget over the pods of `workload`. */
export function disruption(rule: object = { maxUnavailable: 1 }, name = 'x'): Manifest {
  return object('PodDisruptionBudget', name, { selector: SELECTOR, ...rule });
}

/** Spread over zones and nodes, as the platform does it. */
export const SPREAD: PodSpec['topologySpreadConstraints'] = [
  'topology.kubernetes.io/zone',
  'kubernetes.io/hostname',
].map((topologyKey) => ({
  topologyKey,
  maxSkew: 1,
  whenUnsatisfiable: 'DoNotSchedule' as const,
  labelSelector: SELECTOR,
}));

/** A PostgreSQL cluster `db` without a fault, archiving to ObjectStore `store`. */
export function database(own: Partial<ClusterSpec> = {}): Manifest {
  const labelSelector = { matchLabels: { 'cnpg.io/cluster': 'db' } };
  const spec: ClusterSpec = {
    instances: 3,
    stopDelay: 300,
    enablePDB: true,
    storage: { size: '10Gi' },
    resources: resources({ cpu: '1', memory: '1Gi' }),
    topologySpreadConstraints: SPREAD?.map((constraint) => ({ ...constraint, labelSelector })),
    postgresql: {
      parameters: { archive_timeout: '300s', max_wal_size: '1GB' },
      synchronous: { method: 'any', number: 1, dataDurability: 'required' },
    },
    plugins: [archiver('store', 'staging-test')],
    ...own,
  };
  return object('Cluster', 'db', spec, {
    metadata: {
      name: 'db',
      namespace: 'app',
      annotations: { 'lighthouse/sidecars': JSON.stringify(SIDECAR) },
    },
  });
}

const SIDECAR = resources({ cpu: '50m', memory: '256Mi' });

export function archiver(barmanObjectName: string, serverName: string) {
  return {
    name: 'barman-cloud.cloudnative-pg.io',
    isWALArchiver: true,
    parameters: { barmanObjectName, serverName },
  };
}

/** An object store; of what the database names, `store` is one. */
export function store(name = 'store', own: object = {}, configuration: object = {}): Manifest {
  return object('ObjectStore', name, {
    retentionPolicy: '14d',
    instanceSidecarConfiguration: { resources: SIDECAR },
    configuration: {
      destinationPath: `s3://${name}/`,
      endpointURL: 'https://s3.example.com:443',
      s3Credentials: {
        accessKeyId: { name: `${name}-keys`, key: 'username' },
        secretAccessKey: { name: `${name}-keys`, key: 'password' },
      },
      ...configuration,
    },
    ...own,
  });
}

export function schedule(own: object = {}): Manifest {
  return object('ScheduledBackup', 'db', {
    cluster: { name: 'db' },
    schedule: '0 0 */6 * * *',
    method: 'plugin',
    ...own,
  });
}
