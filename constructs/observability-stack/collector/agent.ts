import { join } from 'node:path';
import { Construct } from 'constructs';
import { parse, stringify } from 'yaml';
import { Container, DaemonSet, Volume } from '../../../imports/k8s';
import { CertificateAuthority, trustVolume } from '../../certificate-authority';
import { renderPayload } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import type { Endpoint } from '../../platform/endpoint';
import { NODES } from '../../platform/labels';
import { LateConfig } from '../../platform/late-config';
import { namespaceOf, objectName } from '../../platform/names';
import { resources, RESTRICTED, restrictedPod, withoutToken } from '../../platform/pod';
import { AGENT_SIZE, goMemory } from '../sizing';
import { agentConfig } from './agent-config';
import { containerParsers, LogSource, Operator } from './parsers';

export interface CollectorAgentProps {
  readonly image: string;
  /** Where lines are sent: OTLP by gRPC, over TLS. */
  readonly gateway: Endpoint;
  /** Nodes of the cluster; each runs one. */
  readonly nodes: number;
  readonly authority: CertificateAuthority;
}

/** User of the public image. */
const UID = 10001;

/**
 * Group of the container runtime's log files, which nobody but it and root may read (0640): containerd's always, CRI-O's
 * since conmon 2.1.13. So there is no need to be root.
 */
const GID = 0;

/** What it has read but not sent yet is sent within this. */
const GRACE_SECONDS = 30;

/**
 * Reads what the containers of a node write, makes fields of it, counts it and sends it to the gateway. Needs a namespace
 * where host paths are allowed.
 *
 * @example
 * agent.read({ namespace: 'redis', parser, counters: {}, tenant: 'platform' });
 */
export class CollectorAgent extends Construct {
  readonly connections = new Connections(this, { name: 'collector', component: 'agent' });
  /** Counters of lines, about the containers that wrote them. */
  private readonly metrics = this.connections.listen('metrics', 8889, {
    metricsPath: '/metrics',
    metricsScheme: 'https',
    metricsAbout: 'others',
  });
  private readonly own = this.connections.listen('own', 8888, { metricsPath: '/metrics' });
  private readonly sources: LogSource[] = [];

  constructor(scope: Construct, id: string, props: CollectorAgentProps) {
    super(scope, id);
    this.connections.allowTo(props.gateway);
    const others = parse(renderPayload(join(__dirname, 'others.yaml'))) as readonly Operator[];
    const config = new LateConfig(this, 'Config', () => ({
      'agent.yaml': stringify(
        agentConfig({
          gateway: props.gateway,
          sources: this.sources,
          others,
          own: `/var/log/pods/${namespaceOf(this)}_${objectName(this)}-*/*/*.log`,
          memory: AGENT_SIZE.memory,
          ports: { metrics: this.metrics.port, own: this.own.port },
        }),
        // The same list twice is written twice: whoever reads it need not look for an anchor.
        { aliasDuplicateObjects: false, lineWidth: 0 },
      ),
    }));
    const tls = props.authority.issue(this.connections);
    const account = withoutToken(this);
    new DaemonSet(this, 'Resource', {
      metadata: { annotations: { [NODES]: String(props.nodes) } },
      spec: {
        selector: { matchLabels: this.connections.labels },
        // The new one reads before the old one ends: no line falls between them.
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(UID, GID),
            terminationGracePeriodSeconds: GRACE_SECONDS,
            // Every node has containers that write, whatever else it is kept for.
            tolerations: [{ operator: 'Exists' }],
            containers: [this.container(props.image)],
            volumes: [LOGS, STATE, config.volume('config'), tls.volume('tls'), trustVolume('trust')],
          },
        },
      },
    });
  }

  /**
   * Makes fields of the lines of a namespace's containers.
   * @throws Error where a container has another parser already
   */
  read(source: LogSource): void {
    this.sources.push(source);
    containerParsers(this.sources);
  }

  private container(image: string): Container {
    const probe = { httpGet: { path: '/metrics', port: this.own.name }, timeoutSeconds: 5 };
    return {
      name: 'collector',
      image,
      args: ['--config=/config/agent.yaml'],
      env: [{ name: 'GOMEMLIMIT', value: goMemory(AGENT_SIZE.memory) }],
      ports: this.connections.containerPorts(this.metrics, this.own),
      readinessProbe: probe,
      livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 6 },
      securityContext: RESTRICTED,
      resources: resources(AGENT_SIZE),
      volumeMounts: [
        { name: 'logs', mountPath: '/var/log/pods', readOnly: true },
        { name: 'state', mountPath: '/state' },
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
      ],
    };
  }
}

/** What containers write, by pod. */
const LOGS: Volume = { name: 'logs', hostPath: { path: '/var/log/pods', type: 'Directory' } };

/** Up to where each file was read: outlives the container. A folder of the node would outlive the pod, but only root could write to it. */
const STATE: Volume = { name: 'state', emptyDir: { sizeLimit: '64Mi' } };
