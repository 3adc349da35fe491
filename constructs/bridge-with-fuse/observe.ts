import type { ObservabilityStack } from '../observability-stack';
import type { Endpoint } from '../platform/endpoint';
import { BRIDGE, BRIDGE_LIMITS } from './settings';

/** What there is to see of Lighthouse's server, which serves no metrics: its answers. Spans and logs it sends by itself. */
export function observeBridge(stack: ObservabilityStack, api: Endpoint): void {
  stack.probe(BRIDGE.service, api, { module: 'http', path: '/health' });
  stack.probe(BRIDGE.service, api, { module: 'operational', path: '/status' });
}

/** When somebody is told of Lighthouse; silent as long as none runs. */
export function bridgeAlerts(stack: ObservabilityStack): void {
  stack.alerts('bridge', __dirname, {
    SERVICE: BRIDGE.service,
    NAMESPACE: BRIDGE.namespace,
    CONTAINER: BRIDGE.container,
    FUSE: BRIDGE.fuse,
    MEMORY_SHARE: BRIDGE_LIMITS.memoryShare,
    // A sixth before it: hours at the pace of people, and time to copy the old file.
    ROTATION_NEAR_BYTES: Math.round(BRIDGE_LIMITS.eventLogBytes * 0.85),
  });
}
