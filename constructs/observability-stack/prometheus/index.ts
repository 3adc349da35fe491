import { Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import {
  ClusterRole,
  ClusterRoleBinding,
  PodDisruptionBudget,
  PolicyRule,
  Role,
  RoleBinding,
  ServiceAccount,
} from '../../../imports/k8s';
import { PodMonitor, Prometheus as Server } from '../../../imports/monitoring.coreos.com';
import { CertificateAuthority, TRUST_BUNDLE, TRUST_FILE } from '../../certificate-authority';
import { Connections } from '../../platform/connections';
import { PLATFORM_LABELS } from '../../platform/labels';
import { Endpoint } from '../../platform/endpoint';
import { namespaceOf, objectName } from '../../platform/names';
import { AddressRange } from '../../platform/peer';
import { dataClaim, resources, restrictedPod, spread, Spreading } from '../../platform/pod';
import { fetchSecret, propertiesOf, type SecretSource } from '../../platform/secret-source';
import { MetricsLoad, metricsSize, shardsFor } from '../sizing';
import { ForeignPods } from './foreign-pods';
import { Kubelets } from './kubelets';
import { FIRST_RELOADER, RELOADER } from './reloader';

export interface PrometheusProps {
  readonly image: string;
  /** Servers that each scrape everything. */
  readonly replicas: number;
  readonly load: MetricsLoad;
  /** Labels that tell these metrics from other clusters' where they meet. */
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly spreading: Spreading;
  readonly authority: CertificateAuthority;
  readonly apiServer: AddressRange;
  /** Addresses of the nodes' kubelets. */
  readonly kubelets: AddressRange;
  /**
   * Where every sample is also sent to.
   * @default - nowhere
   */
  readonly remoteWrite?: RemoteWrite;
}

/** A store that takes samples by Prometheus' remote-write protocol. */
export interface RemoteWrite {
  readonly url: string;
  readonly range: AddressRange;
  /** Where `username` and `password` are fetched from. */
  readonly source: SecretSource;
  /** Path there of the entry with both. */
  readonly secretPath: string;
}

/** User `nobody` of the public image. */
const UID = 65534;

/** A replica that is told to go writes its log first; what is open is two hours of samples. */
const GRACE_SECONDS = 300;

/** Verifies a server's certificate against the platform's roots, by a name: pods are scraped by address, which no certificate has. */
export function verified(serverName: string) {
  return { ca: { configMap: { name: TRUST_BUNDLE, key: TRUST_FILE } }, serverName };
}

/**
 * Prometheus, run by its operator: scrapes what it is told to, and nothing that a foreign object declares.
 *
 * @example
 * prometheus.scrape(redis);
 */
export class Prometheus extends Construct {
  readonly connections = new Connections(this, { name: 'prometheus', component: 'server' });
  /** HTTPS: queries, and its own metrics. */
  readonly endpoint = this.connections.listen('web', 9090, {
    metricsPath: '/metrics',
    metricsScheme: 'https',
  });
  private readonly account: ServiceAccount;
  private readonly readers = new Set<string>();
  private readonly alertmanagers: Endpoint[] = [];
  private readonly monitored: string[] = ['kubelet'];

  constructor(scope: Construct, id: string, props: PrometheusProps) {
    super(scope, id);
    const { replicas, load, spreading, remoteWrite } = props;
    const { retentionSize, storage, ...size } = metricsSize(load);
    this.connections.allowToRange(props.apiServer);
    this.connections.allowToRange(props.kubelets);
    if (remoteWrite) this.connections.allowToRange(remoteWrite.range);

    this.account = new ServiceAccount(this, 'Account', {
      metadata: { name: objectName(this) },
      automountServiceAccountToken: false,
    });
    this.read(namespaceOf(this), [
      { apiGroups: [''], resources: ['services', 'endpoints'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    ]);
    this.readNodes();
    new Kubelets(this, 'Kubelet', { interval: `${load.intervalSeconds}s` });
    const tls = props.authority.issue(this.connections);
    const { labels, podLabels } = this.connections;
    // What others in the cluster declare for a Prometheus of their own is not for this one.
    const own = { matchLabels: PLATFORM_LABELS };
    new Server(this, 'Resource', {
      spec: {
        image: props.image,
        version: versionOf(props.image),
        replicas,
        shards: shardsFor(load),
        podMetadata: { labels: podLabels },
        serviceAccountName: this.account.name,
        // The operator's default is to mount it; it is used to find pods and to ask kubelets.
        automountServiceAccountToken: true,
        enableServiceLinks: false,
        securityContext: restrictedPod(UID),
        topologySpreadConstraints: spread(this.connections, spreading),
        terminationGracePeriodSeconds: GRACE_SECONDS,
        resources: resources(size),
        initContainers: [FIRST_RELOADER],
        containers: [RELOADER],
        storage: { volumeClaimTemplate: dataClaim(storage, props.storageClass)[0] },
        retention: `${load.retentionDays}d`,
        retentionSize,
        walCompression: true,
        scrapeInterval: `${load.intervalSeconds}s`,
        evaluationInterval: '30s',
        externalLabels: props.externalLabels,
        enableFeatures: ['exemplar-storage'],
        podMonitorSelector: own,
        // Empty selects every namespace; without it, only this one would be seen.
        podMonitorNamespaceSelector: {},
        serviceMonitorSelector: own,
        probeSelector: own,
        ruleSelector: own,
        portName: this.endpoint.name,
        web: {
          tlsConfig: {
            cert: { secret: { name: tls.secretName, key: 'tls.crt' } },
            keySecret: { name: tls.secretName, key: 'tls.key' },
            minVersion: 'TLS13',
          },
        },
        alerting: Lazy.any({ produce: () => ({ alertmanagers: this.alertmanagers.map(alertmanager) }) }),
        ...(remoteWrite ? { remoteWrite: [this.sending(remoteWrite)] } : {}),
      },
    });
    if (replicas > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name: objectName(this) },
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      });
    }
  }

  /**
   * Scrapes every port with metrics at and below a construct.
   * @throws Error where there is none
   */
  scrape(construct: IConstruct): void {
    const sources = construct.node
      .findAll()
      .flatMap((node) => Connections.of(node) ?? [])
      .filter(({ endpoints }) => endpoints.some(({ metrics }) => metrics !== undefined));
    if (sources.length === 0) throw new Error(`${construct.node.path}: serves no metrics to scrape`);
    for (const source of sources) this.monitor(source);
  }

  private sending({ url, source, secretPath }: RemoteWrite) {
    const values = propertiesOf(secretPath, ['username', 'password']);
    const name = fetchSecret(new Construct(this, 'RemoteWrite'), 'Resource', { source, values });
    return {
      url,
      basicAuth: { username: { name, key: 'username' }, password: { name, key: 'password' } },
      sendExemplars: true,
    };
  }

  /** Scrapes pods that somebody else installs, and keeps what is read of what they serve. */
  scrapeOutside(pods: ForeignPods): void {
    const { namespace, name, labels, port, kept } = pods;
    this.connections.watch(pods.endpoint(this));
    new PodMonitor(this, `Outside-${namespace}-${name}`, {
      metadata: { namespace, name },
      spec: {
        selector: { matchLabels: labels },
        podMetricsEndpoints: [
          {
            // Not all of them name the port.
            portNumber: port,
            path: '/metrics',
            // They speak of objects elsewhere, whose namespace is what people must read.
            honorLabels: true,
            metricRelabelings: [{ sourceLabels: ['__name__'], regex: kept.join('|'), action: 'keep' }],
          },
        ],
      },
    });
    this.monitored.push(`${namespace}/${name}`);
    this.read(namespace);
  }

  /** `job` of everything that is scraped, as the operator names it. */
  get jobs(): readonly string[] {
    return this.monitored;
  }

  /** Sends alerts to every pod behind an endpoint. */
  alertTo(alertmanager: Endpoint): void {
    this.connections.watch(alertmanager);
    this.alertmanagers.push(alertmanager);
  }

  private monitor(source: Connections): void {
    const endpoints = source.endpoints.filter(({ metrics }) => metrics !== undefined);
    this.connections.watch(...endpoints);
    new PodMonitor(source.construct, 'Monitor', {
      metadata: { name: objectName(source.construct) },
      spec: {
        selector: { matchLabels: source.labels },
        podMetricsEndpoints: endpoints.map(({ name, host, metrics }) => ({
          port: name,
          ...metrics,
          ...(metrics?.scheme === 'https' ? { tlsConfig: verified(host) } : {}),
        })),
      },
    });
    this.monitored.push(`${source.namespace}/${objectName(source.construct)}`);
    this.read(source.namespace);
  }

  /** Lets it find the pods of a namespace. */
  private read(namespace: string, more: readonly PolicyRule[] = []): void {
    if (this.readers.has(namespace)) return;
    this.readers.add(namespace);
    const metadata = { namespace, name: objectName(this) };
    new Role(this, `Read-${namespace}`, {
      metadata,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }, ...more],
    });
    new RoleBinding(this, `MayRead-${namespace}`, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: this.account.name, namespace: namespaceOf(this) }],
    });
  }

  /** Lets it ask kubelets for their metrics; they ask the API server whether it may. */
  private readNodes(): void {
    const metadata = { name: `${namespaceOf(this)}-${objectName(this)}` };
    new ClusterRole(this, 'ReadNodes', {
      metadata,
      rules: [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }],
    });
    new ClusterRoleBinding(this, 'MayReadNodes', {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: this.account.name, namespace: namespaceOf(this) }],
    });
  }
}

/** What the operator writes configuration for; it knows no other name for an image's version than its tag. */
function versionOf(image: string): string | undefined {
  return /:(v[^@]+)/.exec(image)?.[1];
}

function alertmanager({ owner, name, host }: Endpoint) {
  const [service = ''] = host.split('.');
  return {
    namespace: owner.namespace,
    name: service,
    port: name,
    scheme: 'https',
    apiVersion: 'v2' as const,
    tlsConfig: verified(host),
  };
}
