import { Construct } from 'constructs';
import { Container, CronJob } from '../../imports/k8s';
import { TRUST_FILE, trustVolume } from '../certificate-authority';
import { Bucket, copyEnv } from '../platform/bucket';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { recurring } from '../platform/cron';
import type { Endpoint } from '../platform/endpoint';
import { NOBODY, Resources, resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import { SNAPSHOT, tokenVolume } from './admission';

/** Where snapshots go, and how often. */
export interface VaultBackup {
  readonly bucket: Bucket;
  /** Folder in the bucket, different for every cluster that shares it. */
  readonly folder: string;
  /** Image with the AWS command line and a shell. */
  readonly cliImage: string;
  /** Cron expression of five fields, in UTC. */
  readonly schedule: string;
}

export interface SnapshotsProps extends VaultBackup {
  readonly image: string;
  readonly api: Endpoint;
  /** Where a standby sends it: the leader, by its own name. */
  readonly peer: Endpoint;
}

/** An almost empty Vault makes a snapshot of 12 to 17 KiB (docs/decisions/secret-management.md): less than this is none. */
const MIN_BYTES = 4096;

/** Reserved for one step. The command line is Vault's whole program; what it maps of its file is not counted against it. */
const STEP: Resources = { cpu: '20m', memory: '128Mi' };

/** Copies of Vault's storage in a bucket: what brings it back when all members' volumes are lost. */
export class Snapshots extends Construct {
  readonly connections = new Connections(this, { name: 'vault', component: 'backup' });

  constructor(scope: Construct, id: string, props: SnapshotsProps) {
    super(scope, id);
    const { bucket, api, peer, schedule } = props;
    this.connections.allowTo(api, peer);
    bucket.allowFrom(this.connections);
    const config = new ConfigFiles(this, 'Config', __dirname, {
      'save-snapshot.sh': {},
      'keep-snapshot.sh': {},
    });
    const account = withoutToken(this);
    new CronJob(this, 'Resource', {
      spec: {
        ...recurring(schedule),
        jobTemplate: {
          spec: {
            backoffLimit: 3,
            activeDeadlineSeconds: 1800,
            template: {
              metadata: { labels: this.connections.podLabels },
              spec: {
                restartPolicy: 'Never',
                ...account,
                securityContext: restrictedPod(NOBODY),
                initContainers: [this.save(props)],
                containers: [this.keep(props)],
                volumes: [
                  config.volume('config'),
                  trustVolume('trust'),
                  { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
                  { name: 'work', emptyDir: { sizeLimit: '2Gi' } },
                  tokenVolume('token'),
                ],
              },
            },
          },
        },
      },
    });
  }

  private save({ image, api }: SnapshotsProps): Container {
    return {
      name: 'save',
      image,
      command: ['/bin/sh', '/config/save-snapshot.sh'],
      env: [
        { name: 'VAULT_ADDR', value: api.url('https') },
        { name: 'VAULT_CACERT', value: `/trust/${TRUST_FILE}` },
        { name: 'ROLE', value: SNAPSHOT.role },
        { name: 'MIN_BYTES', value: String(MIN_BYTES) },
        { name: 'HOME', value: '/tmp' },
      ],
      securityContext: RESTRICTED,
      resources: resources(STEP),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'token', mountPath: '/token', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
        { name: 'work', mountPath: '/work' },
      ],
    };
  }

  private keep({ cliImage, bucket, folder }: SnapshotsProps): Container {
    return {
      name: 'keep',
      image: cliImage,
      command: ['/bin/sh', '/config/keep-snapshot.sh'],
      env: copyEnv(bucket, folder),
      securityContext: RESTRICTED,
      resources: resources(STEP),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
        { name: 'work', mountPath: '/work' },
      ],
    };
  }
}
