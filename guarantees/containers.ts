import { isDeepStrictEqual } from 'node:util';
import type { ObjectStoreSpec } from '../imports/barmancloud.cnpg.io';
import type { Container, CronJobSpec, JobSpec, PodSpec, Probe, ResourceRequirements } from '../imports/k8s';
import type { ClusterSpec } from '../imports/postgresql.cnpg.io';
import { NO_LIVENESS, SIDECARS } from '../constructs/platform/labels';
import { parseQuantity } from '../constructs/platform/quantity';
import { containersOf, spec } from '../constructs/platform/workloads';
import { inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';

/**
 * Every container says what it needs and may use; what runs for long is started again when it hangs and is sent nothing
 * before it is ready; what runs to an end comes to one.
 */
export const containers: Guarantee = {
  name: 'containers',
  check: (platform) => {
    const { pods } = inventoryOf(platform);
    const findings = pods.flatMap((source) => [...podFindings(source), ...jobFindings(source)]);
    const templates = pods.flatMap(({ workload }) => workload.pod ?? []);
    const count = templates.reduce((sum, pod) => sum + containersOf(pod).length, 0);
    const probes = templates.flatMap(containersOf).flatMap(probesOf).length;
    return {
      findings: [...findings, ...operatorFindings(platform)],
      facts: [
        { subject: 'containers with requests and memory limit', figure: String(count) },
        { subject: 'probes', figure: String(probes) },
      ],
    };
  },
};

/** A container that reads a volume at its start may take so many seconds before it is killed for not answering. */
const READING_SECONDS = 60;

interface Subject {
  readonly path: string;
  /** As in `container redis of StatefulSet redis/cache-members`. */
  readonly name: string;
}

function podFindings({ object, workload, namespace }: PodSource): Finding[] {
  const { pod } = workload;
  if (!pod) return [];
  const { kind, metadata } = object.manifest;
  const owner = `${kind} ${namespace}/${metadata.name}`;
  const annotations = templateAnnotations(object.manifest);
  const long = new Set(runsLong(kind) ? [...pod.containers, ...sidecarsOf(pod)] : []);
  const claims = claimsOf(object.manifest, pod);
  return containersOf(pod).flatMap((container) => {
    const subject = { path: object.path, name: `container ${container.name} of ${owner}` };
    return [
      ...resourceFindings(subject, container.resources),
      ...probesOf(container).flatMap(([which, probe]) => probeFindings(subject, which, probe, pod)),
      ...(long.has(container) && !isOperators(kind, container)
        ? livenessFindings(subject, container, annotations, claims)
        : []),
    ];
  });
}

const runsLong = (kind: string): boolean => kind !== 'Job' && kind !== 'CronJob';

/** CloudNativePG puts its own readiness probe on this one (pkg/specs/pgbouncer/deployments.go). */
function isOperators(kind: string, { name, livenessProbe }: Container): boolean {
  return kind === 'Pooler' && name === 'pgbouncer' && livenessProbe !== undefined;
}

function sidecarsOf({ initContainers = [] }: PodSpec): Container[] {
  return initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
}

type Manifest = Platform['objects'][number]['manifest'];

interface Annotated {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Annotations of the pods, where a custom resource of prometheus-operator states them too. */
function templateAnnotations(manifest: Manifest): Readonly<Record<string, string>> {
  const { template, podMetadata } = spec<{ template?: { metadata?: Annotated }; podMetadata?: Annotated }>(
    manifest,
  );
  return (template?.metadata ?? podMetadata)?.annotations ?? {};
}

/** Names of volumes that keep data. */
function claimsOf(manifest: Manifest, pod: PodSpec): ReadonlySet<string> {
  const { volumeClaimTemplates = [] } = spec<{
    volumeClaimTemplates?: readonly { metadata?: { name?: string } }[];
  }>(manifest);
  const mounted = (pod.volumes ?? [])
    .filter((volume) => volume.persistentVolumeClaim)
    .map(({ name }) => name);
  return new Set([...volumeClaimTemplates.flatMap(({ metadata }) => metadata?.name ?? []), ...mounted]);
}

function resourceFindings({ path, name }: Subject, resources: ResourceRequirements = {}): Finding[] {
  const { requests = {}, limits = {} } = resources;
  const missing = [
    ...['cpu', 'memory']
      .filter((resource) => !(resource in requests))
      .map((resource) => `requests.${resource}`),
    ...('memory' in limits ? [] : ['limits.memory']),
  ];
  if (missing.length > 0) {
    return [
      {
        path,
        cause: `${name} has no ${missing.join(', no ')}`,
        remedy: 'write resources: resources({ cpu, memory })',
      },
    ];
  }
  return ['cpu', 'memory'].flatMap((resource) => {
    const [request, limit] = [requests[resource], limits[resource]];
    if (request === undefined || limit === undefined || parseQuantity(request) <= parseQuantity(limit))
      return [];
    return {
      path,
      cause: `${name} requests ${request} of ${resource} above its limit of ${limit}`,
      remedy: 'request no more than the limit',
    };
  });
}

type NamedProbe = readonly ['startup' | 'liveness' | 'readiness', Probe];

function probesOf({ startupProbe, livenessProbe, readinessProbe }: Container): NamedProbe[] {
  return [
    ...(startupProbe ? [['startup', startupProbe] as const] : []),
    ...(livenessProbe ? [['liveness', livenessProbe] as const] : []),
    ...(readinessProbe ? [['readiness', readinessProbe] as const] : []),
  ];
}

function probeFindings({ path, name }: Subject, which: NamedProbe[0], probe: Probe, pod: PodSpec): Finding[] {
  if (probe.exec) {
    if ((probe.timeoutSeconds ?? 1) > 1) return [];
    return [
      {
        path,
        cause: `the ${which} probe of ${name} starts a program and gives it 1 s`,
        remedy: 'write timeoutSeconds: 5 or more: starting a program takes longer on a busy node',
      },
    ];
  }
  // A port by name is the guarantee of ports' business; by number it counts within the pod.
  const port = probe.httpGet?.port ?? probe.tcpSocket?.port ?? probe.grpc?.port;
  const there = containersOf(pod).flatMap(({ ports = [] }) =>
    ports.map(({ containerPort }) => containerPort),
  );
  if (typeof port !== 'number' || there.includes(port)) return [];
  return [
    {
      path,
      cause: `the ${which} probe of ${name} asks port ${port}, its pod has ${there.join(', ') || 'none'}`,
      remedy: 'ask a port that the container listens on: endpoint.name',
    },
  ];
}

function livenessFindings(
  { path, name }: Subject,
  container: Container,
  annotations: Readonly<Record<string, string>>,
  claims: ReadonlySet<string>,
): Finding[] {
  const { livenessProbe, readinessProbe, startupProbe, ports = [], volumeMounts = [] } = container;
  const reason = annotations[`${NO_LIVENESS}${container.name}`];
  const findings: Finding[] = [];
  if (!livenessProbe && !reason) {
    findings.push({
      path,
      cause: `${name} has no liveness probe and no reason for it: when it hangs, it hangs for ever`,
      remedy: `add one, or write why not as annotation ${NO_LIVENESS}${container.name} of the pod template`,
    });
  }
  if (livenessProbe && reason) {
    findings.push({
      path,
      cause: `${name} has a liveness probe and a reason for none: "${reason}"`,
      remedy: `remove the annotation ${NO_LIVENESS}${container.name}`,
    });
  }
  if (!readinessProbe && ports.length > 0) {
    findings.push({
      path,
      cause: `${name} listens and has no readiness probe: clients are sent to it before it answers`,
      remedy: 'add one',
    });
  }
  const reads = volumeMounts.some((mount) => claims.has(mount.name));
  if (livenessProbe && !startupProbe && reads && patience(livenessProbe) < READING_SECONDS) {
    findings.push({
      path,
      cause: `${name} reads a volume at its start and is killed after ${patience(livenessProbe)} s without an answer`,
      remedy: `add a startup probe that waits ${READING_SECONDS} s or longer`,
    });
  }
  return findings;
}

/** Seconds until the kubelet kills a container that never answers. */
function patience({ initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3 }: Probe): number {
  return initialDelaySeconds + periodSeconds * failureThreshold;
}

function jobFindings({ object: { path, manifest }, namespace }: PodSource): Finding[] {
  const isCron = manifest.kind === 'CronJob';
  if (!isCron && manifest.kind !== 'Job') return [];
  const name = `${manifest.kind} ${namespace}/${manifest.metadata.name}`;
  const cron = isCron ? spec<CronJobSpec>(manifest) : undefined;
  const job = (cron?.jobTemplate.spec ?? spec(manifest)) as JobSpec;
  const findings: Finding[] = [];
  if (job.backoffLimit === undefined) {
    findings.push({
      path,
      cause: `${name} does not say how often it is tried`,
      remedy: 'write backoffLimit',
    });
  }
  if (job.activeDeadlineSeconds === undefined && job.template.spec?.activeDeadlineSeconds === undefined) {
    findings.push({
      path,
      cause: `${name} has no end: a run that hangs keeps ${isCron ? 'all later runs' : 'its sync wave'} waiting for ever`,
      remedy: 'write activeDeadlineSeconds',
    });
  }
  if (cron && (cron.concurrencyPolicy ?? 'Allow') === 'Allow') {
    findings.push({
      path,
      cause: `runs of ${name} may overlap, without an end to how many`,
      remedy: 'write concurrencyPolicy: Forbid or Replace',
    });
  }
  return findings;
}

/** Containers that operators make: their resources are in the custom resources. */
function operatorFindings(platform: Platform): Finding[] {
  const { objects } = inventoryOf(platform);
  return platform.objects.flatMap(({ path, manifest }) => {
    if (manifest.kind !== 'Cluster') return [];
    const { namespace, name, annotations } = manifest.metadata;
    const { resources, plugins = [] } = spec<ClusterSpec>(manifest);
    const instance = { path, name: `container postgres of Cluster ${namespace}/${name}` };
    const stores = plugins.flatMap(({ parameters }) => parameters?.['barmanObjectName'] ?? []);
    return [
      ...resourceFindings(instance, resources),
      ...stores.flatMap((store) => {
        const found = objects.get(`ObjectStore/${namespace}/${store}`);
        if (!found) return [];
        const sidecar = spec<ObjectStoreSpec>(found.manifest).instanceSidecarConfiguration?.resources;
        const subject = {
          path: found.path,
          name: `container plugin-barman-cloud of ObjectStore ${namespace}/${store}`,
        };
        const announced = annotations?.[SIDECARS];
        const faults = resourceFindings(subject, sidecar);
        const announcement = JSON.parse(announced ?? '{}') as ResourceRequirements;
        if (faults.length > 0 || isDeepStrictEqual(announcement, sidecar)) return faults;
        return {
          path,
          cause: `Cluster ${namespace}/${name} announces ${announced ?? 'no resources'} for the backup container, which gets ${JSON.stringify(sidecar)}: quota and budget count another sum`,
          remedy: `write the same resources as annotation ${SIDECARS}`,
        };
      }),
    ];
  });
}
