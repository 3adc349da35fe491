import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { join } from 'node:path';
import { Deployment, PodDisruptionBudget, ProjectedVolumeSource } from '../../../imports/k8s';
import { CertificateAuthority, TRUST_FILE, trustVolume } from '../../certificate-authority';
import { Credentials, CredentialsMaker } from '../../credentials';
import { ConfigFiles, renderPayload } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import type { Endpoint } from '../../platform/endpoint';
import { objectName } from '../../platform/names';
import {
  oneAtATime,
  Resources,
  RESTRICTED,
  resources,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../../platform/pod';
import type { Dashboard } from '../dashboards/model';
import { DASHBOARDS, Uid } from '../dashboards/uids';
import { OidcClient, OidcProps } from './oidc';

export interface GrafanaProps {
  /** Image reference of the full image, not the slim one: the data sources come with it. */
  readonly image: string;
  /**
   * Pods; each keeps its own sessions.
   * @default 1
   */
  readonly replicas?: number;
  /** Prometheus; its seconds between two scrapes are the least that a graph resolves. */
  readonly prometheus: { readonly endpoint: Endpoint; readonly intervalSeconds: number };
  /** Loki, and the tenants that the platform's and Lighthouse's logs belong to. */
  readonly loki: { readonly endpoint: Endpoint; readonly tenants: Tenants };
  readonly tempo: Endpoint;
  /** DNS name that browsers use. */
  readonly domain: string;
  /**
   * Sign-on by an identity provider.
   * @default - only the administrator, whose password is made here
   */
  readonly oidc?: OidcProps;
  readonly maker: CredentialsMaker;
  readonly authority: CertificateAuthority;
  /**
   * Whether pods must be in different zones or may share one.
   * @default 'required'
   */
  readonly spreading?: Spreading;
}

export interface Tenants {
  readonly platform: string;
  readonly bridge: string;
}

/** User of the public image. */
const UID = 472;

/**
 * Others have measured 13.2.3 with one data source and all features off that are off here: 170 MiB idle, 290 MiB while 56
 * panels are drawn at a time; each further data source is a program of some 10 MiB.
 */
const SIZE: Resources = { cpu: '100m', memory: '384Mi' };

/** What a ConfigMap may hold (Kubernetes' limit), bytes. */
const LIMIT = 2 ** 20;

/** Seconds for a first start: it makes its database anew every time. */
const START_SECONDS = 300;

/** The dashboard that is seen first. */
const HOME: Uid = 'platform';

/**
 * Grafana, which shows what lies in files and keeps nothing: dashboards and data sources are provisioned and read-only.
 *
 * @example
 * const grafana = new Grafana(this, 'grafana', { image, prometheus, loki, tempo, domain: 'grafana.example.com', … });
 * grafana.dashboard(redisDashboard({ … }));
 */
export class Grafana extends Construct {
  readonly connections = new Connections(this, {
    name: 'grafana',
    component: 'dashboards',
    service: 'sticky',
  });
  /** HTTPS: people, and its own metrics. */
  readonly endpoint = this.connections.listen('https', 3000, {
    metricsPath: '/metrics',
    metricsScheme: 'https',
  });
  private readonly files = new Map<string, ConfigFiles>();

  constructor(scope: Construct, id: string, props: GrafanaProps) {
    super(scope, id);
    const { image, replicas = 1, authority, maker, oidc, spreading = 'required' } = props;
    if (!Number.isInteger(replicas) || replicas < 1) {
      throw new Error(
        `${this.node.path}: replicas must be a whole number of at least 1, got ${replicas}; write for example 2`,
      );
    }
    // Without them it shows nothing, and yet it starts: nobody waits for anybody.
    this.connections.watch(props.prometheus.endpoint, props.loki.endpoint, props.tempo);

    const users = new Credentials(this, 'Users', { maker, users: ['admin', 'signing'] });
    const client = oidc && new OidcClient(this, 'Oidc', oidc);
    if (oidc) this.connections.allowToRange(oidc.range);
    const config = this.config(props, client);
    const tls = authority.issue(this.connections);
    const name = objectName(this);
    const account = withoutToken(this);
    const probe = {
      httpGet: { path: '/api/health', port: this.endpoint.name, scheme: 'HTTPS' as const },
      timeoutSeconds: 5,
    };
    const { labels, podLabels } = this.connections;
    new Deployment(this, 'Resource', {
      spec: {
        replicas,
        strategy: oneAtATime(replicas),
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(UID),
            topologySpreadConstraints: spread(this.connections, spreading),
            terminationGracePeriodSeconds: 30,
            containers: [
              {
                name: 'grafana',
                image,
                ports: this.connections.containerPorts(this.endpoint),
                resources: resources(SIZE),
                securityContext: RESTRICTED,
                startupProbe: { ...probe, periodSeconds: 5, failureThreshold: START_SECONDS / 5 },
                readinessProbe: { ...probe, periodSeconds: 10 },
                livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 5 },
                lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
                volumeMounts: [
                  { name: 'config', mountPath: '/etc/grafana', readOnly: true },
                  { name: 'dashboards', mountPath: '/dashboards', readOnly: true },
                  { name: 'secrets', mountPath: '/secrets', readOnly: true },
                  { name: 'tls', mountPath: '/tls', readOnly: true },
                  { name: 'trust', mountPath: '/trust', readOnly: true },
                  { name: 'data', mountPath: '/var/lib/grafana' },
                  // Its data sources are programs, which it speaks to by sockets.
                  { name: 'tmp', mountPath: '/tmp' },
                ],
              },
            ],
            volumes: [
              { name: 'config', configMap: { name: config.name, items: PLACES } },
              { name: 'dashboards', projected: this.dashboards() },
              {
                name: 'secrets',
                projected: {
                  defaultMode: 0o440,
                  sources: [
                    users.of('admin').file('admin'),
                    users.of('signing').file('signing'),
                    ...(client ? [client.secret('client-secret')] : []),
                  ],
                },
              },
              tls.volume('tls'),
              trustVolume('trust'),
              { name: 'data', emptyDir: { sizeLimit: '1Gi' } },
              { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
            ],
          },
        },
      },
    });
    if (replicas > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      });
    }
  }

  /**
   * Shows a dashboard.
   * @throws Error for a uid that is taken, and for one that no ConfigMap can hold
   */
  dashboard(dashboard: Dashboard): void {
    const { uid } = dashboard;
    if (this.files.has(uid)) throw new Error(`${this.node.path}: dashboard "${uid}" is there twice`);
    const text = `${JSON.stringify(dashboard, undefined, 1)}\n`;
    if (Buffer.byteLength(text) >= LIMIT) {
      throw new Error(`${this.node.path}: dashboard "${uid}" must be below 1 MiB, got ${text.length} bytes`);
    }
    this.files.set(uid, new ConfigFiles(this, `Dashboard-${uid}`, __dirname, {}, { [`${uid}.json`]: text }));
  }

  /** All that there are by the end: services add theirs after this construct is made. */
  private dashboards(): ProjectedVolumeSource {
    return Lazy.any({
      produce: (): ProjectedVolumeSource => {
        if (!this.files.has(HOME)) {
          throw new Error(
            `${this.node.path}: must have the dashboard "${HOME}" (${DASHBOARDS[HOME]}): it is seen first`,
          );
        }
        return { sources: [...this.files.values()].map(({ name }) => ({ configMap: { name } })) };
      },
    });
  }

  private config({ prometheus, loki, tempo, domain }: GrafanaProps, client?: OidcClient): ConfigFiles {
    const ini = renderPayload(join(__dirname, 'grafana.ini'), {
      PORT: this.endpoint.port,
      DOMAIN: domain,
      HOME,
    });
    const datasources = {
      PROMETHEUS: prometheus.endpoint.url('https'),
      SCRAPE_SECONDS: prometheus.intervalSeconds,
      LOKI: loki.endpoint.url('https'),
      PLATFORM_TENANT: loki.tenants.platform,
      BRIDGE_TENANT: loki.tenants.bridge,
      TEMPO: tempo.url('https'),
      TRUST_FILE,
    };
    return new ConfigFiles(
      this,
      'Config',
      __dirname,
      { 'datasources.yaml': datasources, 'dashboards.yaml': {}, 'nothing.yaml': {} },
      { 'grafana.ini': client ? `${ini}\n${client.settings}` : ini },
    );
  }
}

/** Where each file is looked for. */
const PLACES = [
  { key: 'grafana.ini', path: 'grafana.ini' },
  { key: 'datasources.yaml', path: 'provisioning/datasources/datasources.yaml' },
  { key: 'dashboards.yaml', path: 'provisioning/dashboards/dashboards.yaml' },
  { key: 'nothing.yaml', path: 'provisioning/plugins/nothing.yaml' },
  { key: 'nothing.yaml', path: 'provisioning/alerting/nothing.yaml' },
];
