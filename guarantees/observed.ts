import type { Connections } from '../constructs/platform/connections';
import type { Endpoint } from '../constructs/platform/endpoint';
import { spec } from '../constructs/platform/workloads';
import type { LabelSelector } from '../imports/k8s';
import type { PodMonitorSpec, ProbeSpec } from '../imports/monitoring.coreos.com';
import { inventoryOf } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import { selects } from './label-selector';

/**
 * Nothing runs unseen: every port with metrics is scraped, and every service is looked at from outside, by one of its own
 * endpoints or by that of the proxy in front of it.
 */
export const observed: Guarantee = {
  name: 'observation',
  check: (platform) => {
    const endpoints = platform.connections.flatMap((own) => own.endpoints);
    const metrics = endpoints.filter((endpoint) => endpoint.metrics !== undefined);
    const monitors = monitorsIn(platform);
    const probed = probedIn(platform);
    const services = servicesIn(platform);
    return {
      findings: [
        ...metrics.filter((endpoint) => !isScraped(endpoint, monitors)).map(unscraped),
        ...services.filter((own) => !isProbed(own, probed)).map(unprobed),
      ],
      facts: [
        { subject: 'ports with metrics, each scraped', figure: String(metrics.length) },
        { subject: 'sets of pods that serve something, each probed', figure: String(services.length) },
      ],
    };
  },
};

interface Monitor {
  readonly namespace: string;
  readonly selector: LabelSelector;
  readonly ports: ReadonlySet<string>;
}

function monitorsIn({ objects }: Platform): Monitor[] {
  return objects
    .filter(({ manifest }) => manifest.kind === 'PodMonitor')
    .map(({ manifest }) => {
      const { selector, podMetricsEndpoints = [] } = spec<PodMonitorSpec>(manifest);
      return {
        namespace: manifest.metadata.namespace ?? '',
        selector,
        ports: new Set(podMetricsEndpoints.flatMap(({ port }) => port ?? [])),
      };
    });
}

function isScraped({ owner, name }: Endpoint, monitors: readonly Monitor[]): boolean {
  return monitors.some(
    ({ namespace, selector, ports }) =>
      namespace === owner.namespace && ports.has(name) && selects(selector, owner.labels),
  );
}

/** `host:port` of everything that is looked at. */
function probedIn({ objects }: Platform): Set<string> {
  return new Set(
    objects
      .filter(({ manifest }) => manifest.kind === 'Probe')
      .flatMap(({ manifest }) => spec<ProbeSpec>(manifest).targets?.staticConfig?.static ?? [])
      .map((target) => target.replace(/^[a-z]+:\/\//, '').replace(/\/.*$/, '')),
  );
}

/**
 * Sets of pods that are always there and serve something besides metrics: where the scrape is all there is, it tells as
 * much as a probe would.
 */
function servicesIn(platform: Platform): Connections[] {
  const running = new Set(
    inventoryOf(platform)
      .pods.filter(({ workload }) => workload.replicas > 0)
      .map(({ object }) => object.connections),
  );
  return platform.connections.filter(
    (own) => running.has(own) && own.endpoints.some(({ metrics }) => metrics === undefined),
  );
}

function isProbed({ endpoints, fronts }: Connections, probed: ReadonlySet<string>): boolean {
  return [...endpoints, ...fronts].some(({ address }) => probed.has(address));
}

function unscraped(endpoint: Endpoint): Finding {
  return {
    path: endpoint.owner.construct.node.path,
    cause: `port ${endpoint.name} (${endpoint.port}) serves metrics at ${endpoint.metrics?.path ?? ''}, and nobody scrapes them`,
    remedy: 'call stack.scrape(…) in the observe function beside the construct',
  };
}

function unprobed({ construct, endpoints }: Connections): Finding {
  return {
    path: construct.node.path,
    cause: `serves ${endpoints.map(({ name, port }) => `${name} (${port})`).join(', ')}, and nobody looks whether it does`,
    remedy: 'call stack.probe(…) with one of its endpoints in the observe function beside the construct',
  };
}
