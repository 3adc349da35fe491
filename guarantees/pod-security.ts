import type {
  Container,
  Lifecycle,
  PodSpec,
  Probe,
  SecurityContext,
  SELinuxOptions,
  Volume,
} from '../imports/k8s';
import { containersOf } from '../constructs/platform/workloads';

/** A rule that a pod breaks. */
export interface Violation {
  /** The rule, in the words of the Pod Security Standards. */
  readonly control: string;
  readonly detail: string;
}

type Check = (pod: PodSpec, containers: readonly Container[]) => string[];

/**
 * The Pod Security level `restricted` as the admission plugin computes it (k8s.io/pod-security-admission/policy, one
 * check_*.go each; the newest version of every check, Windows left out).
 */
const RESTRICTED: Readonly<Record<string, Check>> = {
  'host namespaces': (pod) =>
    (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => pod[field] === true),
  privileged: (_, containers) =>
    naming(containers, ({ securityContext }) => (securityContext?.privileged ? 'privileged' : undefined)),
  capabilities: (_, containers) =>
    naming(containers, ({ securityContext }) => {
      const { add = [], drop = [] } = securityContext?.capabilities ?? {};
      if (!drop.includes('ALL')) return 'does not drop ALL';
      const forbidden = add.filter((capability) => capability !== 'NET_BIND_SERVICE');
      return forbidden.length > 0 ? `adds ${forbidden.join(', ')}` : undefined;
    }),
  'privilege escalation': (_, containers) =>
    naming(containers, ({ securityContext }) =>
      securityContext?.allowPrivilegeEscalation === false
        ? undefined
        : 'allowPrivilegeEscalation is not false',
    ),
  'host paths': (pod) =>
    volumesOf(pod).flatMap(({ name, hostPath }) => (hostPath ? `volume ${name}: ${hostPath.path}` : [])),
  'volume types': (pod) =>
    volumesOf(pod)
      .filter((volume) => !volume.hostPath && !VOLUME_TYPES.some((type) => volume[type]))
      .map(({ name }) => `volume ${name}`),
  'host ports': (_, containers) =>
    naming(containers, ({ ports = [] }) => {
      const taken = ports.flatMap(({ hostPort }) => hostPort ?? []).filter((port) => port !== 0);
      return taken.length > 0 ? taken.join(', ') : undefined;
    }),
  'probe hosts': (_, containers) =>
    naming(containers, (container) =>
      handlersOf(container)
        .map(hostOf)
        .find((host) => host !== undefined),
    ),
  'running as root': (pod, containers) => {
    const { runAsNonRoot, runAsUser } = pod.securityContext ?? {};
    return [
      ...(runAsUser === 0 ? ['the pod: runAsUser 0'] : []),
      ...naming(containers, ({ securityContext: own = {} }) => {
        if (own.runAsUser === 0) return 'runAsUser 0';
        return (own.runAsNonRoot ?? runAsNonRoot) === true ? undefined : 'runAsNonRoot is not true';
      }),
    ];
  },
  seccomp: (pod, containers) =>
    naming(containers, ({ securityContext }) => {
      const type = (securityContext?.seccompProfile ?? pod.securityContext?.seccompProfile)?.type;
      return type === 'RuntimeDefault' || type === 'Localhost' ? undefined : `profile ${type ?? 'none'}`;
    }),
  AppArmor: (pod, containers) =>
    contexts(pod, containers, ({ appArmorProfile }) =>
      appArmorProfile?.type === 'Unconfined' ? 'Unconfined' : undefined,
    ),
  SELinux: (pod, containers) =>
    contexts(pod, containers, ({ seLinuxOptions }) => (isPlain(seLinuxOptions) ? undefined : 'own options')),
  '/proc mount': (_, containers) =>
    naming(containers, ({ securityContext }) =>
      securityContext?.procMount === 'Unmasked' ? 'Unmasked' : undefined,
    ),
  sysctls: (pod) =>
    (pod.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !SYSCTLS.has(name)),
};

/** What the platform asks beyond it. */
const BEYOND: Readonly<Record<string, Check>> = {
  'user by number': (pod, containers) =>
    naming(containers, ({ securityContext }) =>
      (securityContext?.runAsUser ?? pod.securityContext?.runAsUser) === undefined
        ? 'no runAsUser: the kubelet refuses an image whose user is root or has a name'
        : undefined,
    ),
  'root file system': (_, containers) =>
    naming(containers, ({ securityContext }) =>
      securityContext?.readOnlyRootFilesystem === true ? undefined : 'readOnlyRootFilesystem is not true',
    ),
};

const VOLUME_TYPES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const satisfies readonly (keyof Volume)[];

const SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);

const SELINUX_TYPES: ReadonlySet<string> = new Set([
  '',
  'container_engine_t',
  'container_init_t',
  'container_kvm_t',
  'container_t',
]);

/** Rules that the admission plugin itself refuses a pod by, where its namespace enforces `restricted`. */
export const ADMISSION: ReadonlySet<string> = new Set(Object.keys(RESTRICTED));

/** How many rules there are. */
export const CONTROLS = Object.keys(RESTRICTED).length + Object.keys(BEYOND).length;

/** The rules that a pod breaks, each once with all that breaks it. */
export function violationsOf(pod: PodSpec): Violation[] {
  const containers = containersOf(pod);
  return Object.entries({ ...RESTRICTED, ...BEYOND }).flatMap(([control, check]) => {
    const details = check(pod, containers);
    return details.length > 0 ? { control, detail: details.join('; ') } : [];
  });
}

function naming(
  containers: readonly Container[],
  fault: (container: Container) => string | undefined,
): string[] {
  return containers.flatMap((container) => {
    const found = fault(container);
    return found === undefined ? [] : `container ${container.name}: ${found}`;
  });
}

function contexts(
  { securityContext = {} }: PodSpec,
  containers: readonly Container[],
  fault: (context: Pick<SecurityContext, 'appArmorProfile' | 'seLinuxOptions'>) => string | undefined,
): string[] {
  const pod = fault(securityContext);
  return [
    ...(pod === undefined ? [] : [`the pod: ${pod}`]),
    ...naming(containers, (container) => fault(container.securityContext ?? {})),
  ];
}

function isPlain({ type = '', user = '', role = '' }: SELinuxOptions = {}): boolean {
  return SELINUX_TYPES.has(type) && user === '' && role === '';
}

function volumesOf({ volumes = [] }: PodSpec): readonly Volume[] {
  return volumes;
}

type Handler = Pick<Probe, 'httpGet' | 'tcpSocket'>;

function handlersOf(container: Container): Handler[] {
  const { postStart, preStop }: Lifecycle = container.lifecycle ?? {};
  const { startupProbe, livenessProbe, readinessProbe } = container;
  return [startupProbe, livenessProbe, readinessProbe, postStart, preStop].flatMap((each) => each ?? []);
}

function hostOf({ httpGet, tcpSocket }: Handler): string | undefined {
  return (httpGet?.host ?? tcpSocket?.host) || undefined;
}
