import { Construct } from 'constructs';
import { CronJob, EnvVar, Job, PodTemplateSpec, ServiceAccount } from '../../imports/k8s';
import { TlsSecret, trustVolume } from '../certificate-authority';
import { Credential } from '../credentials';
import { ConfigFiles, contentHash } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { recurring } from '../platform/cron';
import { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import { JOB_DEADLINE_SECONDS, resources, RESTRICTED, restrictedPod } from '../platform/pod';

export interface EventStoreSchemaProps {
  /** PostgreSQL image, for its psql. */
  readonly image: string;
  /** The primary itself: transactions that hold advisory locks do not go through a pooler. */
  readonly server: Endpoint;
  readonly database: string;
  /** The database's owner. */
  readonly owner: Credential;
  /** By which the owner shows itself. */
  readonly certificate: TlsSecret;
  /** Whole days that events are kept. */
  readonly retentionDays: number;
  /**
   * What else is applied, after the schema and in the same transaction.
   * @default - nothing
   */
  readonly also?: readonly 'lender.sql'[];
}

/** `postgres` in the operator's images. */
const POSTGRES_UID = 26;

/**
 * Days of partitions made ahead: as long as the daily maintenance may fail before events go to the default partition,
 * which costs a lock later but no event.
 */
const PARTITIONS_AHEAD_DAYS = 7;

/** Every file of the event store; what has holes, with their values. */
const FILES = ['apply.sql', 'migrate.sql', '001-events.sql', '002-partitions.sql', 'grants.sql'] as const;

/** The event store's schema: applied again whenever its SQL changes, its partitions maintained every day. */
export class EventStoreSchema extends Construct {
  readonly connections = new Connections(this, { name: 'event-store', component: 'schema' });
  private readonly account: string;

  constructor(scope: Construct, id: string, props: EventStoreSchemaProps) {
    super(scope, id);
    const { server, retentionDays, also = [] } = props;
    this.connections.allowTo(server);
    this.account = new ServiceAccount(this, 'Account', {
      metadata: { name: objectName(this) },
      automountServiceAccountToken: false,
    }).name;

    const files = new ConfigFiles(this, 'Config', __dirname, {
      ...Object.fromEntries([...FILES, ...also].map((file) => [`event-store/${file}`, {}])),
      'event-store/settings.sql': { RETENTION_DAYS: retentionDays, PARTITIONS_AHEAD_DAYS },
    });
    // -1: one transaction, which apply.sql insists on.
    const scripts = ['apply.sql', ...also].flatMap((file) => ['-f', file]);
    const apply = this.psql(props, ['-1', ...scripts], files);
    new Job(this, 'Resource', {
      metadata: { name: `${objectName(this)}-${contentHash(apply)}` },
      // Ten attempts, 10 s to 6 min apart: the operator may still be making the roles.
      spec: { backoffLimit: 10, activeDeadlineSeconds: JOB_DEADLINE_SECONDS, template: apply },
    });

    const maintain = this.psql(props, ['-c', 'SELECT * FROM maintain_event_partitions()']);
    new CronJob(this, 'Maintenance', {
      metadata: { name: `${objectName(this)}-maintenance` },
      spec: {
        // Not at midnight, where the writers move to the next day's partition.
        ...recurring('17 2 * * *'),
        // It gives up after two seconds of waiting for its lock and is to be repeated.
        jobTemplate: {
          spec: { backoffLimit: 6, activeDeadlineSeconds: JOB_DEADLINE_SECONDS, template: maintain },
        },
      },
    });
  }

  private psql(
    { image, server, database, owner, certificate }: EventStoreSchemaProps,
    args: readonly string[],
    files?: ConfigFiles,
  ): PodTemplateSpec {
    const env: EnvVar[] = [
      { name: 'PGHOST', value: server.host },
      { name: 'PGPORT', value: String(server.port) },
      { name: 'PGDATABASE', value: database },
      { name: 'PGUSER', value: owner.user },
      { name: 'PGSSLMODE', value: 'verify-full' },
      { name: 'PGSSLROOTCERT', value: '/trust/ca.crt' },
      { name: 'PGSSLCERT', value: '/tls/tls.crt' },
      { name: 'PGSSLKEY', value: '/tls/tls.key' },
      { name: 'PGCONNECT_TIMEOUT', value: '10' },
      { name: 'PGAPPNAME', value: objectName(this) },
      // A password file would have to be readable by its owner alone, which a mounted Secret cannot be.
      owner.env('PGPASSWORD'),
    ];
    return {
      metadata: { labels: this.connections.podLabels },
      spec: {
        restartPolicy: 'OnFailure',
        serviceAccountName: this.account,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 30,
        securityContext: restrictedPod(POSTGRES_UID),
        containers: [
          {
            name: 'psql',
            image,
            command: ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', ...args],
            ...(files ? { workingDir: '/event-store' } : {}),
            env,
            securityContext: RESTRICTED,
            resources: resources({ cpu: '10m', memory: '64Mi' }),
            volumeMounts: [
              { name: 'trust', mountPath: '/trust', readOnly: true },
              { name: 'tls', mountPath: '/tls', readOnly: true },
              ...(files ? [{ name: 'files', mountPath: '/event-store', readOnly: true }] : []),
            ],
          },
        ],
        volumes: [trustVolume('trust'), certificate.volume('tls'), ...(files ? [files.volume('files')] : [])],
      },
    };
  }
}
