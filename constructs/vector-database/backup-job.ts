import { Construct } from 'constructs';
import { CronJob, ServiceAccount } from '../../imports/k8s';
import type { Credential } from '../credentials';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { recurring } from '../platform/cron';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import { scriptPod } from './script-pod';

export interface BackupJobProps {
  /** Image with Python 3. */
  readonly image: string;
  readonly database: Endpoint;
  readonly user: Credential;
  /** Cron expression of five fields, in UTC. */
  readonly schedule: string;
}

/** A backup that takes longer than this has failed. */
const MAX_SECONDS = 3600;

/** Asks the members for a backup, again and again. How long backups are kept is the bucket's to say. */
export class BackupJob extends Construct {
  readonly connections = new Connections(this, { name: 'weaviate-backup', component: 'backup' });

  constructor(scope: Construct, id: string, props: BackupJobProps) {
    super(scope, id);
    const { image, database, user, schedule } = props;
    this.connections.allowTo(database);
    const account = new ServiceAccount(this, 'Account', {
      metadata: { name: objectName(this) },
      automountServiceAccountToken: false,
    });
    new CronJob(this, 'Resource', {
      spec: {
        // A backup is refused while another one runs.
        ...recurring(schedule),
        jobTemplate: {
          spec: {
            backoffLimit: 3,
            activeDeadlineSeconds: 2 * MAX_SECONDS,
            template: scriptPod({
              image,
              connections: this.connections,
              serviceAccountName: account.name,
              files: new ConfigFiles(this, 'Config', __dirname, { 'rest.py': {}, 'backup.py': {} }),
              script: 'backup.py',
              database,
              user,
              env: [{ name: 'MAX_SECONDS', value: String(MAX_SECONDS) }],
            }),
          },
        },
      },
    });
  }
}
