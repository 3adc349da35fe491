import { Construct } from 'constructs';
import { Container, CronJob, EnvVar, PodSpec } from '../../imports/k8s';
import type { BridgeWithFuse } from '../bridge-with-fuse';
import { DATA, UID } from '../bridge-with-fuse/settings';
import { TRUST_FILE, trustVolume } from '../certificate-authority';
import { Connections } from '../platform/connections';
import { NamespaceScope } from '../platform/names';
import { resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import type { PostgresCluster } from '../postgres-cluster';

export interface EventStoreMigrationProps {
  /** Image of the program in `migration/`: Python and the package `event_store_migration`. */
  readonly image: string;
  /** What holds the events: the SQLite store, or the log files. */
  readonly from: 'sqlite' | 'logs';
  /** Whose events they are; its volume must be there. */
  readonly bridge: BridgeWithFuse;
  /** Where they go. */
  readonly postgres: PostgresCluster;
}

const SOURCES = {
  sqlite: ['--sqlite', `${DATA}/events.db`],
  logs: ['--logs', `${DATA}/events`],
} as const;

/** The commands of the program, and whether the bridge must be stopped for them. */
const COMMANDS = {
  plan: { stopped: false },
  copy: { stopped: false },
  validate: { stopped: false },
  cutover: { stopped: true },
  rollback: { stopped: true },
} as const;

/** Misuse or a bridge that runs; records put aside that nobody has accepted: another try is for a person to make. */
const FOR_A_PERSON = [2, 3];

/** A million events took up to 16 minutes; this is a hundred million. */
const DEADLINE_SECONDS = 24 * 3600;

/**
 * Moves the bridge's events to PostgreSQL, and back: one suspended CronJob for each command, as the template of the Jobs
 * that a person makes of it. Nothing here runs by itself.
 *
 * Must be built in the bridge's namespace, where the volume is.
 *
 * @example
 * new EventStoreMigration(bridgeNamespace, 'migration', { image, from: 'logs', bridge, postgres });
 * // kubectl -n bridge create job plan-1 --from=cronjob/migration-plan
 */
export class EventStoreMigration extends Construct {
  readonly connections = new Connections(this, { name: 'event-store-migration', component: 'job' });

  constructor(
    scope: Construct,
    id: string,
    private readonly props: EventStoreMigrationProps,
  ) {
    super(scope, id);
    const { bridge, postgres } = props;
    const namespace = NamespaceScope.of(this);
    if (namespace?.name !== bridge.connections.namespace) {
      throw new Error(
        `${this.node.path}: must be built in namespace ${bridge.connections.namespace}, where the bridge's volume is`,
      );
    }
    this.connections.allowTo(postgres.migration);
    // Only to see that nobody answers.
    this.connections.watch(bridge.api);
    const account = withoutToken(this);
    const database = this.database(namespace);
    for (const [command, { stopped }] of Object.entries(COMMANDS)) {
      const container = this.container(command, stopped, database);
      new CronJob(this, command, {
        spec: {
          // It has to have one; the 31st of February never comes, should somebody resume it.
          schedule: '0 0 31 2 *',
          timeZone: 'Etc/UTC',
          suspend: true,
          concurrencyPolicy: 'Forbid',
          successfulJobsHistoryLimit: 5,
          failedJobsHistoryLimit: 5,
          jobTemplate: {
            spec: {
              // PostgreSQL may fail over; what was copied is not copied again.
              backoffLimit: 5,
              activeDeadlineSeconds: DEADLINE_SECONDS,
              podFailurePolicy: {
                rules: [
                  {
                    action: 'FailJob',
                    onExitCodes: { containerName: 'migration', operator: 'In', values: FOR_A_PERSON },
                  },
                ],
              },
              template: {
                metadata: { labels: this.connections.podLabels },
                spec: {
                  restartPolicy: 'Never',
                  ...account,
                  securityContext: restrictedPod(UID),
                  // It may be killed at any moment, and goes on where its last batch ended.
                  terminationGracePeriodSeconds: 5,
                  ...(stopped || bridge.state === 'external' ? {} : beside(bridge.connections)),
                  containers: [container],
                  volumes: [
                    { name: 'data', persistentVolumeClaim: { claimName: bridge.claim } },
                    { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
                    trustVolume('trust'),
                  ],
                },
              },
            },
          },
        },
      });
    }
  }

  private container(command: string, stopped: boolean, database: readonly EnvVar[]): Container {
    const { image, from, bridge } = this.props;
    return {
      name: 'migration',
      image,
      command: ['python', '-m', 'event_store_migration'],
      args: [command, ...SOURCES[from], ...(stopped ? ['--bridge-url', bridge.api.url('http')] : [])],
      env: [
        ...database,
        bridge.eventSecret.env('LIGHTHOUSE_EVENT_SECRET'),
        { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
        { name: 'PYTHONUNBUFFERED', value: '1' },
      ],
      securityContext: RESTRICTED,
      resources: resources({ cpu: '100m', memory: '256Mi' }),
      volumeMounts: [
        { name: 'data', mountPath: DATA },
        { name: 'tmp', mountPath: '/tmp' },
        { name: 'trust', mountPath: '/trust', readOnly: true },
      ],
    };
  }

  private database(namespace: NamespaceScope): EnvVar[] {
    const { postgres } = this.props;
    const { migration, database, credentials } = postgres;
    const migrator = postgres.migratorFor(namespace);
    return [
      { name: 'PGHOST', value: migration.host },
      { name: 'PGPORT', value: String(migration.port) },
      { name: 'PGDATABASE', value: database },
      { name: 'PGUSER', value: migrator.user },
      // What it makes belongs to the owner, so that the login can be dropped afterwards.
      { name: 'PGOPTIONS', value: `-c role=${credentials.owner.user}` },
      { name: 'PGSSLMODE', value: 'verify-full' },
      { name: 'PGSSLROOTCERT', value: `/trust/${TRUST_FILE}` },
      migrator.env('PGPASSWORD'),
    ];
  }
}

/** On the node that the volume is attached to. */
function beside({ labels }: Connections): Pick<PodSpec, 'affinity'> {
  return {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
        ],
      },
    },
  };
}
