import type { Container, ContainerPort, PodSpec, PodTemplateSpec, Probe } from '../../imports/k8s';
import type { Manifest } from './manifest';
import { RESTRICTED } from './pod';

/** What prometheus-operator reads of its custom resources, as far as room, placement and policies follow from it. */
interface OperatedSpec {
  readonly image?: string;
  readonly portName?: string;
  readonly replicas?: number;
  readonly shards?: number;
  readonly resources?: Container['resources'];
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: PodSpec['volumes'];
  readonly securityContext?: PodSpec['securityContext'];
  readonly affinity?: PodSpec['affinity'];
  readonly topologySpreadConstraints?: PodSpec['topologySpreadConstraints'];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly priorityClassName?: string;
  readonly nodeSelector?: PodSpec['nodeSelector'];
  readonly tolerations?: PodSpec['tolerations'];
  readonly podMetadata?: PodTemplateSpec['metadata'];
  readonly web?: { readonly tlsConfig?: unknown };
}

/** What differs between the programs that prometheus-operator runs. */
interface Program {
  readonly name: string;
  readonly port: number;
  readonly morePorts: readonly ContainerPort[];
  readonly gracePeriodSeconds: number;
  /** Whether it has time to read its volume before it must answer. */
  readonly startupProbe?: Pick<Probe, 'periodSeconds' | 'failureThreshold'>;
  readonly livenessProbe: Pick<Probe, 'periodSeconds' | 'failureThreshold'>;
  /** Whether a token of the API server is mounted where nothing is said. */
  readonly automount?: true;
  labels(name: string): Readonly<Record<string, string>>;
}

/** As prometheus-operator 0.93 has it: pkg/prometheus/server and pkg/alertmanager, statefulset.go and operator.go each. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  Prometheus: {
    name: 'prometheus',
    port: 9090,
    morePorts: [],
    gracePeriodSeconds: 600,
    startupProbe: { periodSeconds: 15, failureThreshold: 60 },
    livenessProbe: { periodSeconds: 5, failureThreshold: 6 },
    automount: true,
    labels: (name) => ({ prometheus: name, 'operator.prometheus.io/name': name }),
  },
  Alertmanager: {
    name: 'alertmanager',
    port: 9093,
    morePorts: [
      { name: 'mesh-tcp', containerPort: 9094 },
      { name: 'mesh-udp', containerPort: 9094, protocol: 'UDP' },
    ],
    gracePeriodSeconds: 120,
    livenessProbe: { periodSeconds: 10, failureThreshold: 10 },
    labels: (name) => ({ alertmanager: name }),
  },
};

/**
 * The container that watches the configuration and lets the program read it again, of the operator's own image. Its
 * resources are those of the operator's flags (cmd/operator/main.go) unless the resource says otherwise, which counts
 * wherever the operator comes from.
 */
const RELOADER: Container = {
  name: 'config-reloader',
  ports: [{ name: 'reloader-web', containerPort: 8080 }],
  resources: { requests: { cpu: '10m', memory: '50Mi' }, limits: { memory: '50Mi' } },
  securityContext: RESTRICTED,
};

/** The same program, which writes the configuration before the first start and ends. */
const FIRST_RELOADER: Container = {
  ...RELOADER,
  name: 'init-config-reloader',
  ports: [{ name: 'reloader-init', containerPort: 8081 }],
};

/** The pods that prometheus-operator makes of a Prometheus or an Alertmanager: how many, and of which template. */
export interface Operated {
  /** Name of the StatefulSet; the shards of a Prometheus, taken together here, have one each. */
  readonly name: string;
  readonly replicas: number;
  readonly template: PodTemplateSpec;
}

/**
 * What the operator makes of a custom resource.
 * @throws Error where it is not one of its kinds
 */
export function operatedBy({ kind, metadata: { name }, spec }: Manifest): Operated {
  const program = PROGRAMS[kind];
  if (!program) throw new Error(`prometheus-operator makes no pods of ${kind} ${name}`);
  const own = spec as OperatedSpec;
  const { podMetadata = {}, replicas = 1, shards = 1 } = own;
  return {
    name: `${program.name}-${name}`,
    replicas: replicas * shards,
    template: {
      metadata: {
        annotations: podMetadata.annotations,
        labels: {
          ...podMetadata.labels,
          'app.kubernetes.io/name': program.name,
          'app.kubernetes.io/instance': name,
          'app.kubernetes.io/managed-by': 'prometheus-operator',
          ...program.labels(name),
        },
      },
      spec: podOf(program, own),
    },
  };
}

function podOf(program: Program, own: OperatedSpec): PodSpec {
  return {
    automountServiceAccountToken: own.automountServiceAccountToken ?? program.automount,
    serviceAccountName: own.serviceAccountName,
    terminationGracePeriodSeconds: own.terminationGracePeriodSeconds ?? program.gracePeriodSeconds,
    priorityClassName: own.priorityClassName,
    nodeSelector: own.nodeSelector,
    tolerations: own.tolerations,
    affinity: own.affinity,
    topologySpreadConstraints: own.topologySpreadConstraints,
    securityContext: own.securityContext,
    volumes: own.volumes,
    initContainers: merged([FIRST_RELOADER], own.initContainers),
    containers: merged([mainContainer(program, own), RELOADER], own.containers),
  };
}

function mainContainer(program: Program, own: OperatedSpec): Container {
  const { portName = 'web', web, image, resources } = own;
  const probe = (path: string): Probe => ({
    httpGet: { path, port: portName, ...(web?.tlsConfig ? { scheme: 'HTTPS' } : {}) },
    timeoutSeconds: 3,
  });
  const { startupProbe } = program;
  return {
    name: program.name,
    image,
    resources,
    ports: [{ name: portName, containerPort: program.port }, ...program.morePorts],
    securityContext: RESTRICTED,
    ...(startupProbe ? { startupProbe: { ...probe('/-/ready'), ...startupProbe } } : {}),
    livenessProbe: { ...probe('/-/healthy'), ...program.livenessProbe },
    readinessProbe: { ...probe('/-/ready'), periodSeconds: 5 },
  };
}

/** The operator's containers with what the resource changes in those of the same name, then the resource's own. */
function merged(made: readonly Container[], changes: readonly Container[] = []): Container[] {
  const changed = made.map((container) => {
    const change = changes.find(({ name }) => name === container.name);
    return change ? { ...container, ...change, resources: both(container, change) } : container;
  });
  return [...changed, ...changes.filter(({ name }) => made.every((container) => container.name !== name))];
}

function both({ resources: made = {} }: Container, { resources = {} }: Container): Container['resources'] {
  return {
    requests: { ...made.requests, ...resources.requests },
    limits: { ...made.limits, ...resources.limits },
  };
}
