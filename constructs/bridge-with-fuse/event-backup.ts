import { Construct } from 'constructs';
import { Container, CronJob } from '../../imports/k8s';
import { trustVolume } from '../certificate-authority';
import { Bucket, copyEnv } from '../platform/bucket';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { recurring } from '../platform/cron';
import { resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';

/** Where copies of the event log go, and how often. */
export interface EventLogBackup {
  /** Image with the AWS command line and a shell. */
  readonly image: string;
  readonly bucket: Bucket;
  /** Folder in the bucket, different for every cluster that shares it. */
  readonly folder: string;
  /** Longest loss of events that is accepted after a disaster, minutes, 2 to 60; copies are made twice as often. */
  readonly recoveryPointMinutes: number;
}

export interface EventBackupProps extends EventLogBackup {
  /** The pods beside which it runs: their volume is attached to one node. */
  readonly beside: Connections;
  /** The volume with the log, and the folder of it in there. */
  readonly claim: string;
  readonly folderInClaim: string;
  /** User who may read the log. */
  readonly uid: number;
}

/** Copies the event log to a bucket, from the node that has its volume. It reads the volume and cannot write to it. */
export class EventBackup extends Construct {
  readonly connections = new Connections(this, { name: 'lighthouse', component: 'backup' });

  constructor(scope: Construct, id: string, props: EventBackupProps) {
    super(scope, id);
    const { bucket, beside, claim, uid, recoveryPointMinutes } = props;
    if (!Number.isInteger(recoveryPointMinutes) || recoveryPointMinutes < 2 || recoveryPointMinutes > 60) {
      throw new Error(
        `${this.node.path}: recoveryPointMinutes must be whole minutes from 2 to 60, got ${recoveryPointMinutes}`,
      );
    }
    bucket.allowFrom(this.connections);
    const config = new ConfigFiles(this, 'Config', __dirname, { 'copy-events.sh': {} });
    const account = withoutToken(this);
    new CronJob(this, 'Resource', {
      spec: {
        ...recurring(`*/${Math.floor(recoveryPointMinutes / 2)} * * * *`, 60 * recoveryPointMinutes),
        jobTemplate: {
          spec: {
            backoffLimit: 2,
            // The first copy of a large log takes its time; the next one is made when it is over.
            activeDeadlineSeconds: 3600,
            template: {
              metadata: { labels: this.connections.podLabels },
              spec: {
                restartPolicy: 'Never',
                ...account,
                securityContext: restrictedPod(uid),
                affinity: {
                  podAffinity: {
                    requiredDuringSchedulingIgnoredDuringExecution: [
                      {
                        topologyKey: 'kubernetes.io/hostname',
                        labelSelector: { matchLabels: beside.labels },
                      },
                    ],
                  },
                },
                containers: [this.container(props)],
                volumes: [
                  config.volume('config'),
                  { name: 'data', persistentVolumeClaim: { claimName: claim, readOnly: true } },
                  { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
                  ...(bucket.trust === 'platform' ? [trustVolume('trust')] : []),
                ],
              },
            },
          },
        },
      },
    });
  }

  private container({ image, bucket, folder, folderInClaim }: EventBackupProps): Container {
    return {
      name: 'copy-events',
      image,
      command: ['/bin/sh', '/config/copy-events.sh'],
      env: [{ name: 'EVENTS', value: `/data/${folderInClaim}` }, ...copyEnv(bucket, folder)],
      securityContext: RESTRICTED,
      resources: resources({ cpu: '20m', memory: '128Mi' }),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'data', mountPath: '/data', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
        ...(bucket.trust === 'platform' ? [{ name: 'trust', mountPath: '/trust', readOnly: true }] : []),
      ],
    };
  }
}
