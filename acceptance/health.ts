import type { Live } from './cluster';

/** Whether an object does what it is there for: `Progressing` may still become healthy, `Degraded` needs a person. */
export type Health = 'Healthy' | 'Progressing' | 'Degraded';

export interface Verdict {
  readonly health: Health;
  /** What it waits for or failed at; empty where it is healthy. */
  readonly message: string;
}

const HEALTHY: Verdict = { health: 'Healthy', message: '' };

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

interface Status {
  readonly observedGeneration?: number;
  /** Null in a definition that was just made. */
  readonly conditions?: readonly Condition[] | null;
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
  readonly currentRevision?: string;
  readonly updateRevision?: string;
  readonly desiredNumberScheduled?: number;
  readonly numberAvailable?: number;
  readonly updatedNumberScheduled?: number;
  readonly phase?: string;
  readonly readyInstances?: number;
  readonly instances?: number;
  readonly applied?: boolean;
  readonly message?: string;
}

interface Spec {
  readonly replicas?: number;
  readonly instances?: number;
}

type Judge = (status: Status, spec: Spec, live: Live) => Verdict;

/**
 * What each kind says of itself when it works. A kind that is not here works once it is there. Fields are those of
 * Kubernetes' own controllers, of CloudNativePG 1.30, cert-manager 1.21, trust-manager 0.24, external-secrets and
 * prometheus-operator 0.93.
 */
const JUDGES: Readonly<Record<string, Judge>> = {
  Deployment: (
    { replicas = 0, updatedReplicas = 0, availableReplicas = 0, conditions },
    { replicas: wanted = 1 },
  ) => {
    const stuck = conditionIn(conditions, 'Progressing');
    if (stuck?.reason === 'ProgressDeadlineExceeded') return degraded(stuck.message);
    return counted('available', Math.min(updatedReplicas, availableReplicas), wanted, replicas);
  },
  StatefulSet: (
    { readyReplicas = 0, updatedReplicas = 0, currentRevision, updateRevision },
    { replicas: wanted = 1 },
  ) =>
    counted(
      'ready',
      currentRevision === updateRevision ? readyReplicas : Math.min(readyReplicas, updatedReplicas),
      wanted,
    ),
  DaemonSet: ({ numberAvailable = 0, updatedNumberScheduled = 0, desiredNumberScheduled = 0 }) =>
    counted('available', Math.min(numberAvailable, updatedNumberScheduled), desiredNumberScheduled),
  Job: ({ conditions }) => {
    const failed = conditionIn(conditions, 'Failed');
    if (failed?.status === 'True') return degraded(failed.message);
    return conditionIn(conditions, 'Complete')?.status === 'True'
      ? HEALTHY
      : progressing('has not completed');
  },
  PersistentVolumeClaim: ({ phase }) => (phase === 'Bound' ? HEALTHY : progressing(`is ${phase ?? 'new'}`)),
  Cluster: ({ phase, readyInstances = 0 }, { instances = 1 }) =>
    phase === 'Cluster in healthy state'
      ? counted('ready', readyInstances, instances)
      : progressing(phase ?? 'the operator has not seen it'),
  Pooler: ({ instances = 0 }, { instances: wanted = 1 }) => counted('ready', instances, wanted),
  Prometheus: reconciled,
  Alertmanager: reconciled,
  Database: applied,
  DatabaseRole: applied,
  Certificate: condition('Ready'),
  Issuer: condition('Ready'),
  ClusterIssuer: condition('Ready'),
  Bundle: condition('Synced'),
  ExternalSecret: condition('Ready'),
  SecretStore: condition('Ready'),
  ClusterSecretStore: condition('Ready'),
  CustomResourceDefinition: condition('Established'),
  Node: condition('Ready'),
};

/** What an object says of itself; what was changed and not looked at since is still progressing. */
export function healthOf(live: Live): Verdict {
  const judge = JUDGES[live.kind];
  if (!judge) return HEALTHY;
  const status = (live['status'] ?? {}) as Status;
  const { generation = 0 } = live.metadata;
  if (status.observedGeneration !== undefined && status.observedGeneration < generation)
    return progressing('its controller has not seen the change');
  return judge(status, (live['spec'] ?? {}) as Spec, live);
}

function condition(type: string): Judge {
  return ({ conditions }) => {
    const found = conditionIn(conditions, type);
    return found?.status === 'True' ? HEALTHY : progressing(found?.message ?? `has no condition ${type}`);
  };
}

/** As prometheus-operator says it: what it made is as wanted, and all pods of it are there. */
function reconciled({ conditions }: Status, _: Spec, { metadata: { generation = 0 } }: Live): Verdict {
  for (const type of ['Reconciled', 'Available']) {
    const found = conditionIn(conditions, type);
    if (!found || (found.observedGeneration ?? generation) < generation)
      return progressing('the operator has not seen it');
    if (found.status !== 'True') return progressing(found.message ?? `is not ${type}`);
  }
  return HEALTHY;
}

/** What CloudNativePG says as long as it has not seen the cluster, one that was applied at the same moment too. */
const UNSEEN = 'cluster resource has been deleted, skipping reconciliation';

function applied({ applied: done, message }: Status): Verdict {
  if (done === true) return HEALTHY;
  if (message === UNSEEN) return progressing('the operator has not seen its cluster');
  if (done === false) return degraded(message);
  // In a standby cluster it comes with the data, and the operator says so.
  return message === undefined ? progressing('has not been applied') : HEALTHY;
}

/** Healthy when as many as wanted are there; `all` also counts those of an earlier revision, which must be gone. */
function counted(what: string, there: number, wanted: number, all = wanted): Verdict {
  return there >= wanted && all <= wanted ? HEALTHY : progressing(`${there} of ${wanted} ${what}`);
}

function conditionIn(conditions: Status['conditions'], type: string): Condition | undefined {
  return conditions?.find((each) => each.type === type);
}

function progressing(message: string): Verdict {
  return { health: 'Progressing', message };
}

function degraded(message = 'failed'): Verdict {
  return { health: 'Degraded', message };
}
