import type { Environment } from '../config/schema';

type Name = Environment['environment'];

/** A finding of kube-score that stays, and why. */
export interface Accepted {
  /** Identifiers of the checks that say it. */
  readonly checks: readonly string[];
  /** What they say: another finding of the same check is another matter. */
  readonly says: string;
  /** Of what, as `Deployment/redis/cache`; `*` stands for anything. */
  readonly objects: readonly string[];
  /** Where, and nowhere else. */
  readonly environments: readonly Name[];
  /** Why it is right as it is. */
  readonly reason: string;
}

const EVERYWHERE: readonly Name[] = ['development', 'staging', 'production'];
const WHERE_MANY: readonly Name[] = ['staging', 'production'];
const ANYTHING = ['*'];

const OWN_USER =
  'the user of its image, or of the program whose files it reads; what needs no user in particular is nobody';
const OWN_FILES = 'its image names none; what is on its volume belongs to this one';

/** What runs as its image's user. */
const OF_THEIR_IMAGE = [
  'CronJob/bridge/bridge-backup',
  'CronJob/postgres/events-schema-maintenance',
  'Deployment/bridge/edge',
  'Deployment/observability/grafana',
  'Deployment/redis/*',
  'Job/postgres/events-schema',
  'StatefulSet/bridge/bridge',
  'StatefulSet/redis/*',
  'StatefulSet/vault/vault-members',
];

const MIGRATION = ['CronJob/bridge/migration-*'];
const STORAGE = ['StatefulSet/object-storage/s3'];

const USER = 'The container is running with a low user ID';
const GROUP = 'The container running with a low group ID';

/** The same of users and groups, where they are in every environment and where they are not. */
const users = (says: string): Accepted[] =>
  (
    [
      [EVERYWHERE, OF_THEIR_IMAGE, OWN_USER],
      [EVERYWHERE, ['StatefulSet/vector-database/weaviate-members'], OWN_FILES],
      [['development'], STORAGE, OWN_FILES],
      [['staging'], [...MIGRATION, 'Deployment/reading/events'], OWN_USER],
    ] as const
  ).map(([environments, objects, reason]) => ({
    checks: ['container-security-context-user-group-id'],
    says,
    objects,
    environments,
    reason,
  }));

/** A pod that is replaced before its successor comes is one that there is one of. */
const single = (environments: readonly Name[], objects: readonly string[], reason: string): Accepted[] => [
  { checks: ['deployment-replicas'], says: 'Deployment few replicas', objects, environments, reason },
  { checks: ['deployment-strategy'], says: 'Deployment update strategy', objects, environments, reason },
];

/** All findings that stay. One that nothing brings about any more is as wrong as one that is not here. */
export const ACCEPTED: readonly Accepted[] = [
  {
    checks: ['container-resources'],
    says: 'CPU limit is not set',
    objects: ANYTHING,
    environments: EVERYWHERE,
    reason: 'CPU is reserved, not limited: throttling costs latency and protects nobody here',
  },
  {
    checks: ['container-resource-requests-equal-limits', 'container-cpu-requests-equal-limits'],
    says: 'CPU requests does not match limits',
    objects: ANYTHING,
    environments: EVERYWHERE,
    reason: 'there is no limit of CPU; those of memory are equal, or the check of memory would say so',
  },
  ...['request', 'limit'].map((what) => ({
    checks: ['container-ephemeral-storage-request-and-limit'],
    says: `Ephemeral Storage ${what} is not set`,
    objects: ANYTHING,
    environments: EVERYWHERE,
    reason:
      'root file systems are read-only, every folder on the node’s disk has a size of its own (guarantees/scratch.ts), and the kubelet turns logs over; a limit would have a pod evicted for a burst of logs',
  })),
  {
    checks: ['container-image-pull-policy'],
    says: 'ImagePullPolicy is not set to Always',
    objects: ANYTHING,
    environments: EVERYWHERE,
    reason:
      'images are exact; with Always no pod would start while its registry cannot be reached, on a node that has the image',
  },
  ...users(USER),
  ...users(GROUP),
  {
    checks: ['container-security-context-user-group-id'],
    says: GROUP,
    objects: ['DaemonSet/node-agents/collector'],
    environments: EVERYWHERE,
    reason: 'the group that may read what containers write; its user is none of the node’s',
  },
  {
    checks: ['cronjob-has-deadline'],
    says: 'The CronJob should have startingDeadlineSeconds configured',
    objects: MIGRATION,
    environments: ['staging'],
    reason: 'a template of Jobs that a person makes: suspended, and its day never comes',
  },
  {
    checks: ['deployment-has-host-podantiaffinity'],
    says: 'Deployment does not have a host podAntiAffinity set',
    objects: [
      'Deployment/bridge/edge',
      'Deployment/observability/collector',
      'Deployment/redis/*',
      'Deployment/vector-database/embeddings',
    ],
    environments: WHERE_MANY,
    reason: 'topologySpreadConstraints do that; the guarantee of drains proves what may go with a node',
  },
  {
    checks: ['deployment-has-host-podantiaffinity'],
    says: 'Deployment does not have a host podAntiAffinity set',
    objects: ['Deployment/observability/grafana'],
    environments: ['production'],
    reason: 'topologySpreadConstraints do that',
  },
  {
    checks: ['statefulset-has-host-podantiaffinity'],
    says: 'StatefulSet does not have a host podAntiAffinity set',
    objects: [
      'StatefulSet/observability/alertmanager',
      'StatefulSet/observability/loki',
      'StatefulSet/redis/*',
      'StatefulSet/vault/vault-members',
      'StatefulSet/vector-database/weaviate-members',
    ],
    environments: WHERE_MANY,
    reason: 'topologySpreadConstraints do that; the guarantee of drains proves what may go with a node',
  },
  ...single(
    ['development'],
    [
      'Deployment/bridge/edge',
      'Deployment/observability/alertmanager-log',
      'Deployment/observability/collector',
      'Deployment/redis/*',
      'Deployment/vector-database/embeddings',
    ],
    'one of each is what development has: a single node',
  ),
  ...single(
    ['development', 'staging'],
    ['Deployment/observability/grafana'],
    'one outside production: it shows what lies in files and keeps nothing',
  ),
  ...single(
    EVERYWHERE,
    ['Deployment/observability/blackbox', 'Deployment/observability/kube-state-metrics'],
    'two would measure everything twice; without it, an alert says that it is missing',
  ),
  {
    checks: ['networkpolicy-targets-pod'],
    says: "The NetworkPolicys selector doesn't match any pods",
    objects: ['NetworkPolicy/observability/prometheus', 'NetworkPolicy/postgres/*'],
    environments: EVERYWHERE,
    reason: 'of pods that operators make; the guarantee of selectors knows them',
  },
  {
    checks: ['networkpolicy-targets-pod'],
    says: "The NetworkPolicys selector doesn't match any pods",
    objects: ['NetworkPolicy/access/default-deny'],
    environments: EVERYWHERE,
    reason: 'nothing runs there: if something ever does, it reaches nothing',
  },
  {
    checks: ['networkpolicy-targets-pod'],
    says: "The NetworkPolicys selector doesn't match any pods",
    objects: ['NetworkPolicy/bridge/default-deny'],
    environments: ['production'],
    reason: 'nothing runs there in a standby, until it is promoted',
  },
  {
    checks: ['service-targets-pod'],
    says: 'The services selector does not match any pods',
    objects: ['Service/observability/prometheus'],
    environments: EVERYWHERE,
    reason: 'of pods that an operator makes; the guarantee of selectors knows them',
  },
  {
    checks: ['pod-probes-identical'],
    says: 'Container has the same readiness and liveness probe',
    objects: [
      'DaemonSet/node-agents/*',
      'Deployment/observability/blackbox',
      'Deployment/observability/grafana',
      'StatefulSet/redis/*',
    ],
    environments: EVERYWHERE,
    reason:
      'the program (of Redis, its exporter) has one answer, which depends on no other; liveness waits three times as long or longer',
  },
  {
    checks: ['pod-probes-identical'],
    says: 'Container has the same readiness and liveness probe',
    objects: ['Deployment/observability/alertmanager-log'],
    environments: ['development'],
    reason: 'the program has one answer, which depends on no other',
  },
  {
    checks: ['statefulset-has-servicename'],
    says: 'StatefulSet does not have a valid serviceName',
    objects: ['StatefulSet/observability/tempo'],
    environments: EVERYWHERE,
    reason: 'one pod, reached by its Service: nobody asks for it by a name of its own',
  },
  {
    checks: ['statefulset-has-servicename'],
    says: 'StatefulSet does not have a valid serviceName',
    objects: STORAGE,
    environments: ['development'],
    reason: 'one pod, reached by its Service: nobody asks for it by a name of its own',
  },
];
