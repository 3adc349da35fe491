import { Construct } from 'constructs';
import { DaemonSet } from '../../../imports/k8s';
import { Connections } from '../../platform/connections';
import { NODES } from '../../platform/labels';
import { resources, RESTRICTED, restrictedPod, withoutToken } from '../../platform/pod';

export interface NodeExporterProps {
  readonly image: string;
  /** Nodes of the cluster; each runs one. */
  readonly nodes: number;
}

/** What is read of a node. No network: that would be the pod's own, and the node's would need the node's name space. */
const COLLECTORS = [
  'cpu',
  'diskstats',
  'filesystem',
  'loadavg',
  'meminfo',
  'pressure',
  'stat',
  'uname',
  'vmstat',
];

/** Parts of the node's file system that are no disk of its own. */
const PSEUDO = '^/(dev|proc|run|sys|var/lib/(containerd|docker|kubelet)/.+)($|/)';

/** Where a node's folders are seen in the pod. */
const HOST: Readonly<Record<string, string>> = { procfs: '/proc', sysfs: '/sys', rootfs: '/' };

/** User `nobody` of the public image. */
const UID = 65534;

/** CPU, memory and disks of every node, as its kernel tells. It may read the node's files as nobody does, and write nothing. */
export class NodeExporter extends Construct {
  readonly connections = new Connections(this, { name: 'node-exporter', component: 'agent' });
  private readonly metrics = this.connections.listen('metrics', 9100, { metricsPath: '/metrics' });

  constructor(scope: Construct, id: string, props: NodeExporterProps) {
    super(scope, id);
    const account = withoutToken(this);
    const probe = { httpGet: { path: '/', port: this.metrics.name }, timeoutSeconds: 5 };
    new DaemonSet(this, 'Resource', {
      metadata: { annotations: { [NODES]: String(props.nodes) } },
      spec: {
        selector: { matchLabels: this.connections.labels },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%' } },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            terminationGracePeriodSeconds: 10,
            securityContext: restrictedPod(UID),
            // Every node, whatever it is kept free of.
            tolerations: [{ operator: 'Exists' }],
            containers: [
              {
                name: 'node-exporter',
                image: props.image,
                args: [
                  `--web.listen-address=:${this.metrics.port}`,
                  ...Object.keys(HOST).map((name) => `--path.${name}=/host/${name}`),
                  '--collector.disable-defaults',
                  ...COLLECTORS.map((name) => `--collector.${name}`),
                  `--collector.filesystem.mount-points-exclude=${PSEUDO}`,
                ],
                ports: this.connections.containerPorts(this.metrics),
                readinessProbe: probe,
                livenessProbe: { ...probe, periodSeconds: 30 },
                securityContext: RESTRICTED,
                resources: resources({ cpu: '10m', memory: '32Mi' }),
                volumeMounts: Object.keys(HOST).map((name) => ({
                  name,
                  mountPath: `/host/${name}`,
                  readOnly: true,
                  // Disks that are mounted later are seen as well.
                  ...(name === 'rootfs' ? { mountPropagation: 'HostToContainer' as const } : {}),
                })),
              },
            ],
            volumes: Object.entries(HOST).map(([name, path]) => ({ name, hostPath: { path } })),
          },
        },
      },
    });
  }
}
