import { Construct } from 'constructs';
import { Container, Deployment, PodDisruptionBudget } from '../../imports/k8s';
import { CertificateAuthority, trustVolume } from '../certificate-authority';
import { Credential } from '../credentials';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
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
import { Members, START_SECONDS } from './members';
import { proxyPayloads } from './payloads';

export interface ProxyProps {
  readonly images: { readonly proxy: string };
  readonly proxies: number;
  readonly spreading: Spreading;
  readonly authority: CertificateAuthority;
  /** Whom it leads clients to. */
  readonly group: Members;
  /** The account of its checks. */
  readonly probe: Credential;
}

/** User and group of the public HAProxy image. */
const HAPROXY_UID = 99;

/**
 * Connections that one proxy accepts, and the memory for them: a connection passed through costs some 35 KiB
 * (two buffers of 16 KiB), the program itself some 30 MiB.
 */
const CAPACITY = { connections: 1000, memory: '96Mi' } as const;

/** HAProxy pods that lead clients to the master and nowhere else. */
export class Proxy extends Construct {
  readonly connections = new Connections(this, { name: 'haproxy', component: 'proxy' });
  readonly redis = this.connections.listen('redis', 6379, { clientAuthority: 'platform' });
  readonly http = this.connections.listen('http', 8404, { metricsPath: '/metrics' });
  /** Connections that the proxies accept, all together, with one of several gone. */
  readonly clientConnections: number;

  constructor(scope: Construct, id: string, props: ProxyProps) {
    super(scope, id);
    const { images, proxies, spreading, authority, group, probe } = props;
    this.clientConnections = CAPACITY.connections * Math.max(proxies - 1, 1);
    this.connections.allowTo(group.redis, group.sentinel);
    group.connections.answersFor(this.redis);

    const config = new ConfigFiles(
      this,
      'Proxy',
      __dirname,
      proxyPayloads({ ...group.group, maxConnections: CAPACITY.connections }),
    );
    const tls = authority.issue(this.connections);
    const account = withoutToken(this);
    new Deployment(this, 'Resource', {
      spec: {
        replicas: proxies,
        strategy: oneAtATime(proxies),
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(HAPROXY_UID),
            topologySpreadConstraints: spread(this.connections, spreading),
            // Its own way to stop takes 25 s, see haproxy.cfg.
            terminationGracePeriodSeconds: 30,
            containers: [this.container(images.proxy)],
            volumes: [
              config.volume('config'),
              { name: 'secrets', projected: { defaultMode: 0o440, sources: [probe.file(probe.user)] } },
              tls.volume('tls'),
              trustVolume('trust'),
              { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            ],
          },
        },
      },
    });
    if (proxies > 1) {
      new PodDisruptionBudget(this, 'Budget', {
        metadata: { name: objectName(this) },
        spec: { maxUnavailable: 1, selector: { matchLabels: this.connections.labels } },
      });
    }
  }

  private container(image: string): Container {
    const http = (path: string) => ({ httpGet: { path, port: this.http.name }, timeoutSeconds: 2 });
    return {
      name: 'haproxy',
      image,
      command: ['/bin/sh', '/config/start-haproxy.sh'],
      ports: this.connections.containerPorts(this.redis, this.http),
      livenessProbe: {
        exec: { command: ['/bin/sh', '/config/live-haproxy.sh'] },
        timeoutSeconds: 5,
        periodSeconds: 10,
      },
      // It takes clients from when it first knows a master. Afterwards a failover is no reason to leave the Service: all
      // proxies would at once, and come back later than the master.
      startupProbe: { ...http('/master'), periodSeconds: 2, failureThreshold: START_SECONDS / 2 },
      readinessProbe: { ...http('/healthz'), periodSeconds: 5 },
      securityContext: RESTRICTED,
      resources: resources({ cpu: '20m', memory: CAPACITY.memory }),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'secrets', mountPath: '/secrets', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'run', mountPath: '/run/haproxy' },
      ],
    };
  }
}
