import { Construct } from 'constructs';
import { stringify } from 'yaml';
import { Container, PodDisruptionBudget, StatefulSet } from '../../../imports/k8s';
import { CertificateAuthority, trustVolume } from '../../certificate-authority';
import { ConfigFiles } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import type { Endpoint } from '../../platform/endpoint';
import { objectName } from '../../platform/names';
import {
  dataClaim,
  resources,
  RESTRICTED,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../../platform/pod';
import { type LoggedReceivers, MessageLog } from './message-log';
import { type OutsideReceivers, OutsideServices, type Receivers } from './receivers';
import { configurationOf, type MaintenanceWindow, TIMINGS } from './routes';

export interface AlertmanagerProps {
  readonly image: string;
  /**
   * Members; each knows every alert, and one of them tells.
   * @default 3
   */
  readonly replicas?: number;
  /** Who is told: services outside, or a pod that prints the messages. */
  readonly receivers: OutsideReceivers | LoggedReceivers;
  /**
   * Times every week in which warnings are held back; what is critical never is.
   * @default - none
   */
  readonly maintenance?: readonly MaintenanceWindow[];
  readonly storageClass: string;
  /**
   * Whether members must be in different zones and nodes.
   * @default 'required'
   */
  readonly spreading?: Spreading;
  readonly authority: CertificateAuthority;
}

/** User `nobody` of the public image. */
const UID = 65534;

/**
 * What a member gets. Measured with 0.34.2: 33 MiB at rest, 94 MiB at the most with a thousand alerts in six hundred groups
 * while nobody took the messages.
 */
const SIZE = { cpu: '10m', memory: '128Mi' } as const;

/** Silences and the log of what was told, five days of it: some megabytes, and no storage class makes less. */
const STORAGE = '1Gi';

/**
 * Alertmanager: tells people what Prometheus found, once, grouped, and by severity and owner. Its configuration is a file
 * without a secret; those are files of their own, read at every message.
 *
 * @example
 * const alertmanager = new Alertmanager(namespace, 'alertmanager', { receivers: { kind: 'logged', image }, … });
 * prometheus.alertTo(alertmanager.endpoint);
 */
export class Alertmanager extends Construct {
  readonly connections = new Connections(this, {
    name: 'alertmanager',
    component: 'server',
    service: 'headless',
  });
  /** HTTPS: takes alerts and silences, and serves its own metrics. */
  readonly endpoint = this.connections.listen('web', 9093, {
    metricsPath: '/metrics',
    metricsScheme: 'https',
  });
  /** The pod that prints messages, where nobody outside is told. */
  readonly log?: MessageLog;
  private readonly mesh?: Endpoint;

  constructor(scope: Construct, id: string, props: AlertmanagerProps) {
    super(scope, id);
    const { replicas = 3, maintenance = [], spreading = 'required', authority } = props;
    if (!Number.isInteger(replicas) || replicas < 1) {
      throw new Error(`${this.node.path}: replicas must be a whole number of at least 1, got ${replicas}`);
    }
    // Gossip over TLS needs no UDP.
    if (replicas > 1) {
      this.mesh = this.connections.listen('mesh', 9094, { clientAuthority: 'platform' });
      this.connections.allowTo(this.mesh);
    }
    const receivers = this.receivers(props.receivers);
    if (receivers instanceof MessageLog) this.log = receivers;
    receivers.allowFrom(this.connections);

    const configuration = configurationOf({
      integrations: (receiver) => receivers.integrations(receiver),
      maintenance,
      timings: TIMINGS,
    });
    const { host } = this.connections;
    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      { 'web.yaml': {}, 'cluster.yaml': { HOST: host }, 'messages.tmpl': {} },
      { 'alertmanager.yaml': stringify(configuration) },
    );
    const tls = authority.issue(this.connections);
    const account = withoutToken(this);
    new StatefulSet(this, 'Resource', {
      spec: {
        serviceName: this.connections.serviceName,
        replicas,
        // Any of them tells; none waits for another.
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(UID),
            topologySpreadConstraints: spread(this.connections, spreading),
            terminationGracePeriodSeconds: 30,
            containers: [this.container(props.image, replicas, receivers)],
            volumes: [config.volume('config'), tls.volume('tls'), trustVolume('trust'), ...receivers.volumes],
          },
        },
        volumeClaimTemplates: dataClaim(STORAGE, props.storageClass),
      },
    });
    if (replicas > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name: objectName(this) },
        spec: { maxUnavailable: 1, selector: { matchLabels: this.connections.labels } },
      });
    }
  }

  private receivers(props: AlertmanagerProps['receivers']): Receivers {
    return props.kind === 'logged'
      ? new MessageLog(this, 'log', props)
      : new OutsideServices(this, 'receivers', props);
  }

  private container(image: string, replicas: number, receivers: Receivers): Container {
    const probe = (path: string) => ({
      httpGet: { path, port: this.endpoint.name, scheme: 'HTTPS' as const },
      timeoutSeconds: 5,
    });
    return {
      name: 'alertmanager',
      image,
      args: [
        '--config.file=/config/alertmanager.yaml',
        '--storage.path=/data',
        '--web.config.file=/config/web.yaml',
        `--web.listen-address=:${this.endpoint.port}`,
        ...this.cluster(replicas),
      ],
      env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
      ports: this.connections.containerPorts(...this.connections.endpoints),
      startupProbe: { ...probe('/-/ready'), periodSeconds: 5, failureThreshold: 24 },
      readinessProbe: { ...probe('/-/ready'), periodSeconds: 5 },
      livenessProbe: { ...probe('/-/healthy'), periodSeconds: 10, failureThreshold: 6 },
      securityContext: RESTRICTED,
      resources: resources(SIZE),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'data', mountPath: '/data' },
        ...receivers.mounts,
      ],
    };
  }

  /** How members find each other. */
  private cluster(replicas: number): string[] {
    const { mesh } = this;
    if (!mesh) return ['--cluster.listen-address='];
    const peers = Array.from({ length: replicas }, (_, ordinal) => this.connections.podHost(ordinal));
    return [
      `--cluster.listen-address=:${mesh.port}`,
      `--cluster.advertise-address=$(POD_IP):${mesh.port}`,
      '--cluster.tls-config=/config/cluster.yaml',
      // A member that was restarted has another address; its old one is forgotten after this long.
      '--cluster.reconnect-timeout=5m',
      ...peers.map((peer) => `--cluster.peer=${peer}:${mesh.port}`),
    ];
  }
}
