import { Construct } from 'constructs';
import { ServiceMonitor } from '../../../imports/monitoring.coreos.com';

export interface KubeletsProps {
  /** Time between two scrapes, as Prometheus writes it. */
  readonly interval: string;
}

/** Labels of the Service that prometheus-operator keeps for all nodes (pkg/kubelet/controller.go). */
const KUBELET_SERVICE = {
  'app.kubernetes.io/name': 'kubelet',
  'app.kubernetes.io/managed-by': 'prometheus-operator',
};

/**
 * What is kept, by where it is served: both serve thousands of series a node, of which rules and dashboards read these.
 */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  '/metrics': ['kubelet_volume_stats_.*', 'kubelet_running_pods', 'kubelet_node_name'],
  '/metrics/cadvisor': [
    'container_cpu_usage_seconds_total',
    'container_cpu_cfs_(throttled_)?periods_total',
    'container_memory_(working_set_bytes|rss)',
    'container_fs_(reads|writes)_bytes_total',
    'container_network_(receive|transmit)_bytes_total',
    'container_start_time_seconds',
    'container_oom_events_total',
    'container_processes',
    'machine_(cpu_cores|memory_bytes)',
  ],
};

/**
 * The kubelets of all nodes: volumes, and the containers that run. Their certificates are mostly their own, signed by
 * nobody a pod knows: they are not verified, and what is read from them is no secret.
 */
export class Kubelets extends Construct {
  constructor(scope: Construct, id: string, props: KubeletsProps) {
    super(scope, id);
    new ServiceMonitor(this, 'Resource', {
      metadata: { name: 'kubelet' },
      spec: {
        selector: { matchLabels: KUBELET_SERVICE },
        jobLabel: 'app.kubernetes.io/name',
        endpoints: Object.entries(KEPT).map(([path, names]) => ({
          port: 'https-metrics',
          scheme: 'https' as const,
          path,
          interval: props.interval,
          // Containers' own labels are what they are asked for.
          honorLabels: true,
          bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
          tlsConfig: { insecureSkipVerify: true },
          relabelings: [{ sourceLabels: ['__metrics_path__'], targetLabel: 'metrics_path' }],
          metricRelabelings: [
            { sourceLabels: ['__name__'], regex: names.join('|'), action: 'keep' as const },
          ],
        })),
      },
    });
  }
}
