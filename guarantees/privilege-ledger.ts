import type { Environment } from '../config/schema';

/** A deviation from what every pod and role must satisfy, and why it has to be. */
export interface Privilege {
  /** Where it holds; elsewhere it is a finding again. */
  readonly environments: readonly Environment['environment'][];
  /** Whose it is, as `DaemonSet/mounts/opener`, `Namespace/mounts` or `ClusterRole/opener`. */
  readonly object: string;
  /** What it deviates from, as the finding names it, such as `host paths` or `privileged`. */
  readonly control: string;
  /** Why there is no other way. */
  readonly reason: string;
}

const EVERYWHERE: Privilege['environments'] = ['development', 'staging', 'production'];

/** All deviations there are. An entry that nothing needs any more is a finding. */
export const PRIVILEGES: readonly Privilege[] = [
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
];
