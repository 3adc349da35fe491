import type { Manifest } from '../../constructs/platform/manifest';
import type { Platform } from '../../synth/platform';
import { added, changed, without } from '../guarantees/support';

/** The checks between a changed line and a running cluster, in the order in which they are passed. */
export const GATES = ['configuration', 'guarantees', 'schemas', 'safety check', 'API server'] as const;

export type Gate = (typeof GATES)[number];

/** One mistake, put into production's first cluster, which has none. */
interface Mistake {
  /** What is wrong, for people. */
  readonly name: string;
  /** The earliest check that can see it. */
  readonly gate: Gate;
  /** Part of what that check says. */
  readonly says: string;
}

/** A mistake in an environment's file. */
export interface TextFault extends Mistake {
  readonly gate: 'configuration';
  readonly text: readonly [from: string, to: string];
}

/** A mistake in the objects: what a wrong construct, or a hand in `dist/`, would make of them. */
export interface ObjectFault extends Mistake {
  readonly edit: (platform: Platform) => Platform;
}

/** A field of an object, and the value that it must not have; none takes it away. */
function field(object: string, path: string, value?: unknown): ObjectFault['edit'] {
  return (platform) => changed(platform, object, path, value);
}

const POD = 'spec.template.spec';
const CONTAINER = `${POD}.containers[0]`;
const PROXY = 'Deployment/redis/cache';
const MEMBERS = 'StatefulSet/redis/cache-members';
const DATABASE = 'Cluster/postgres/events';

export const TEXT_FAULTS: readonly TextFault[] = [
  {
    name: 'an even number of database members',
    gate: 'configuration',
    text: ['instances: 3', 'instances: 2'],
    says: 'postgres.instances: must be odd and at least 3 for a quorum, got 2',
  },
  {
    name: 'a misspelt key',
    gate: 'configuration',
    text: ['walStorage: 100Gi', 'walStorag: 100Gi'],
    says: 'unknown key; did you mean "walStorage"?',
  },
  {
    name: 'a quantity that is none',
    gate: 'configuration',
    text: ['memory: 16Gi', 'memory: 16 gigabytes'],
    says: 'must be a Kubernetes quantity of bytes',
  },
  {
    name: 'two clusters of one name',
    gate: 'configuration',
    text: ['name: dublin', 'name: frankfurt'],
    says: 'frankfurt',
  },
  {
    name: 'a password in the address of the repository',
    gate: 'configuration',
    text: ['https://git.example.com', 'https://robot:secret@git.example.com'],
    says: 'without a password or token in it',
  },
];

export const OBJECT_FAULTS: readonly ObjectFault[] = [
  {
    name: 'a Service that selects no pod',
    gate: 'guarantees',
    edit: field('Service/redis/cache', 'spec.selector', { app: 'nobody' }),
    says: 'selects',
  },
  {
    name: 'a Deployment that selects other pods than its own',
    gate: 'guarantees',
    edit: field(PROXY, 'spec.selector.matchLabels', { app: 'other' }),
    says: 'and its pods are',
  },
  {
    name: 'a Secret that nothing makes',
    gate: 'guarantees',
    edit: field(
      'Job/postgres/events-schema',
      `${CONTAINER}.env[10].valueFrom.secretKeyRef.name`,
      'forgotten',
    ),
    says: 'which nothing makes',
  },
  {
    name: 'a key that its ConfigMap does not have',
    gate: 'guarantees',
    edit: field(PROXY, `${POD}.volumes[3].configMap.items[0].key`, 'ca.pem'),
    says: 'key "ca.pem"',
  },
  {
    name: 'a namespace that nothing makes',
    gate: 'guarantees',
    edit: field('ServiceAccount/redis/cache-members', 'metadata.namespace', 'redsi'),
    says: 'lies in namespace redsi, which nothing makes',
  },
  {
    name: 'a custom resource without an operator',
    gate: 'guarantees',
    edit: (platform) =>
      added(platform, PROXY, object('kafka.strimzi.io/v1', 'KafkaTopic', 'redis', 'cache', {})),
    says: 'which no operator of the platform serves',
  },
  {
    name: 'a host that no Service has',
    gate: 'guarantees',
    edit: field(
      'Job/postgres/events-schema',
      `${CONTAINER}.env[0].value`,
      'event-rw.postgres.svc.cluster.local',
    ),
    says: 'names event-rw.postgres.svc.cluster.local',
  },
  {
    name: 'a connection whose policy has one half',
    gate: 'guarantees',
    edit: field('NetworkPolicy/redis/cache', 'spec.egress', []),
    says: 'no policy lets',
  },
  {
    name: 'a policy open to the whole world',
    gate: 'guarantees',
    edit: field('NetworkPolicy/redis/cache', 'spec.ingress', [{}]),
    says: 'the whole world',
  },
  {
    name: 'two containers of one pod on one port',
    gate: 'guarantees',
    edit: field(MEMBERS, `${POD}.containers[1].ports[0].containerPort`, 6379),
    says: 'two containers of one pod listen on',
  },
  {
    name: 'two ports of one name in a Service',
    gate: 'guarantees',
    edit: field('Service/redis/cache', 'spec.ports[1].name', 'redis'),
    says: 'several ports that are not told apart by their names',
  },
  {
    name: 'two ports of one name in a container',
    gate: 'guarantees',
    edit: field(PROXY, `${CONTAINER}.ports[1].name`, 'redis'),
    says: 'but Deployment redis/cache has redis (6379), redis (8404)',
  },
  {
    name: 'a protocol in small letters',
    gate: 'guarantees',
    edit: field('NetworkPolicy/redis/cache', 'spec.egress[0].ports[0].protocol', 'udp'),
    says: 'udp 53, which no connection declares',
  },
  {
    name: 'a probe of a port that is not there',
    gate: 'guarantees',
    edit: field(PROXY, `${CONTAINER}.readinessProbe.httpGet.port`, 'https'),
    says: 'https',
  },
  {
    name: 'an image whose tag moves',
    gate: 'guarantees',
    edit: field(PROXY, `${CONTAINER}.image`, 'docker.io/library/haproxy:latest'),
    says: 'moves: tag latest',
  },
  {
    name: 'a password in the open',
    gate: 'guarantees',
    edit: field('Job/postgres/events-schema', `${CONTAINER}.env[10]`, {
      name: 'PGPASSWORD',
      value: 'Tr0ub4dor-and-3-more',
    }),
    says: 'the value of PGPASSWORD in plain text',
  },
  {
    name: 'a container without a memory limit',
    gate: 'guarantees',
    edit: field(PROXY, `${CONTAINER}.resources.limits`),
    says: 'memory',
  },
  {
    name: 'a container without a readiness probe',
    gate: 'guarantees',
    edit: field(PROXY, `${CONTAINER}.readinessProbe`),
    says: 'listens and has no readiness probe',
  },
  {
    name: 'a privileged pod',
    gate: 'guarantees',
    edit: field(PROXY, `${CONTAINER}.securityContext.privileged`, true),
    says: 'privileged',
  },
  {
    name: 'a folder of the node in a pod',
    gate: 'guarantees',
    edit: field(PROXY, `${POD}.volumes[4]`, { name: 'run', hostPath: { path: '/run' } }),
    says: 'host paths: volume run: /run',
  },
  {
    name: 'a Role that may do everything',
    gate: 'guarantees',
    edit: field('Role/redis/cache-users', 'rules[0].verbs', ['*']),
    says: 'a rule names all verbs',
  },
  {
    name: 'more pods than the quota grants',
    gate: 'guarantees',
    edit: field('ResourceQuota/redis/quota', 'spec.hard.requests\\.memory', '1Gi'),
    says: 'quota of namespace redis grants',
  },
  {
    name: 'a disruption budget that lets no pod go',
    gate: 'guarantees',
    edit: field('PodDisruptionBudget/redis/cache-members', 'spec.maxUnavailable', 0),
    says: 'a drain of their node never ends',
  },
  {
    name: 'members without a disruption budget',
    gate: 'guarantees',
    edit: (platform) => without(platform, 'PodDisruptionBudget/redis/cache-members'),
    says: 'two drains at once may take all of them',
  },
  {
    name: 'an update that has no zone to go to',
    gate: 'guarantees',
    edit: field(PROXY, 'spec.strategy.rollingUpdate', { maxSurge: 1, maxUnavailable: 0 }),
    says: 'more before it takes one away',
  },
  {
    name: 'a Job in a wave before what it needs',
    gate: 'guarantees',
    edit: field('Job/postgres/events-schema', 'metadata.annotations.argocd\\.argoproj\\.io/sync-wave', '0'),
    says: 'which only comes with',
  },
  {
    name: 'a Job without an end',
    gate: 'guarantees',
    edit: field('Job/postgres/events-schema', 'spec.activeDeadlineSeconds'),
    says: 'keeps its sync wave waiting for ever',
  },
  {
    name: 'a log archived without whole backups',
    gate: 'guarantees',
    edit: (platform) => without(platform, 'ScheduledBackup/postgres/events-backups'),
    says: 'no ScheduledBackup makes the whole backup',
  },
  {
    name: 'a certificate that ends before it is renewed',
    gate: 'guarantees',
    edit: field('Certificate/redis/cache-tls', 'spec.renewBefore', '2400h'),
    says: 'and is renewed',
  },
  {
    name: 'a field that the kind does not have',
    gate: 'schemas',
    edit: field(PROXY, 'spec.minReadySecond', 5),
    says: "additional properties 'minReadySecond' not allowed",
  },
  {
    name: 'a text where a number must be',
    gate: 'schemas',
    edit: field('Service/redis/cache', 'spec.ports[0].port', '6379'),
    says: 'got string, want integer',
  },
  {
    name: 'a version of a kind that Kubernetes no longer has',
    gate: 'schemas',
    edit: field('CronJob/vector-database/weaviate-backup', 'apiVersion', 'batch/v1beta1'),
    says: 'could not find schema',
  },
  {
    name: 'a value that the custom resource does not list',
    gate: 'schemas',
    edit: field('PodMonitor/redis/cache', 'spec.podMetricsEndpoints[0].scheme', 'htps'),
    says: 'value must be one of',
  },
  {
    name: 'a database volume made smaller',
    gate: 'safety check',
    edit: field(DATABASE, 'spec.storage.size', '400Gi'),
    says: '500Gi',
  },
  {
    name: 'a field of a StatefulSet that cannot be changed',
    gate: 'safety check',
    edit: field(MEMBERS, 'spec.podManagementPolicy', 'OrderedReady'),
    says: 'podManagementPolicy',
  },
  {
    name: 'a right handed to another Role',
    gate: 'guarantees',
    edit: field('RoleBinding/redis/cache-users', 'roleRef.name', 'cache-applications'),
    says: 'is bound to nobody',
  },
  {
    name: 'a database that is no longer there',
    gate: 'safety check',
    edit: (platform) => without(platform, 'Database/postgres/events-lighthouse'),
    says: 'Database',
  },
  {
    name: 'a port beyond the last one',
    gate: 'API server',
    edit: field('Service/redis/cache', 'spec.ports[1].port', 84040),
    says: 'must be between 1 and 65535',
  },
  {
    name: 'a mount of a volume that the pod does not have',
    gate: 'API server',
    edit: field(PROXY, `${CONTAINER}.volumeMounts[4].name`, 'runs'),
    says: 'Not found: "runs"',
  },
  {
    name: 'a probe of two kinds at once',
    gate: 'API server',
    edit: field(PROXY, `${CONTAINER}.readinessProbe.tcpSocket`, { port: 'http' }),
    says: 'may not specify more than 1 handler type',
  },
  {
    name: 'a spreading that allows no difference at all',
    gate: 'API server',
    edit: field(PROXY, `${POD}.topologySpreadConstraints[0].maxSkew`, 0),
    says: 'must be greater than zero',
  },
  {
    name: 'a Job whose pod always starts again',
    gate: 'API server',
    edit: field('Job/postgres/events-schema', `${POD}.restartPolicy`, 'Always'),
    says: 'restartPolicy: Required value: valid values: "OnFailure", "Never"',
  },
  {
    name: 'a CEL rule of CloudNativePG broken',
    gate: 'API server',
    edit: field(DATABASE, 'spec.bootstrap.initdb.builtinLocale', 'C.UTF-8'),
    says: 'builtinLocale is only available when localeProvider is set to `builtin`',
  },
  {
    name: 'a CEL rule of trust-manager broken',
    gate: 'API server',
    edit: field('Bundle/lighthouse-trust', 'spec.sources[0].inLine', 'x'),
    says: 'exactly one of the fields in [configMap secret inLine useDefaultCAs] must be set',
  },
];

function object(apiVersion: string, kind: string, namespace: string, name: string, spec: object): Manifest {
  return { apiVersion, kind, metadata: { name, namespace }, spec };
}
