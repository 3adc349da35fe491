import type { ObservabilityStack } from '../observability-stack';
import type { BridgeWithFuse } from '.';
import { bridgeLogs } from './logs';
import { BRIDGE, BRIDGE_LIMITS } from './settings';

/** What there is to see of Lighthouse's server, which serves no metrics: its answers, its lines, and what its requests tell. */
export function observeBridge(stack: ObservabilityStack, bridge: BridgeWithFuse): void {
  bridge.exportTo(stack.telemetry.gateway.grpc);
  bridge.measureBy(stack.prometheus.endpoint);
  stack.logs(bridge, bridgeLogs());
  stack.probe(BRIDGE.service, bridge.api, { module: 'http', path: '/health' });
  stack.probe(BRIDGE.service, bridge.api, { module: 'operational', path: '/status' });
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
