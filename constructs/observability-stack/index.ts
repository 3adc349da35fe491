import { Construct, IConstruct } from 'constructs';
import type { CertificateAuthority } from '../certificate-authority';
import type { CredentialsMaker } from '../credentials';
import type { Holes } from '../platform/config-files';
import type { Endpoint } from '../platform/endpoint';
import type { NamespaceScope } from '../platform/names';
import type { AddressRange } from '../platform/peer';
import type { Spreading } from '../platform/pod';
import { AlertRules, RuleGroup } from './alert-rules';
import { Alertmanager, type AlertmanagerProps } from './alertmanager';
import type { Dashboard } from './dashboards/model';
import { Blackbox, ServiceProbe } from './exporters/blackbox';
import { KubeStateMetrics } from './exporters/kube-state-metrics';
import { NodeExporter } from './exporters/node';
import { Grafana, type GrafanaProps } from './grafana';
import type { Declared } from './monitoring/declared';
import { Prometheus, type PrometheusProps } from './prometheus';
import type { ForeignPods } from './prometheus/foreign-pods';
import type { MetricsLoad } from './sizing';
import { LogParser, LogsKept, Telemetry, TracesKept } from './telemetry';

/** Image references of the parts. */
export type StackImages = Readonly<
  Record<
    | 'prometheus'
    | 'alertmanager'
    | 'blackboxExporter'
    | 'kubeStateMetrics'
    | 'nodeExporter'
    | 'loki'
    | 'tempo'
    | 'collector'
    | 'grafana',
    string
  >
>;

/** The cluster that is watched. */
export interface Watched {
  /** Labels of everything that is measured here, such as environment and cluster. */
  readonly labels: Readonly<Record<string, string>>;
  /** How many nodes it has. */
  readonly nodes: number;
  readonly apiServer: AddressRange;
  /** Addresses of the nodes' kubelets. */
  readonly kubelets: AddressRange;
  readonly storageClass: string;
}

export interface ObservabilityStackProps {
  readonly images: StackImages;
  readonly cluster: Watched;
  /** Prometheus servers that each scrape everything, what they hold, and where that is also sent. */
  readonly metrics: MetricsLoad & Pick<PrometheusProps, 'replicas' | 'remoteWrite'>;
  /** Members of Alertmanager, whom they tell, and when they hold back. */
  readonly alerting: Pick<AlertmanagerProps, 'replicas' | 'receivers' | 'maintenance'>;
  readonly logs: LogsKept;
  readonly traces: TracesKept;
  /** Grafana's pods, its name for browsers, and who signs people on. */
  readonly dashboards: Pick<GrafanaProps, 'replicas' | 'domain' | 'oidc'>;
  /** URL of the folder with the runbooks, without a slash at the end. */
  readonly runbooks: string;
  /** Namespace of what must see the nodes themselves. */
  readonly agents: NamespaceScope;
  readonly authority: CertificateAuthority;
  readonly maker: CredentialsMaker;
  readonly spreading: Spreading;
}

/**
 * What watches the platform. It makes nothing of a service by itself: the service's own `observe` function, beside its
 * construct, says what there is to see and when somebody must be told.
 *
 * @example
 * const stack = new ObservabilityStack(namespace, 'Default', { … });
 * observeRedis(stack, redis);
 */
export class ObservabilityStack extends Construct {
  readonly prometheus: Prometheus;
  readonly alertmanager: Alertmanager;
  readonly telemetry: Telemetry;
  private readonly grafana: Grafana;
  private readonly blackbox: Blackbox;
  private readonly runbooks: string;

  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id);
    const { images, cluster, metrics, agents, authority, spreading } = props;
    this.runbooks = props.runbooks;
    this.prometheus = new Prometheus(this, 'prometheus', {
      image: images.prometheus,
      replicas: metrics.replicas,
      load: metrics,
      remoteWrite: metrics.remoteWrite,
      externalLabels: cluster.labels,
      ...cluster,
      spreading,
      authority,
    });
    this.alertmanager = new Alertmanager(this, 'alertmanager', {
      image: images.alertmanager,
      ...props.alerting,
      ...cluster,
      spreading,
      authority,
    });
    this.prometheus.alertTo(this.alertmanager.endpoint);
    this.blackbox = new Blackbox(this, 'blackbox', { image: images.blackboxExporter, authority });
    const { apiServer } = cluster;
    const state = new KubeStateMetrics(this, 'kube-state-metrics', {
      image: images.kubeStateMetrics,
      apiServer,
    });
    const nodes = new NodeExporter(agents, 'node-exporter', {
      image: images.nodeExporter,
      nodes: cluster.nodes,
    });
    this.telemetry = new Telemetry(this, 'Default', { ...props, ...cluster, nodes: cluster.nodes });
    const { loki, tempo, gateway, agent } = this.telemetry;
    this.grafana = new Grafana(this, 'grafana', {
      ...props,
      ...props.dashboards,
      image: images.grafana,
      prometheus: { endpoint: this.prometheus.endpoint, intervalSeconds: metrics.intervalSeconds },
      loki: { endpoint: loki.endpoint, tenants: { platform: 'platform', bridge: 'bridge' } },
      tempo: tempo.endpoint,
    });
    const own = [this.prometheus, this.alertmanager, this.blackbox, state, nodes];
    for (const part of [...own, loki, tempo, gateway, agent, this.grafana]) this.scrape(part);
    this.probe('prometheus', this.prometheus.endpoint, { module: 'https', path: '/-/ready' });
    this.probe('alertmanager', this.alertmanager.endpoint, { module: 'https', path: '/-/ready' });
    const { log } = this.alertmanager;
    if (log) this.probe('alertmanager', log.endpoint, { module: 'http' });
    this.probe('loki', loki.endpoint, { module: 'https', path: '/ready' });
    this.probe('tempo', tempo.endpoint, { module: 'https', path: '/ready' });
    this.probe('collector', gateway.grpc, { module: 'tls' });
    this.probe('grafana', this.grafana.endpoint, { module: 'https', path: '/api/health' });
  }

  /**
   * Scrapes every port with metrics at and below a construct.
   * @throws Error where there is none
   */
  scrape(construct: IConstruct): void {
    this.prometheus.scrape(construct);
  }

  /** Scrapes pods that are not the platform's own, such as an operator's. */
  scrapeOutside(pods: ForeignPods): void {
    this.prometheus.scrapeOutside(pods);
  }

  /** Looks at a service from outside. Several probes of one service: it is healthy when all succeed. */
  probe(service: string, endpoint: Endpoint, probe: ServiceProbe): void {
    this.blackbox.probe(service, endpoint, probe);
  }

  /** Looks at a provider's service from outside, over TLS. */
  probeOutside(service: string, host: string, range: AddressRange): void {
    this.blackbox.probeOutside(service, host, range);
  }

  /**
   * Makes fields of the lines that the containers in a construct's namespace write, and counts what its counters name.
   * @throws Error where one of them has another parser already
   */
  logs(construct: Construct, parser: LogParser): void {
    this.telemetry.read(construct, parser);
  }

  /**
   * Adds the rules of `alerts.yaml` in a folder, with its holes filled.
   * @param generated groups that record what the file's alerts compare, where they are the product of a table
   */
  alerts(id: string, folder: string, holes: Holes, generated: readonly RuleGroup[] = []): void {
    new AlertRules(this, `Alerts-${id}`, { folder, holes, generated, runbooks: this.runbooks });
  }

  /** What has been scraped and probed so far. */
  get declared(): Declared {
    return { jobs: this.prometheus.jobs, services: this.blackbox.services };
  }

  /** Shows a dashboard. */
  dashboard(dashboard: Dashboard): void {
    this.grafana.dashboard(dashboard);
  }
}
