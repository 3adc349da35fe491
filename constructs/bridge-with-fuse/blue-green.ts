import { Construct } from 'constructs';
import { PodTemplateSpec, Service } from '../../imports/k8s';
import { AnalysisTemplate, Rollout } from '../../imports/rollouts.argoproj.io';
import { BURNS, LEAST_BAD } from '../observability-stack/objectives/objectives';
import { OBJECTIVE_METRICS } from '../observability-stack/objectives/rules';
import type { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import type { Peer } from '../platform/peer';
import { BRIDGE } from './settings';

/** The controller of Argo Rollouts, as its chart labels it (argo-rollouts 2.41.1, templates/controller/deployment.yaml). */
const CONTROLLER: Peer = {
  namespace: 'argo-rollouts',
  labels: { 'app.kubernetes.io/name': 'argo-rollouts', 'app.kubernetes.io/component': 'rollouts-controller' },
  account: 'argo-rollouts',
};

/** How often something is measured; `delay` seconds before the first time. */
interface Measuring {
  readonly delay: number;
  readonly interval: number;
  readonly count: number;
}

/** Before the switch nobody asks the new pods anything: all there is to see is whether they stay up. */
const BEFORE: Measuring = { delay: 30, interval: 15, count: 5 };

/** After it, until a rate over five minutes is of the new pods alone. */
const AFTER: Measuring = { delay: 60, interval: 30, count: 10 };

const secondsOf = ({ delay, interval, count }: Measuring): number => delay + (count - 1) * interval;

/**
 * How long the old pods stay after the switch, seconds: twice the analysis, which takes longer where Prometheus is slow to
 * answer. While they are there, going back takes no start.
 */
const SCALE_DOWN_DELAY = 2 * secondsOf(AFTER);

const ANALYSES = { before: 'PrePromotion', after: 'PostPromotion' } as const;

const nameOf = (bridge: Construct, id: string): string =>
  `${objectName(bridge)}-${id.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase()}`;

/**
 * All new pods beside all old ones; when they are ready and stay so, the Service is switched to them at once, and back again
 * where the objectives suffer. The Service selects nothing by itself: the controller says which pods it leads to.
 */
export function blueGreen(
  bridge: Construct,
  connections: Connections,
  template: PodTemplateSpec,
  pods: { readonly replicas?: number; readonly annotations?: Readonly<Record<string, string>> },
): void {
  const { replicas, annotations } = pods;
  const preview = new Service(bridge, 'Preview', {
    metadata: { name: `${objectName(bridge)}-preview` },
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      ipFamilyPolicy: 'SingleStack',
      ports: connections.endpoints.map(({ name, port }) => ({ name, port, targetPort: name })),
    },
  });
  const analysis = (id: string) => ({
    templates: [{ templateName: nameOf(bridge, id) }],
    args: [{ name: 'revision', valueFrom: { podTemplateHashValue: 'Latest' } }],
  });
  new Rollout(bridge, 'Resource', {
    metadata: { annotations },
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      selector: { matchLabels: connections.labels },
      template,
      progressDeadlineSeconds: 600,
      progressDeadlineAbort: true,
      // Whoever goes back to what ran just now waits for no analysis.
      rollbackWindow: { revisions: 2 },
      strategy: {
        blueGreen: {
          activeService: connections.serviceName,
          previewService: preview.name,
          prePromotionAnalysis: analysis(ANALYSES.before),
          postPromotionAnalysis: analysis(ANALYSES.after),
          scaleDownDelaySeconds: SCALE_DOWN_DELAY,
        },
      },
    },
  });
}

/** By what a new revision is judged, before and after it takes over. */
export function judge(bridge: Construct, prometheus: Endpoint): void {
  prometheus.owner.allowFrom(CONTROLLER, prometheus);
  const pods = `namespace="${BRIDGE.namespace}", pod=~"${objectName(bridge)}-{{args.revision}}-.+"`;
  const metric = (
    name: string,
    { delay, interval, count }: Measuring,
    query: string,
    failureCondition: string,
    failureLimit: number,
  ) => ({
    name,
    initialDelay: `${delay}s`,
    interval: `${interval}s`,
    count,
    failureLimit,
    failureCondition,
    provider: { prometheus: { address: prometheus.url('https'), query } },
  });
  const steady = (measuring: Measuring) => [
    metric(
      'restarts',
      measuring,
      `sum(increase(kube_pod_container_status_restarts_total{${pods}}[5m])) or vector(0)`,
      'result[0] > 0',
      0,
    ),
    // A pod that is not there is not ready.
    metric(
      'ready',
      measuring,
      `min(kube_pod_container_status_ready{${pods}, container="${BRIDGE.container}"}) or vector(0)`,
      'result[0] < 1',
      1,
    ),
  ];
  new AnalysisTemplate(bridge, ANALYSES.before, {
    spec: { args: [{ name: 'revision' }], metrics: steady(BEFORE) },
  });
  new AnalysisTemplate(bridge, ANALYSES.after, {
    spec: {
      args: [{ name: 'revision' }],
      metrics: [
        ...steady(AFTER),
        metric(
          'healthy',
          AFTER,
          `min(lighthouse:service_healthy{service="${BRIDGE.service}"}) or vector(0)`,
          'result[0] < 1',
          1,
        ),
        // As the alert that wakes somebody compares it, in its shorter window.
        metric(
          'objectives',
          AFTER,
          `max(${OBJECTIVE_METRICS.burn('5m')} unless ${OBJECTIVE_METRICS.bad('1h')} < ${LEAST_BAD}) or vector(0)`,
          `result[0] > ${BURNS['1h']}`,
          1,
        ),
      ],
    },
  });
}
