import { Construct } from 'constructs';
import { DaemonSet } from '../../imports/k8s';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { NODES } from '../platform/labels';
import { resources, withoutToken } from '../platform/pod';
import { SCRIPTS } from './settings';

export interface FuseOpenerProps {
  /** An image with Python; that of the file system has it. */
  readonly image: string;
  /** Nodes of the cluster; each runs one. */
  readonly nodes: number;
  /**
   * The kubelet's folder of pods on the nodes.
   * @default '/var/lib/kubelet/pods'
   */
  readonly podsFolder?: string;
}

/**
 * Mounts for the pods of its node whose file system has mode `fd-passing`, in a namespace of level `privileged`. It alone is
 * privileged, it runs nothing of theirs, has no network and no token.
 */
export class FuseOpener extends Construct {
  /** It has none: its pods are known by these labels, and all is denied to them. */
  readonly connections = new Connections(this, { name: 'fuse-opener', component: 'agent' });

  constructor(scope: Construct, id: string, props: FuseOpenerProps) {
    super(scope, id);
    const { image, nodes, podsFolder = '/var/lib/kubelet/pods' } = props;
    const scripts = new ConfigFiles(this, 'Scripts', __dirname, { 'opener.py': {} });
    const account = withoutToken(this);
    new DaemonSet(this, 'Resource', {
      metadata: { annotations: { [NODES]: String(nodes) } },
      spec: {
        selector: { matchLabels: this.connections.labels },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%' } },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            terminationGracePeriodSeconds: 1,
            tolerations: [{ operator: 'Exists' }],
            containers: [
              {
                name: 'opener',
                image,
                command: ['python3', `${SCRIPTS}/opener.py`],
                env: [{ name: 'PODS', value: podsFolder }],
                // It looks twice a second, and says so.
                livenessProbe: {
                  exec: { command: ['/bin/sh', '-c', 'test -n "$(find /tmp/opener -newermt -30seconds)"'] },
                  timeoutSeconds: 5,
                  periodSeconds: 20,
                },
                // Only a privileged container's mounts spread.
                securityContext: {
                  privileged: true,
                  runAsUser: 0,
                  runAsNonRoot: false,
                  readOnlyRootFilesystem: true,
                },
                resources: resources({ cpu: '10m', memory: '32Mi' }),
                volumeMounts: [
                  { name: 'pods', mountPath: podsFolder, mountPropagation: 'Bidirectional' },
                  { name: 'tmp', mountPath: '/tmp' },
                  { name: 'scripts', mountPath: SCRIPTS, readOnly: true },
                ],
              },
            ],
            volumes: [
              { name: 'pods', hostPath: { path: podsFolder, type: 'Directory' } },
              { name: 'tmp', emptyDir: { sizeLimit: '1Mi' } },
              scripts.volume('scripts'),
            ],
          },
        },
      },
    });
  }
}
