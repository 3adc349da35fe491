import type { Connections } from '../constructs/platform/connections';
import { containersOf, spec } from '../constructs/platform/workloads';
import type { PodMonitorSpec } from '../imports/monitoring.coreos.com';
import type { ContainerPort, Probe, ServiceSpec } from '../imports/k8s';
import { inventoryOf, PodSource } from '../synth/inventory';
import type { PlatformObject } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';

/**
 * Behind every declared endpoint, every Service port, every scraped port and every probe by name, a container listens,
 * on the very port that the network policies open.
 */
export const ports: Guarantee = {
  name: 'ports',
  check: (platform) => {
    const { pods } = inventoryOf(platform);
    const services = platform.objects.filter(({ manifest }) => manifest.kind === 'Service');
    const monitors = platform.objects.filter(({ manifest }) => manifest.kind === 'PodMonitor');
    return {
      findings: [
        ...platform.connections.flatMap((own) => unheard(own, pods)),
        ...services.flatMap((service) => unserved(service, pods)),
        ...monitors.flatMap((monitor) => unscraped(monitor, pods)),
        ...pods.flatMap((source) => [...unprobed(source), ...clashing(source)]),
      ],
      facts: [
        {
          subject: 'endpoints that a container listens on',
          figure: String(platform.connections.reduce((sum, { endpoints }) => sum + endpoints.length, 0)),
        },
      ],
    };
  },
};

/**
 * Ports of the pods that operators make (CloudNativePG 1.30: pkg/specs/pods.go, pkg/specs/pgbouncer/deployments.go).
 */
const OPERATOR_PORTS: Readonly<Record<string, readonly ContainerPort[]>> = {
  Cluster: [
    { name: 'postgresql', containerPort: 5432 },
    { name: 'metrics', containerPort: 9187 },
    { name: 'status', containerPort: 8000 },
  ],
  Pooler: [
    { name: 'pgbouncer', containerPort: 5432 },
    { name: 'metrics', containerPort: 9127 },
  ],
};

function portsOf({ workload: { manifest, pod } }: PodSource): readonly ContainerPort[] {
  const declared = pod ? containersOf(pod).flatMap((container) => container.ports ?? []) : [];
  return [...(OPERATOR_PORTS[manifest.kind] ?? []), ...declared];
}

function selected(
  namespace: string | undefined,
  labels: Readonly<Record<string, string>>,
  pods: readonly PodSource[],
): PodSource[] {
  return pods.filter(
    (source) =>
      source.namespace === namespace &&
      Object.entries(labels).every(([key, value]) => source.workload.labels[key] === value),
  );
}

/** Endpoints that no container listens on: policies would open a port behind which there is nothing. */
function unheard(own: Connections, pods: readonly PodSource[]): Finding[] {
  return selected(own.namespace, own.labels, pods).flatMap((source) =>
    own.endpoints
      .filter(
        ({ port, protocol }) =>
          !portsOf(source).some(
            (there) => there.containerPort === port && (there.protocol ?? 'TCP') === protocol,
          ),
      )
      .map(({ name, port }) => ({
        path: source.object.path,
        cause: `endpoint ${name} (${port}): no container of ${nameOf(source)} listens on it, only ${list(portsOf(source))}`,
        remedy: 'give the container that listens connections.containerPorts(endpoint)',
      })),
  );
}

/** Ports of Services that lead nowhere, or past what the policies open. */
function unserved({ path, manifest, connections }: PlatformObject, pods: readonly PodSource[]): Finding[] {
  const { selector, ports: served = [] } = spec<ServiceSpec>(manifest);
  if (!selector) return [];
  const subject = `Service ${manifest.metadata.namespace}/${manifest.metadata.name}`;
  return selected(manifest.metadata.namespace, selector, pods).flatMap((source) =>
    served.flatMap(({ name, port, targetPort = port }) => {
      const behind = portsOf(source).find(
        (there) => there.name === targetPort || there.containerPort === targetPort,
      );
      if (!behind) {
        return [
          {
            path,
            cause: `${subject}: port ${port} leads to ${targetPort}, but ${nameOf(source)} has ${list(portsOf(source))}`,
            remedy: 'give the container that listens connections.containerPorts(endpoint)',
          },
        ];
      }
      const endpoint = connections?.endpoints.find((each) => each.name === name);
      if (!endpoint || endpoint.port === behind.containerPort) return [];
      return [
        {
          path,
          cause: `${subject}: port ${name} leads to ${behind.containerPort}, but the policies open ${endpoint.port}`,
          remedy:
            'let the container listen on the port of its endpoint: connections.containerPorts(endpoint)',
        },
      ];
    }),
  );
}

function unscraped({ path, manifest }: PlatformObject, pods: readonly PodSource[]): Finding[] {
  const { selector, podMetricsEndpoints = [] } = spec<PodMonitorSpec>(manifest);
  return selected(manifest.metadata.namespace, selector.matchLabels ?? {}, pods).flatMap((source) =>
    podMetricsEndpoints
      .filter(({ port }) => !portsOf(source).some(({ name }) => name === port))
      .map(({ port }) => ({
        path,
        cause: `PodMonitor ${manifest.metadata.name}: ${nameOf(source)} has no port ${port}, only ${list(portsOf(source))}`,
        remedy: 'give the container that listens connections.containerPorts(endpoint)',
      })),
  );
}

/** Probes and hooks by a port's name: it must be the container's own. */
function unprobed(source: PodSource): Finding[] {
  const { pod, manifest } = source.workload;
  if (!pod) return [];
  return containersOf(pod).flatMap(({ name, ports: declared = [], ...container }) => {
    const own = [...(OPERATOR_PORTS[manifest.kind] ?? []), ...declared];
    const probes: readonly (Probe | undefined)[] = [
      container.startupProbe,
      container.readinessProbe,
      container.livenessProbe,
    ];
    return probes
      .map((probe) => probe?.httpGet?.port ?? probe?.tcpSocket?.port)
      .filter((port) => typeof port === 'string' && !own.some((there) => there.name === port))
      .map((port) => ({
        path: source.object.path,
        cause: `${nameOf(source)}: container ${name} is probed on port "${port}", and has ${list(own)}`,
        remedy: 'give the container the port, or probe one that it has',
      }));
  });
}

/** Containers of one pod share its address. */
function clashing(source: PodSource): Finding[] {
  if (source.workload.manifest.kind in OPERATOR_PORTS) return [];
  const all = portsOf(source).map(({ containerPort, protocol = 'TCP' }) => `${protocol} ${containerPort}`);
  return [...new Set(all.filter((port, index) => all.indexOf(port) < index))].map((port) => ({
    path: source.object.path,
    cause: `${nameOf(source)}: two containers of one pod listen on ${port}`,
    remedy: 'give one of them another port',
  }));
}

function nameOf({ object: { manifest }, namespace }: PodSource): string {
  return `${manifest.kind} ${namespace}/${manifest.metadata.name}`;
}

function list(own: readonly ContainerPort[]): string {
  return own.map(({ name, containerPort }) => `${name ?? '-'} (${containerPort})`).join(', ') || 'no ports';
}
