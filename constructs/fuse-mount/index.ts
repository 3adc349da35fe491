import { Construct } from 'constructs';
import type { Container, PodSpec, SecurityContext, Volume, VolumeMount } from '../../imports/k8s';
import { BRIDGE } from '../bridge-with-fuse/settings';
import type { PodSecurityLevel } from '../platform-namespaces';
import { ConfigFiles } from '../platform/config-files';
import { Resources, resources, RESTRICTED } from '../platform/pod';
import { DEVICE, HANDOVER, POINT, SCRIPTS, VOLUME } from './settings';

/**
 * How Lighthouse's file system is mounted; see the README for what each costs in privileges.
 *
 * - `none`: it is not; where it would be is an empty folder
 * - `device-plugin`: in a user namespace, seen by its own container alone
 * - `sidecar`: by a privileged container, seen by the pod
 * - `fd-passing`: by a DaemonSet of the node (`FuseOpener`), which passes the file descriptor to a restricted container; seen by
 *   the pod
 */
export type FuseMode = 'none' | 'device-plugin' | 'sidecar' | 'fd-passing';

export type FuseMountProps = { readonly mode: 'none' } | ServedProps;

/** A file system that somebody serves. */
export interface ServedProps {
  readonly mode: Exclude<FuseMode, 'none'>;
  /** Image of the file system: its program, a shell, `fusermount3`, and Python where the mode is `fd-passing`. */
  readonly image: string;
  /**
   * Starts the file system on `/mnt/lighthouse/project` with `allow_other`, and stays in the foreground. Where the mode is
   * `fd-passing`, with `auto_unmount` too: without it libfuse wants the device itself.
   */
  readonly command: readonly string[];
  /** What the server gets. */
  readonly resources: Resources;
}

interface Mode {
  /** Level of the namespace that admits such a pod. */
  readonly podSecurity: PodSecurityLevel;
  /** What the pod itself must say. */
  readonly pod: Pick<PodSpec, 'hostUsers'>;
  /** Rights of the container that serves, and what else it has. */
  readonly server?: {
    readonly securityContext: SecurityContext;
    readonly start: 'mount.sh' | 'receive.sh';
    readonly limits?: Readonly<Record<string, string>>;
    readonly mounts: readonly VolumeMount[];
  };
  readonly volumes: readonly Volume[];
  /** How everybody else in the pod sees the mount. */
  readonly seen: VolumeMount;
}

/** What lies in it, lies in a volume: it is lost with the pod, and small. */
const EMPTY: Volume = { name: VOLUME.name, emptyDir: { sizeLimit: '64Mi' } };

const PLAIN: VolumeMount = VOLUME;
const RECEIVING: VolumeMount = { ...VOLUME, mountPropagation: 'HostToContainer' };
const SPREADING: VolumeMount = { ...VOLUME, mountPropagation: 'Bidirectional' };

/** Mounting is for root alone; its own root file system stays read-only. */
const ROOT = { runAsUser: 0, runAsGroup: 0, runAsNonRoot: false, readOnlyRootFilesystem: true } as const;

/** Both names of libfuse's helper, of version 2 and 3. */
const IN_PLACE_OF = ['/bin/fusermount', '/bin/fusermount3'];

const MODES: Readonly<Record<FuseMode, Mode>> = {
  none: { podSecurity: 'restricted', pod: {}, volumes: [EMPTY], seen: PLAIN },
  'device-plugin': {
    podSecurity: 'privileged',
    pod: { hostUsers: false },
    server: {
      // Root of the user namespace, and nobody on the node. AppArmor's profile of containers forbids every mount.
      securityContext: {
        ...ROOT,
        allowPrivilegeEscalation: true,
        capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] },
        appArmorProfile: { type: 'Unconfined' },
      },
      start: 'mount.sh',
      limits: { [DEVICE]: '1' },
      mounts: [{ name: 'fuse-own', mountPath: VOLUME.mountPath }],
    },
    // The mount does not leave its container: the others have a folder of their own, which is empty.
    volumes: [EMPTY, { name: 'fuse-own', emptyDir: { sizeLimit: '1Mi' } }],
    seen: PLAIN,
  },
  sidecar: {
    podSecurity: 'privileged',
    pod: {},
    server: {
      // Only a privileged container's mounts spread.
      securityContext: { ...ROOT, privileged: true },
      start: 'mount.sh',
      mounts: [SPREADING],
    },
    volumes: [EMPTY],
    seen: RECEIVING,
  },
  'fd-passing': {
    podSecurity: 'restricted',
    pod: {},
    server: {
      securityContext: RESTRICTED,
      start: 'receive.sh',
      mounts: [
        RECEIVING,
        HANDOVER,
        ...IN_PLACE_OF.map((mountPath) => ({
          name: 'fuse-scripts',
          mountPath,
          subPath: 'fusermount.py',
          readOnly: true,
        })),
      ],
    },
    volumes: [EMPTY, { name: HANDOVER.name, emptyDir: { sizeLimit: '1Mi' } }],
    seen: RECEIVING,
  },
};

/** The Pod Security level that the namespace of a pod with such a mount must have: it is made before the pod. */
export function podSecurityFor(mode: FuseMode): PodSecurityLevel {
  return MODES[mode].podSecurity;
}

/**
 * Lighthouse's file system, as parts of a pod that somebody else makes.
 *
 * The server is a native sidecar: what reads starts when it is mounted, and is gone before it ends. A server that died is
 * started again on a mount point that was cleared; one that hangs is noticed and killed.
 *
 * @example
 * const fuse = new FuseMount(this, 'Fuse', { mode: 'sidecar', image, command, resources });
 * const spec = {
 *   ...fuse.pod,
 *   initContainers: [...fuse.initContainers],
 *   containers: [{ name: 'reader', volumeMounts: [fuse.volumeMount] }],
 *   volumes: [...fuse.volumes],
 * };
 */
export class FuseMount extends Construct {
  /** What the pod itself must say. */
  readonly pod: Pick<PodSpec, 'hostUsers'>;
  /** The server, if there is one; before every container that reads. */
  readonly initContainers: readonly Container[];
  readonly volumes: readonly Volume[];
  /** For each container that reads: the folder above the mount point. */
  readonly volumeMount: VolumeMount;

  constructor(scope: Construct, id: string, props: FuseMountProps) {
    super(scope, id);
    const { pod, server, volumes, seen } = MODES[props.mode];
    this.pod = pod;
    this.volumeMount = seen;
    this.initContainers = [];
    this.volumes = volumes;
    if (props.mode === 'none' || !server) return;

    if (props.mode === 'fd-passing' && !props.command.some((argument) => /auto[_-]unmount/.test(argument))) {
      throw new Error(
        `${this.node.path}: mode fd-passing needs a command that mounts with auto_unmount, got ${props.command.join(' ')}`,
      );
    }
    this.initContainers = [container(props, server)];
    this.volumes = [
      ...volumes,
      { name: 'tmp-fuse', emptyDir: { sizeLimit: '16Mi' } },
      this.scripts(server.start),
    ];
  }

  private scripts(start: string): Volume {
    const names = [start, 'mounted.sh', 'answers.sh', ...(start === 'receive.sh' ? ['fusermount.py'] : [])];
    const files = Object.fromEntries(names.map((name) => [name, {}]));
    return new ConfigFiles(this, 'Scripts', __dirname, files).volume('fuse-scripts');
  }
}

function container(
  { image, command, resources: size }: ServedProps,
  { start, securityContext, limits, mounts }: NonNullable<Mode['server']>,
): Container {
  const script = (name: string) => ['/bin/sh', `${SCRIPTS}/${name}`];
  const answers = { exec: { command: script('answers.sh') }, timeoutSeconds: 5, periodSeconds: 5 };
  const { requests, limits: own } = resources(size);
  return {
    name: BRIDGE.fuse,
    image,
    restartPolicy: 'Always',
    command: [...script(start), ...command],
    env: [
      { name: 'POINT', value: POINT },
      { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
    ],
    startupProbe: {
      exec: { command: script('mounted.sh') },
      timeoutSeconds: 5,
      periodSeconds: 1,
      failureThreshold: 120,
    },
    readinessProbe: { ...answers, failureThreshold: 1 },
    // One that hangs does not end when it is asked to.
    livenessProbe: { ...answers, failureThreshold: 3, terminationGracePeriodSeconds: 3 },
    securityContext,
    resources: { requests, limits: { ...own, ...limits } },
    volumeMounts: [
      ...mounts,
      { name: 'tmp-fuse', mountPath: '/tmp' },
      { name: 'fuse-scripts', mountPath: SCRIPTS, readOnly: true },
    ],
  };
}
