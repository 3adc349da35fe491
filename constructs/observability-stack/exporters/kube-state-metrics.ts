import { Construct } from 'constructs';
import { ClusterRole, ClusterRoleBinding, Deployment, ServiceAccount } from '../../../imports/k8s';
import { Connections } from '../../platform/connections';
import { namespaceOf, objectName } from '../../platform/names';
import type { AddressRange } from '../../platform/peer';
import { oneAtATime, resources, RESTRICTED, restrictedPod } from '../../platform/pod';

export interface KubeStateMetricsProps {
  readonly image: string;
  readonly apiServer: AddressRange;
}

/** What is counted, by API group: what rules and dashboards read, and no Secrets or ConfigMaps. */
const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  '': ['namespaces', 'nodes', 'persistentvolumeclaims', 'pods', 'resourcequotas'],
  apps: ['daemonsets', 'deployments', 'statefulsets'],
  batch: ['cronjobs', 'jobs'],
  policy: ['poddisruptionbudgets'],
};

/** User `nobody` of the public image. */
const UID = 65534;

/** The state of Kubernetes' own objects as metrics. */
export class KubeStateMetrics extends Construct {
  readonly connections = new Connections(this, { name: 'kube-state-metrics', component: 'exporter' });
  private readonly metrics = this.connections.listen('metrics', 8080, {
    metricsPath: '/metrics',
    metricsAbout: 'others',
  });
  private readonly own = this.connections.listen('telemetry', 8081, { metricsPath: '/metrics' });

  constructor(scope: Construct, id: string, props: KubeStateMetricsProps) {
    super(scope, id);
    this.connections.allowToRange(props.apiServer);
    const account = new ServiceAccount(this, 'Account', {
      metadata: { name: objectName(this) },
      automountServiceAccountToken: false,
    });
    const metadata = { name: `${namespaceOf(this)}-${objectName(this)}` };
    new ClusterRole(this, 'Read', {
      metadata,
      rules: Object.entries(RESOURCES).map(([group, kinds]) => ({
        apiGroups: [group],
        resources: kinds,
        verbs: ['list', 'watch'],
      })),
    });
    new ClusterRoleBinding(this, 'MayRead', {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: account.name, namespace: namespaceOf(this) }],
    });
    new Deployment(this, 'Resource', {
      spec: {
        replicas: 1,
        strategy: oneAtATime(1),
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            serviceAccountName: account.name,
            automountServiceAccountToken: true,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: 10,
            securityContext: restrictedPod(UID),
            containers: [
              {
                name: 'kube-state-metrics',
                image: props.image,
                args: [
                  `--port=${this.metrics.port}`,
                  `--telemetry-port=${this.own.port}`,
                  `--resources=${Object.values(RESOURCES).flat().join(',')}`,
                ],
                ports: this.connections.containerPorts(this.metrics, this.own),
                readinessProbe: { httpGet: { path: '/readyz', port: this.own.name }, timeoutSeconds: 5 },
                // It asks the API server: killed for that one's silence, it would only come back to the same.
                livenessProbe: {
                  httpGet: { path: '/livez', port: this.metrics.name },
                  timeoutSeconds: 5,
                  periodSeconds: 30,
                  failureThreshold: 10,
                },
                securityContext: RESTRICTED,
                resources: resources({ cpu: '10m', memory: '96Mi' }),
              },
            ],
          },
        },
      },
    });
  }
}
