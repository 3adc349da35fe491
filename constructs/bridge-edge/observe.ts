import { join } from 'node:path';
import { BRIDGE } from '../bridge-with-fuse/settings';
import type { ObservabilityStack } from '../observability-stack';
import { renderPayload } from '../platform/config-files';
import type { BridgeEdge } from '.';

/** From where on somebody is told; the dashboard draws the same lines. */
export const EDGE_ALERTS = {
  /** Share of the queue that waits. */
  queueShare: 0.5,
  /** Share of requests that limits refuse. */
  limitedShare: 0.05,
  /** Share of requests that the edge itself answers with 5xx. */
  failingShare: 0.05,
  /** Times in 15 minutes that pods of the bridge are taken out: an update of one is one time in each backend. */
  openings: 4,
} as const;

/** What there is to see of the bridge's edge. It is looked at over TLS, with a certificate as agents have. */
export function observeEdge(stack: ObservabilityStack, edge: BridgeEdge): void {
  const { queue } = edge.limits;
  stack.scrape(edge);
  stack.logs(edge, { parser: renderPayload(join(__dirname, 'logs.yaml')) });
  stack.probe('edge', edge.https, { module: 'tls' });
  stack.alerts('edge', __dirname, {
    JOB: `${edge.connections.namespace}/${edge.connections.serviceName}`,
    BRIDGE: BRIDGE.service,
    QUEUE: queue,
    QUEUE_NEAR: Math.round(queue * EDGE_ALERTS.queueShare),
    LIMITED_SHARE: EDGE_ALERTS.limitedShare,
    FAILING_SHARE: EDGE_ALERTS.failingShare,
    OPENINGS: EDGE_ALERTS.openings,
  });
}
