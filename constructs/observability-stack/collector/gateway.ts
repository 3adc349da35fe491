import { Construct } from 'constructs';
import { stringify } from 'yaml';
import { Container, Deployment, DeploymentStrategy, PodDisruptionBudget } from '../../../imports/k8s';
import { CertificateAuthority, trustVolume } from '../../certificate-authority';
import { ConfigFiles } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import type { Endpoint } from '../../platform/endpoint';
import { objectName } from '../../platform/names';
import {
  Resources,
  resources,
  RESTRICTED,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../../platform/pod';
import { gatewaySize, goMemory } from '../sizing';
import { gatewayConfig } from './gateway-config';

export interface CollectorGatewayProps {
  readonly image: string;
  /** Gateways, each good for everything. */
  readonly replicas: number;
  readonly loki: Endpoint;
  /** Where spans are sent: OTLP by gRPC, over TLS. */
  readonly tempo: Endpoint;
  /** Spans that arrive in a second; memory and CPU follow. */
  readonly spansPerSecond: number;
  /**
   * Traces of which all is kept: those that took longer, ms.
   * @default 300, the objective for 99 of 100 validations
   */
  readonly slowMilliseconds?: number;
  /**
   * Of all other traces without an error, how many of a hundred are kept.
   * @default 10
   */
  readonly keptPercent?: number;
  readonly spreading: Spreading;
  readonly authority: CertificateAuthority;
}

/** User of the public image. */
const UID = 10001;

/** One at a time, none in addition: with one per zone there is no place for another. */
const ROLLING: DeploymentStrategy = {
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
};

/** What it has in its queues is sent within this, if it can be. */
const GRACE_SECONDS = 30;

/**
 * Takes logs and traces of everybody (OTLP), counts spans, leaves out what nobody will look at, and sends the rest to Loki
 * and Tempo.
 *
 * @example
 * bridge.connections.allowTo(gateway.grpc);
 */
export class CollectorGateway extends Construct {
  readonly connections = new Connections(this, { name: 'collector', component: 'gateway' });
  /** OTLP by gRPC, over TLS. */
  readonly grpc = this.connections.listen('otlp-grpc', 4317);
  /** OTLP by HTTP, over TLS. */
  readonly http = this.connections.listen('otlp-http', 4318);
  /** Metrics of spans, about the services they are of. */
  private readonly metrics = this.connections.listen('metrics', 8889, {
    metricsPath: '/metrics',
    metricsScheme: 'https',
    metricsAbout: 'others',
  });
  private readonly own = this.connections.listen('own', 8888, { metricsPath: '/metrics' });

  constructor(scope: Construct, id: string, props: CollectorGatewayProps) {
    super(scope, id);
    const { replicas, loki, tempo, slowMilliseconds = 300, keptPercent = 10 } = props;
    if (!Number.isInteger(replicas) || replicas < 1) {
      throw new Error(`${this.node.path}: replicas must be a number of at least 1, got ${replicas}`);
    }
    if (!(keptPercent >= 0 && keptPercent <= 100)) {
      throw new Error(`${this.node.path}: keptPercent must be between 0 and 100, got ${keptPercent}`);
    }
    this.connections.allowTo(loki, tempo);
    const size = gatewaySize(props);
    const { grpc, http, metrics, own } = this;
    const text = stringify(
      gatewayConfig({
        ...props,
        slowMilliseconds,
        keptPercent,
        memory: size.memory,
        ports: { grpc: grpc.port, http: http.port, metrics: metrics.port, own: own.port },
      }),
      { aliasDuplicateObjects: false, lineWidth: 0 },
    );
    const config = new ConfigFiles(this, 'Config', __dirname, {}, { 'gateway.yaml': text });
    const tls = props.authority.issue(this.connections);
    const account = withoutToken(this);
    new Deployment(this, 'Resource', {
      spec: {
        replicas,
        strategy: replicas > 1 ? ROLLING : { type: 'Recreate' },
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(UID),
            topologySpreadConstraints: spread(this.connections, props.spreading),
            terminationGracePeriodSeconds: GRACE_SECONDS,
            containers: [this.container(props.image, size)],
            volumes: [config.volume('config'), tls.volume('tls'), trustVolume('trust')],
          },
        },
      },
    });
    if (replicas > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name: objectName(this) },
        spec: { maxUnavailable: 1, selector: { matchLabels: this.connections.labels } },
      });
    }
  }

  private container(image: string, size: Resources): Container {
    return {
      name: 'collector',
      image,
      args: ['--config=/config/gateway.yaml'],
      env: [{ name: 'GOMEMLIMIT', value: goMemory(size.memory) }],
      ports: this.connections.containerPorts(this.grpc, this.http, this.metrics, this.own),
      readinessProbe: { tcpSocket: { port: this.grpc.name }, timeoutSeconds: 5 },
      livenessProbe: {
        httpGet: { path: '/metrics', port: this.own.name },
        timeoutSeconds: 5,
        periodSeconds: 30,
        failureThreshold: 6,
      },
      securityContext: RESTRICTED,
      resources: resources(size),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
      ],
    };
  }
}
