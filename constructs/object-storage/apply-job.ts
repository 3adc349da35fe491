import { Construct } from 'constructs';
import { Container, Job, Volume } from '../../imports/k8s';
import { trustVolume } from '../certificate-authority';
import type { Credential } from '../credentials';
import { awsCliEnv, bucketUrl } from '../platform/bucket';
import { ConfigFiles, contentHash } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { objectName } from '../platform/names';
import {
  JOB_DEADLINE_SECONDS,
  NOBODY,
  resources,
  RESTRICTED,
  restrictedPod,
  withoutToken,
} from '../platform/pod';
import { bucketList, DeclaredBucket, lifecycle, transportPolicy } from './buckets';
import type { Engine } from './engine';

export interface ApplyJobProps {
  /** Image with the AWS command line and a shell. */
  readonly image: string;
  readonly engine: Engine;
  /** The keys that may make buckets. */
  readonly administrator: Credential;
  readonly buckets: readonly DeclaredBucket[];
}

/** Makes the buckets and what belongs to them: over the S3 API first, then whatever the engine adds. */
export class ApplyJob extends Construct {
  readonly connections = new Connections(this, { name: 'object-storage', component: 'apply' });

  constructor(scope: Construct, id: string, props: ApplyJobProps) {
    super(scope, id);
    const { engine, buckets } = props;
    engine.allowFrom(this.connections);
    const { afterBuckets } = engine;

    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      { 'buckets.sh': { URL: bucketUrl(engine) } },
      {
        buckets: bucketList(buckets),
        ...Object.fromEntries(
          buckets.flatMap((bucket) => [
            [`${bucket.name}.lifecycle.json`, lifecycle(bucket)],
            [`${bucket.name}.transport.json`, transportPolicy(bucket)],
          ]),
        ),
        ...afterBuckets?.files,
      },
    );
    const account = withoutToken(this);
    const steps = [this.bucketsStep(props), ...(afterBuckets ? [this.step(afterBuckets.container)] : [])];
    const volumes: Volume[] = [
      config.volume('config'),
      { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      ...(engine.trust === 'platform' ? [trustVolume('trust')] : []),
      ...(afterBuckets?.volumes ?? []),
    ];
    const template = {
      metadata: { labels: this.connections.podLabels },
      spec: {
        // Not OnFailure, which deletes the pod with the last failure, and what it said with it.
        restartPolicy: 'Never' as const,
        ...account,
        securityContext: restrictedPod(NOBODY),
        initContainers: steps.slice(0, -1),
        containers: steps.slice(-1),
        volumes,
      },
    };
    new Job(this, 'Resource', {
      metadata: { name: `${objectName(this)}-${contentHash(template)}` },
      // Four tries of five minutes' waiting for each step, well within the deadline, which would take the pod away.
      spec: { backoffLimit: 3, activeDeadlineSeconds: JOB_DEADLINE_SECONDS, template },
    });
  }

  private bucketsStep({ image, engine, administrator }: ApplyJobProps): Container {
    const name = administrator.secretName;
    return this.step({
      name: 'buckets',
      image,
      command: ['/bin/sh', '/config/buckets.sh'],
      env: [
        ...awsCliEnv({
          region: engine.region,
          trust: engine.trust,
          accessKey: { name, key: 'username' },
          secretKey: { name, key: 'password' },
        }),
      ],
      volumeMounts:
        engine.trust === 'platform' ? [{ name: 'trust', mountPath: '/trust', readOnly: true }] : [],
    });
  }

  private step(container: Pick<Container, 'name' | 'image' | 'command' | 'env' | 'volumeMounts'>): Container {
    return {
      ...container,
      securityContext: RESTRICTED,
      resources: resources({ cpu: '50m', memory: '192Mi' }),
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
        ...(container.volumeMounts ?? []),
      ],
    };
  }
}
