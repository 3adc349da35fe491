import { Construct } from 'constructs';
import { Container, Deployment, PodDisruptionBudget } from '../../imports/k8s';
import { CertificateAuthority, TlsSecret, trustVolume } from '../certificate-authority';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import {
  oneAtATime,
  resources,
  RESTRICTED,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../platform/pod';
import { EdgeEntry, openEntry } from './entry';
import { EDGE_LIMITS, EdgeLimits } from './limits';
import { ClientCertificates, edgePayloads, Sessions, stopSeconds } from './payloads';

export interface BridgeEdgeProps {
  /** HAProxy image reference, with an exact tag or a digest. */
  readonly image: string;
  /** The bridge: plain HTTP and WebSocket. Of a headless Service every pod is known by itself. */
  readonly backend: Endpoint;
  readonly authority: CertificateAuthority;
  /** Host name by which agents outside the cluster call it; stands in its certificate. */
  readonly domain: string;
  /**
   * Pods of the edge.
   * @default 2
   */
  readonly replicas?: number;
  /**
   * Whether they must lie in different zones and nodes.
   * @default 'required'
   */
  readonly spreading?: Spreading;
  /**
   * Who must show a certificate of the platform: everybody, or only who needs no token (`/session/create` hands anybody a
   * token for any agent), or nobody.
   * @default 'required'
   */
  readonly clientCertificates?: ClientCertificates;
  /**
   * Where the bridge keeps its sessions: in its one process, to which a client is then led every time, or in one place for all.
   * @default 'one-process'
   */
  readonly sessions?: Sessions;
  /**
   * How clients outside the cluster come in: by a load balancer of the cloud's, or through a Gateway of somebody else's.
   * @default - a ClusterIP, for the cluster alone
   */
  readonly entry?: EdgeEntry;
  /**
   * What differs from EDGE_LIMITS.
   * @default {}
   */
  readonly limits?: Partial<EdgeLimits>;
}

/** User and group of the public HAProxy image. */
const HAPROXY_UID = 99;

/** Seconds in which everybody learns that a pod is going, while it still takes connections. */
const FAREWELL_SECONDS = 5;

/**
 * Memory: an idle process measured 26 MiB, its master 20, and an idle connection with TLS 25 KiB (HAProxy 3.2); one that is at
 * work has four buffers of 16 KiB besides. Tables take 10, and a reload has two processes side by side.
 */
const MEMORY = { base: 96, perConnectionKiB: 100 } as const;

/** Port that clients connect to, port of health and metrics, and the switch's, on the pod's own loopback. */
const PORTS = { https: 443, http: 8404, admin: 9999 } as const;

/**
 * The bridge's entry: TLS in front of a program that speaks none, limits for whoever asks too much, health by what the
 * bridge says of itself, and a switch for emergencies.
 *
 * @example
 * const edge = new BridgeEdge(namespace, 'edge', { image, backend: bridge.api, authority, domain: 'bridge.example.com' });
 * agent.connections.allowTo(edge.https);
 */
export class BridgeEdge extends Construct {
  readonly connections: Connections;
  /** HTTPS and WebSockets over TLS. */
  readonly https: Endpoint;
  readonly http: Endpoint;
  readonly limits: EdgeLimits;
  private readonly authority: CertificateAuthority;

  constructor(scope: Construct, id: string, props: BridgeEdgeProps) {
    super(scope, id);
    const { image, backend, authority, domain, replicas = 2, spreading = 'required' } = props;
    const { clientCertificates = 'required', sessions = 'one-process', entry } = props;
    const limits = { ...EDGE_LIMITS, ...props.limits };
    this.check(replicas, limits);
    this.limits = limits;
    this.authority = authority;

    // A client stays with one pod, so that its limits are what they say.
    this.connections = new Connections(this, {
      name: 'haproxy',
      component: 'edge',
      service: 'sticky',
    });
    this.https = this.connections.listen('https', PORTS.https);
    this.http = this.connections.listen('http', PORTS.http, { metricsPath: '/metrics' });
    this.connections.allowTo(backend);
    const { hostnames, ...opened } = openEntry(this.https, this.connections, domain, entry);

    const { files, generated } = edgePayloads({
      limits,
      clientCertificates,
      sessions,
      backend,
      ports: { ...PORTS, ...opened },
    });
    const config = new ConfigFiles(this, 'Config', __dirname, files, generated);
    const tls = authority.issue(this.connections, {}, hostnames);
    const account = withoutToken(this);
    new Deployment(this, 'Resource', {
      spec: {
        replicas,
        strategy: oneAtATime(replicas),
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: {
              ...restrictedPod(HAPROXY_UID),
              sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: String(PORTS.https) }],
            },
            topologySpreadConstraints: spread(this.connections, spreading),
            terminationGracePeriodSeconds: FAREWELL_SECONDS + stopSeconds(limits) + 5,
            containers: [this.container(image, limits)],
            volumes: [
              config.volume('config'),
              tls.volume('tls'),
              trustVolume('trust'),
              { name: 'mode', configMap: { name: `${objectName(this)}-mode`, optional: true } },
              { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            ],
          },
        },
      },
    });
    if (replicas > 1) {
      new PodDisruptionBudget(this, 'Budget', {
        metadata: { name: objectName(this) },
        spec: { maxUnavailable: 1, selector: { matchLabels: this.connections.labels } },
      });
    }
  }

  /**
   * A certificate for an agent that runs elsewhere, in the Secret `<edge>-agent-<name>`: a person hands it over, and again when it
   * was renewed. Its common name is the agent's, and stands in the log as the client.
   */
  admit(agent: string): TlsSecret {
    return this.authority.client(this, `Agent-${agent}`, agent);
  }

  private container(image: string, { connections }: EdgeLimits): Container {
    const memory = MEMORY.base + Math.ceil((connections * MEMORY.perConnectionKiB) / 1024);
    const healthy = { httpGet: { path: '/healthz', port: this.http.name }, timeoutSeconds: 2 };
    return {
      name: 'haproxy',
      image,
      command: ['/bin/sh', '/config/start-haproxy.sh'],
      ports: this.connections.containerPorts(...this.connections.endpoints),
      startupProbe: { ...healthy, periodSeconds: 1, failureThreshold: 30 },
      // Also follows the certificate and the mode, see the script.
      livenessProbe: {
        exec: { command: ['/bin/sh', '/config/live-haproxy.sh'] },
        timeoutSeconds: 10,
        periodSeconds: 10,
      },
      // Whether the bridge is up is no reason to leave the Service: all would leave at once, and nobody would say why.
      readinessProbe: { ...healthy, periodSeconds: 5 },
      lifecycle: { preStop: { exec: { command: ['/bin/sleep', String(FAREWELL_SECONDS)] } } },
      securityContext: RESTRICTED,
      resources: resources({ cpu: '100m', memory: `${memory}Mi` }),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'mode', mountPath: '/mode', readOnly: true },
        { name: 'run', mountPath: '/run/haproxy' },
      ],
    };
  }

  private check(replicas: number, { routes, ...numbers }: EdgeLimits): void {
    const all = { replicas, ...numbers, ...routes };
    for (const [name, value] of Object.entries(all)) {
      if (!Number.isInteger(value) || value < 1) {
        throw new Error(`${this.node.path}: ${name} must be a whole number of at least 1, got ${value}`);
      }
    }
    const { writeFailures, agentRequests } = numbers;
    if (writeFailures <= agentRequests) {
      throw new Error(
        `${this.node.path}: writeFailures must be more than agentRequests ${agentRequests}, ` +
          `so that no agent ends the writing of all, got ${writeFailures}`,
      );
    }
  }
}
