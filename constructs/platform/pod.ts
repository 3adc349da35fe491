import { Construct } from 'constructs';
import {
  DeploymentStrategy,
  PersistentVolumeClaimProps,
  PodSecurityContext,
  PodSpec,
  ResourceRequirements,
  SecurityContext,
  ServiceAccount,
  TopologySpreadConstraint,
} from '../../imports/k8s';
import type { Connections } from './connections';
import { objectName } from './names';

/** A user who owns no file of an image or a node: for what writes to its own volumes alone, and whose image wants no other. */
export const NOBODY = 65534;

/** The pod half of the Pod Security level `restricted`, for a numeric user (0 is refused by the kubelet). */
export function restrictedPod(uid: number, gid = uid): PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: uid,
    runAsGroup: gid,
    fsGroup: gid,
    // Changing the owner of every file at every start takes minutes on a large volume.
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** The container half of `restricted`, and a root file system nobody can write to. */
export const RESTRICTED: SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/**
 * Makes a service account for the pods of a construct, named as the construct, and gives what a pod says to run as it: with
 * nothing to show to the API server, and without a variable for every Service of its namespace.
 */
export function withoutToken(
  construct: Construct,
): Pick<PodSpec, 'serviceAccountName' | 'automountServiceAccountToken' | 'enableServiceLinks'> {
  const account = new ServiceAccount(construct, 'Account', {
    metadata: { name: objectName(construct) },
    automountServiceAccountToken: false,
  });
  return { serviceAccountName: account.name, automountServiceAccountToken: false, enableServiceLinks: false };
}

/** What a container gets: the request is what is reserved for it, and memory may not grow past it. */
export interface Resources {
  /** CPU reserved, such as `250m`. CPU is not limited: throttling costs latency and protects nobody here. */
  readonly cpu: string;
  /** Memory reserved and limit in one, such as `512Mi`: what is over the request is the first to be killed. */
  readonly memory: string;
}

export function resources({ cpu, memory }: Resources): ResourceRequirements {
  return { requests: { cpu, memory }, limits: { memory } };
}

/**
 * How the members of a service are spread over zones and nodes: `required` leaves a member pending rather than put two
 * in one zone; `preferred` lets them share (one node, tests).
 */
export type Spreading = 'required' | 'preferred';

const UNSATISFIABLE = { required: 'DoNotSchedule', preferred: 'ScheduleAnyway' } as const;

/**
 * How an update replaces the pods of a Deployment: one at a time and none in addition, for with one per zone there is no
 * place for another. A single pod is gone before its successor comes: at no moment are there two to be counted.
 */
export function oneAtATime(replicas: number): DeploymentStrategy {
  return replicas === 1
    ? { type: 'Recreate' }
    : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
}

const ZONES = 'topology.kubernetes.io/zone';
const HOSTS = 'kubernetes.io/hostname';

/** Spreads pods evenly over zones, and over nodes within them. */
export function spread(connections: Connections, spreading: Spreading): TopologySpreadConstraint[] {
  return [evenOver(ZONES, connections, spreading), evenOver(HOSTS, connections, spreading)];
}

/**
 * Spreads pods of which a node may have several and that no volume holds to a zone: evenly over zones, and over nodes as far as
 * that goes, for with a node less both cannot hold. A zone that is being drained is none to be even with: its pods could go
 * nowhere else, and their disruption budget would hold the drain for ever.
 */
export function spreadMany(connections: Connections, spreading: Spreading): TopologySpreadConstraint[] {
  return [evenOver(ZONES, connections, spreading), evenOver(HOSTS, connections, 'preferred')].map((each) => ({
    ...each,
    nodeTaintsPolicy: 'Honor',
  }));
}

function evenOver(
  topologyKey: string,
  { labels }: Connections,
  spreading: Spreading,
): TopologySpreadConstraint {
  return {
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: UNSATISFIABLE[spreading],
    labelSelector: { matchLabels: labels },
  };
}

/**
 * The longest a Job may run, seconds: long enough to pull an image and to wait for a service that is being moved; then
 * it has failed, and the next sync tries again.
 */
export const JOB_DEADLINE_SECONDS = 3600;

/** The volume of a StatefulSet's pod, named `data`: one each, kept when the pod goes. */
export function dataClaim(storage: string, storageClassName?: string): PersistentVolumeClaimProps[] {
  return [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage } } },
    },
  ];
}
