import { Construct } from 'constructs';
import { Deployment } from '../../../imports/k8s';
import { Probe } from '../../../imports/monitoring.coreos.com';
import { CertificateAuthority, trustVolume } from '../../certificate-authority';
import { ConfigFiles } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import type { Endpoint } from '../../platform/endpoint';
import type { AddressRange } from '../../platform/peer';
import { oneAtATime, resources, RESTRICTED, restrictedPod, withoutToken } from '../../platform/pod';

export interface BlackboxProps {
  readonly image: string;
  readonly authority: CertificateAuthority;
}

/** How a service is looked at. */
export interface ServiceProbe {
  /**
   * `http(s)`: an answer of 200 to 299; `tcp`: a connection; `tls`: one whose certificate is
   * verified; `operational`: an answer whose JSON says that its status is that.
   */
  readonly module: 'http' | 'https' | 'operational' | 'tcp' | 'tls';
  /**
   * Path that is asked for, where the module is one of HTTP.
   * @default '/'
   */
  readonly path?: string;
}

/** How the modules that speak HTTP speak it. */
const SCHEMES: Readonly<Partial<Record<ServiceProbe['module'], 'http' | 'https'>>> = {
  http: 'http',
  https: 'https',
  operational: 'http',
};

/** User `nobody`; the public image says so by name, which the kubelet cannot check. */
const UID = 65534;

/** Looks at every service from outside, as its clients do. */
export class Blackbox extends Construct {
  readonly connections = new Connections(this, { name: 'blackbox-exporter', component: 'prober' });
  readonly endpoint = this.connections.listen('http', 9115, { metricsPath: '/metrics' });
  private readonly names = new Map<string, number>();

  constructor(scope: Construct, id: string, props: BlackboxProps) {
    super(scope, id);
    const config = new ConfigFiles(this, 'Config', __dirname, { 'blackbox.yaml': {} });
    const tls = props.authority.issue(this.connections);
    const account = withoutToken(this);
    const probe = { httpGet: { path: '/-/healthy', port: this.endpoint.name }, timeoutSeconds: 5 };
    new Deployment(this, 'Resource', {
      spec: {
        replicas: 1,
        strategy: oneAtATime(1),
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            terminationGracePeriodSeconds: 10,
            securityContext: restrictedPod(UID),
            containers: [
              {
                name: 'blackbox-exporter',
                image: props.image,
                args: ['--config.file=/config/blackbox.yaml', `--web.listen-address=:${this.endpoint.port}`],
                ports: this.connections.containerPorts(this.endpoint),
                readinessProbe: probe,
                livenessProbe: { ...probe, periodSeconds: 30 },
                securityContext: RESTRICTED,
                resources: resources({ cpu: '10m', memory: '48Mi' }),
                volumeMounts: [
                  { name: 'config', mountPath: '/config', readOnly: true },
                  { name: 'tls', mountPath: '/tls', readOnly: true },
                  { name: 'trust', mountPath: '/trust', readOnly: true },
                ],
              },
            ],
            volumes: [config.volume('config'), tls.volume('tls'), trustVolume('trust')],
          },
        },
      },
    });
  }

  /** Names of the services that are probed. */
  get services(): string[] {
    return [...this.names.keys()];
  }

  /** Probes an endpoint of the platform; its `probe_success` carries the label `service`. */
  probe(service: string, endpoint: Endpoint, { module, path = '/' }: ServiceProbe): void {
    this.connections.watch(endpoint);
    const scheme = SCHEMES[module];
    const target = scheme === undefined ? endpoint.address : `${endpoint.url(scheme)}${path}`;
    this.declare(service, module, target);
  }

  /** Probes a service of a provider, over TLS by public roots. */
  probeOutside(service: string, host: string, range: AddressRange): void {
    this.connections.allowToRange(range);
    this.declare(service, 'public', `${host}:${range.port}`);
  }

  /** A service may be looked at in several places; it is healthy when all of them are. */
  private declare(service: string, module: string, target: string): void {
    const count = (this.names.get(service) ?? 0) + 1;
    this.names.set(service, count);
    const id = count === 1 ? service : `${service}-${count}`;
    new Probe(this, `Probe-${id}`, {
      metadata: { name: id },
      spec: {
        jobName: 'probe',
        prober: { url: this.endpoint.address, scheme: 'http', path: '/probe' },
        module,
        interval: '30s',
        scrapeTimeout: '10s',
        targets: { staticConfig: { static: [target], labels: { service } } },
      },
    });
  }
}
