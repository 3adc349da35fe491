import type { Environment } from '../config/schema';
import type { FuseMode } from '../constructs/fuse-mount';
import type { Platform } from '../synth/platform';

const WORKLOADS = ['StatefulSet', 'Deployment', 'Rollout'] as const;

type Workload = (typeof WORKLOADS)[number];

function workloadOf(bridge: Environment['bridge']): Workload {
  if (bridge.state === 'local') return 'StatefulSet';
  return bridge.delivery === 'blue-green' ? 'Rollout' : 'Deployment';
}

/** A deviation from what every pod and role must satisfy, and why it has to be. */
export interface Privilege {
  /** Where it holds; elsewhere it is a finding again. */
  readonly environments: readonly Environment['environment'][];
  /**
   * Mode of Lighthouse's file system that needs it, where Lighthouse runs.
   * @default - any, and none
   */
  readonly fuse?: FuseMode;
  /**
   * What makes Lighthouse's pods, where it is about these.
   * @default - any
   */
  readonly workload?: Workload;
  /** Whose it is, as `DaemonSet/mounts/opener`, `Namespace/mounts` or `ClusterRole/opener`. */
  readonly object: string;
  /** What it deviates from, as the finding names it, such as `host paths` or `privileged`. */
  readonly control: string;
  /** Why there is no other way. */
  readonly reason: string;
}

const EVERYWHERE: Privilege['environments'] = ['development', 'staging', 'production'];

/** Whether a deviation is needed on a platform. */
export function holdsIn(
  { environments, fuse, workload }: Privilege,
  { environment, cluster }: Pick<Platform, 'environment' | 'cluster'>,
): boolean {
  const { bridge } = environment;
  const mounted = cluster.role === 'primary' ? bridge.fuse?.mode : undefined;
  return (
    environments.includes(environment.environment) &&
    (fuse === undefined || fuse === mounted) &&
    (workload === undefined || workload === workloadOf(bridge))
  );
}

/** Several rules that one object breaks for one reason. */
const byFuse = (
  fuse: FuseMode,
  object: string,
  reason: string,
  ...controls: readonly string[]
): Privilege[] => controls.map((control) => ({ environments: EVERYWHERE, fuse, object, control, reason }));

/** The same for Lighthouse's pods, whatever makes them. */
const byFuseOfPods = (fuse: FuseMode, reason: string, ...controls: readonly string[]): Privilege[] =>
  WORKLOADS.flatMap((workload) =>
    byFuse(fuse, `${workload}/bridge/bridge`, reason, ...controls).map((entry) => ({ ...entry, workload })),
  );

/** All deviations there are. An entry that nothing needs any more is a finding. */
export const PRIVILEGES: readonly Privilege[] = [
  {
    environments: EVERYWHERE,
    object: 'ClusterRole/lighthouse-break-glass',
    control: 'reading Secrets',
    reason:
      'for emergencies, which cannot wait for Git: nobody is bound to it but an account that no pod has, whose tokens end within an hour and are asked for with a reason',
  },
  {
    environments: EVERYWHERE,
    object: 'Namespace/node-agents',
    control: 'enforced level',
    reason: 'what watches nodes reads their files; it is apart from everything else for that',
  },
  {
    environments: EVERYWHERE,
    object: 'DaemonSet/node-agents/node-exporter',
    control: 'host paths',
    reason:
      "the kernel tells of CPU, memory and disks in the node's own /proc, /sys and mounts; read-only, as nobody",
  },
  {
    environments: EVERYWHERE,
    object: 'DaemonSet/node-agents/collector',
    control: 'host paths',
    reason:
      'what containers write lies in /var/log/pods of their node; read-only, as a member of the group that may read it, not as root',
  },
  ...byFuse(
    'sidecar',
    'Namespace/bridge',
    'the container that mounts is privileged; Lighthouse, its edge and what moves its events are all that is in this namespace',
    'enforced level',
  ),
  ...byFuseOfPods(
    'sidecar',
    'what mounts for the other containers of its pod spreads the mount, which only a privileged container may; the server itself stays restricted',
    'privileged',
    'capabilities',
    'privilege escalation',
    'running as root',
  ),
  ...byFuse(
    'device-plugin',
    'Namespace/bridge',
    'no level below privileged admits SYS_ADMIN, in a user namespace either',
    'enforced level',
  ),
  ...byFuseOfPods(
    'device-plugin',
    'mounting needs SYS_ADMIN, here as root of a user namespace that is nobody on the node, and a profile of AppArmor that does not forbid it',
    'capabilities',
    'privilege escalation',
    'running as root',
    'AppArmor',
  ),
  ...byFuse(
    'fd-passing',
    'DaemonSet/node-agents/fuse-opener',
    "it mounts for pods that may not, in the kubelet's own folder of pods; it runs nothing of theirs and takes nothing from them",
    'privileged',
    'capabilities',
    'privilege escalation',
    'host paths',
    'running as root',
    'seccomp',
  ),
];
