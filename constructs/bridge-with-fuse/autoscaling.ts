import { Construct } from 'constructs';
import { ScaledObject, TriggerAuthentication } from '../../imports/keda.sh';
import { TRUST_BUNDLE, TRUST_FILE } from '../certificate-authority';
import { OBJECTIVE_METRICS } from '../observability-stack/objectives/rules';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import type { Peer } from '../platform/peer';

/** Between how many pods an autoscaler chooses. */
export interface Autoscaling {
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** KEDA's operator, which asks Prometheus (config/manager/manager.yaml of v2.21.0). */
const OPERATOR: Peer = { namespace: 'keda', labels: { app: 'keda-operator' }, account: 'keda-operator' };

/**
 * What one pod takes on. A process of one validates some 1,000 times a second on one core, and Lighthouse's capacity plan
 * adds pods at 70 % of CPU.
 */
const TARGETS = {
  /** Requests a second. */
  requests: 700,
  /** Of the one core that one process of Python can use. */
  cpu: '700m',
  /** Requests that wait at the edge: it lets none wait before every pod has all that it may have. */
  queue: 10,
  /** Times that the budget of slow validations is used too fast: 1 is where the 95th percentile is at its bound. */
  burn: 1,
} as const;

/** Pace, as the capacity plan has it: at most double, and ten minutes before less is enough. */
const PACE = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    policies: [{ type: 'Percent', value: 100, periodSeconds: 60 }],
  },
  scaleDown: {
    stabilizationWindowSeconds: 600,
    policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
  },
} as const;

/** What is scaled, and by which certificate its scaler shows itself to Prometheus. */
export interface Scaled extends Autoscaling {
  readonly kind: 'Deployment' | 'Rollout';
  /** Pods while Prometheus does not answer; those that are there, if they are more. */
  readonly replicas: number;
  readonly certificate: string;
}

/** Adds and takes away pods by what is asked of them. CPU is known without Prometheus. */
export function autoscale(bridge: Construct, prometheus: Endpoint, scaled: Scaled): void {
  const { kind, replicas, minReplicas, maxReplicas, certificate } = scaled;
  prometheus.owner.allowFrom(OPERATOR, prometheus);
  const authentication = new TriggerAuthentication(bridge, 'Prometheus', {
    metadata: { name: `${objectName(bridge)}-prometheus` },
    spec: {
      configMapTargetRef: [{ parameter: 'ca', name: TRUST_BUNDLE, key: TRUST_FILE }],
      // KEDA takes roots of one's own only together with a certificate of the client; Prometheus does not ask for it.
      secretTargetRef: [
        { parameter: 'cert', name: certificate, key: 'tls.crt' },
        { parameter: 'key', name: certificate, key: 'tls.key' },
      ],
    },
  });
  const asked = (name: string, metricType: 'AverageValue' | 'Value', threshold: number, query: string) => ({
    type: 'prometheus',
    name,
    metricType,
    metadata: {
      serverAddress: prometheus.url('https'),
      query,
      threshold: String(threshold),
      authModes: 'tls',
    },
    authenticationRef: { name: authentication.name },
  });
  new ScaledObject(bridge, 'Autoscaler', {
    metadata: { name: objectName(bridge) },
    spec: {
      scaleTargetRef: {
        apiVersion: kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1',
        kind,
        name: objectName(bridge),
      },
      pollingInterval: 15,
      minReplicaCount: minReplicas,
      maxReplicaCount: maxReplicas,
      fallback: { failureThreshold: 4, replicas, behavior: 'currentReplicasIfHigher' },
      advanced: { horizontalPodAutoscalerConfig: { behavior: PACE } },
      triggers: [
        asked(
          'requests',
          'AverageValue',
          TARGETS.requests,
          'sum(rate(lighthouse_bridge_requests_total[2m]))',
        ),
        asked(
          'latency',
          'Value',
          TARGETS.burn,
          `max(${OBJECTIVE_METRICS.burn('5m')}{objective="validation-p95"})`,
        ),
        asked('queue', 'AverageValue', TARGETS.queue, 'sum(haproxy_backend_current_queue{proxy="bridge"})'),
        { type: 'cpu', metricType: 'AverageValue', metadata: { value: TARGETS.cpu } },
      ],
    },
  });
}
