import { Construct } from 'constructs';
import { ObjectStore } from '../../imports/barmancloud.cnpg.io';
import { ClusterSpec, ScheduledBackup } from '../../imports/postgresql.cnpg.io';
import { TRUST_BUNDLE, TRUST_FILE } from '../certificate-authority';
import { Bucket, bucketUrl } from '../platform/bucket';
import { objectName } from '../platform/names';
import { resources } from '../platform/pod';

/** Where backups and the write-ahead log go. */
export interface PostgresBackup {
  readonly bucket: Bucket;
  /** Folder in the bucket, different for every cluster that shares it, as in `production-frankfurt`. */
  readonly serverName: string;
  /** When whole backups are taken: six fields, seconds first. */
  readonly schedule: string;
  /** Days back to which the database can be restored. */
  readonly retentionDays: number;
  /** Longest loss of data that is accepted after a disaster, in minutes. */
  readonly recoveryPointMinutes: number;
}

/** Whose backups a cluster starts from, and as of when. */
export interface RecoverySource {
  /** Folder in the bucket. */
  readonly serverName: string;
  /** UTC, as in `2026-01-31T12:00:00Z`. */
  readonly targetTime: string;
}

/** Name of the plugin, as it registers with the operator. */
const PLUGIN = 'barman-cloud.cloudnative-pg.io';

/** What the plugin's container gets beside PostgreSQL: Python, once for each of the two parallel jobs. */
export const BACKUP_SIDECAR = { cpu: '50m', memory: '384Mi' };

/**
 * The folder that a cluster archives to. One that was recovered never writes where it came from: the archive's history
 * would fork, and the plugin refuses a folder that is not empty. Leave `recoverFrom` in the configuration for good.
 */
export function archiveFolder(serverName: string, recoverFrom?: Pick<RecoverySource, 'targetTime'>): string {
  if (!recoverFrom) return serverName;
  return `${serverName}-${recoverFrom.targetTime.replace(/[^0-9]/g, '')}`;
}

/** The object store as the operator's backup plugin sees it, and the schedule of whole backups. */
export class Backups extends Construct {
  private readonly store: string;

  constructor(
    scope: Construct,
    id: string,
    cluster: string,
    { bucket, schedule, retentionDays }: PostgresBackup,
  ) {
    super(scope, id);
    const name = objectName(this);
    this.store = new ObjectStore(this, 'Resource', {
      metadata: { name },
      spec: {
        retentionPolicy: `${retentionDays}d`,
        configuration: {
          destinationPath: `s3://${bucket.name}/`,
          endpointURL: bucketUrl(bucket),
          ...(bucket.trust === 'platform' ? { endpointCA: { name: TRUST_BUNDLE, key: TRUST_FILE } } : {}),
          s3Credentials: { accessKeyId: bucket.accessKey, secretAccessKey: bucket.secretKey },
          wal: { compression: 'zstd', maxParallel: 2 },
          // Without immediateCheckpoint a backup begins by waiting for most of checkpoint_timeout.
          data: { compression: 'gzip', jobs: 2, immediateCheckpoint: true },
        },
        instanceSidecarConfiguration: {
          env: [
            { name: 'AWS_REGION', value: bucket.region },
            { name: 'AWS_DEFAULT_REGION', value: bucket.region },
            // Checksums that only AWS understands: others answer with an error.
            { name: 'AWS_REQUEST_CHECKSUM_CALCULATION', value: 'when_required' },
            { name: 'AWS_RESPONSE_CHECKSUM_VALIDATION', value: 'when_required' },
          ],
          resources: resources(BACKUP_SIDECAR),
        },
      },
    }).name;
    new ScheduledBackup(this, 'Schedule', {
      metadata: { name },
      spec: {
        cluster: { name: cluster },
        schedule,
        immediate: true,
        method: 'plugin',
        pluginConfiguration: { name: PLUGIN },
        // From a standby where there is one.
        target: 'prefer-standby',
        // Records of backups outlive a changed schedule.
        backupOwnerReference: 'cluster',
      },
    });
  }

  /** Archives the write-ahead log of a cluster to a folder. */
  archive(serverName: string): Pick<ClusterSpec, 'plugins'> {
    return { plugins: [{ ...this.plugin(serverName), isWALArchiver: true }] };
  }

  /** A folder as the operator takes it for another cluster, named as the folder. */
  source(serverName: string): NonNullable<ClusterSpec['externalClusters']>[number] {
    return { name: serverName, plugin: this.plugin(serverName) };
  }

  private plugin(serverName: string) {
    return { name: PLUGIN, parameters: { barmanObjectName: this.store, serverName } };
  }
}
