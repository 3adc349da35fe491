import { App } from 'cdk8s';
import { IConstruct } from 'constructs';
import { PhaseChart } from '../charts/phase-chart';
import type { Cluster, Environment } from '../config/schema';
import { CertificateAuthority } from '../constructs/certificate-authority';
import { CredentialsMaker } from '../constructs/credentials';
import { Prometheus } from '../constructs/observability-stack/prometheus';
import { PlatformNamespaces } from '../constructs/platform-namespaces';
import type { Bucket } from '../constructs/platform/bucket';
import { Manifest } from '../constructs/platform/manifest';
import { Platform, readPlatform } from '../synth/platform';

/** What constructs are built on in tests. */
export interface Ground {
  readonly chart: PhaseChart;
  readonly namespaces: PlatformNamespaces;
  readonly authority: CertificateAuthority;
  readonly maker: CredentialsMaker;
  /** Has a Prometheus scrape what a construct serves. */
  readonly scrape: (construct: IConstruct) => void;
}

/** Where the API server of the test platforms is. */
export const API_SERVER = { name: 'Kubernetes API', cidr: '10.0.0.1/32', port: 6443 } as const;

/** A platform with nothing but what `build` makes, on namespaces and a certificate authority. */
export function platformWith(
  build: (ground: Ground) => void,
  cluster: Partial<Cluster> = {},
  environment: Partial<Environment> = {},
): Platform {
  const app = new App();
  const chart = new PhaseChart(app, 'foundation');
  const namespaces = new PlatformNamespaces(chart, 'Namespaces', { mesh: environment.mesh?.mode });
  const authority = new CertificateAuthority(namespaces.existing('cert-manager'), 'lighthouse', {
    generations: [1],
    issuing: 1,
  });
  let prometheus: Prometheus | undefined;
  build({
    chart,
    namespaces,
    authority,
    maker: { image: 'docker.io/curlimages/curl:8.0.0', apiServer: API_SERVER },
    scrape: (construct) => {
      prometheus ??= prometheusIn(namespaces, authority);
      prometheus.scrape(construct);
    },
  });
  return readPlatform(app, { ...ENVIRONMENT, ...environment }, { ...CLUSTER, ...cluster });
}

function prometheusIn(namespaces: PlatformNamespaces, authority: CertificateAuthority): Prometheus {
  return new Prometheus(namespaces.add('observability'), 'prometheus', {
    image: 'quay.io/prometheus/prometheus:v3.14.0',
    replicas: 1,
    load: { series: 10_000, intervalSeconds: 30, retentionDays: 1 },
    externalLabels: { cluster: 'test' },
    storageClass: 'standard',
    spreading: 'preferred',
    authority,
    apiServer: API_SERVER,
    kubelets: { name: 'kubelets', cidr: '10.0.0.0/24', port: 10250 },
  });
}

/** The printed objects of a platform. */
export function manifestsOf(platform: Platform): Manifest[] {
  return platform.objects.map(({ manifest }) => manifest);
}

/**
 * The one object of a kind and name.
 * @throws Error where there is none or there are several
 */
export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  const [only] = found;
  if (!only || found.length > 1) {
    const there = manifests.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name);
    throw new Error(`${found.length} ${kind} named ${name}; there are ${there.join(', ') || 'none'}`);
  }
  return only;
}

const CLUSTER: Cluster = {
  name: 'test',
  region: 'here',
  role: 'primary',
  zones: ['a', 'b', 'c'],
  nodes: { count: 6, cpu: '16', memory: '64Gi' },
  apiServer: { cidr: API_SERVER.cidr, port: API_SERVER.port },
  kubelets: { cidr: '10.0.0.0/24', port: 10250 },
  storageClass: 'standard',
};

const size = { cpu: '100m', memory: '256Mi' };

const ENVIRONMENT: Environment = {
  environment: 'staging',
  domain: 'example.com',
  delivery: { repository: 'https://git.example.com/platform.git', branch: 'dist' },
  spreading: 'required',
  budgets: { cpu: '64', memory: '256Gi' },
  targets: { recoveryPoint: '15m', recoveryTime: '30m' },
  clusters: [CLUSTER],
  certificateAuthority: { generations: [1], issuing: 1 },
  postgres: {
    instances: 3,
    ...size,
    storage: '10Gi',
    walStorage: '5Gi',
    poolers: 2,
    clientConnections: 100,
    eventRetention: '30d',
    backup: { schedule: '0 0 */6 * * *', retention: '14d' },
  },
  redis: {
    cache: { members: 3, ...size, storage: '1Gi' },
    sessions: { members: 3, ...size, storage: '1Gi' },
    proxies: 2,
  },
  objectStorage: { engine: 'minio', ...size, storage: '10Gi' },
  vectorDatabase: { members: 3, ...size, storage: '10Gi', embeddings: { replicas: 2, ...size } },
  vault: {
    members: 3,
    ...size,
    storage: '1Gi',
    seal: {
      kind: 'transit',
      host: 'vault.example.com',
      port: 8200,
      cidr: '198.51.100.8/32',
      secretStore: 'platform',
      secretPath: 'test/vault-seal',
      mount: 'transit',
      key: 'lighthouse',
    },
    snapshots: '30 * * * *',
  },
  bridge: { state: 'local', ...size, storage: '5Gi' },
  edge: { replicas: 2, connections: 1000 },
  observability: {
    metrics: { replicas: 2, series: 50000, interval: '30s', retention: '7d' },
    logs: { perDay: '1Gi', retention: '7d', bridgeRetention: '14d' },
    traces: { spansPerSecond: 100, retention: '3d' },
    dashboards: { replicas: 2, monthlyCost: 1800 },
    alerting: { alertmanagers: 3, runbooks: 'https://git.example.com/platform/docs/runbooks' },
  },
};

/** A bucket of a service that is not part of the platform under test; nobody is let out to it. */
export function bucketOf(name: string, trust: Bucket['trust'] = 'platform'): Bucket {
  return {
    name,
    host: 's3.example.com',
    port: 9000,
    region: 'here',
    trust,
    accessKey: { name: `${name}-keys`, key: 'username' },
    secretKey: { name: `${name}-keys`, key: 'password' },
    allowFrom: () => undefined,
  };
}
