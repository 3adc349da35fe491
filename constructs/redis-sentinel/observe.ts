import { join } from 'node:path';
import type { ObservabilityStack } from '../observability-stack';
import { renderPayload } from '../platform/config-files';
import { formatBytes } from '../platform/quantity';
import type { RedisSentinel } from '.';

/** From where on somebody is told; dashboards draw the same lines. */
export const REDIS_LIMITS = { memoryShare: 0.9 } as const;

/** What there is to see of one group of Redis. */
export function observeRedis(
  stack: ObservabilityStack,
  purpose: 'cache' | 'sessions',
  redis: RedisSentinel,
): void {
  stack.scrape(redis);
  stack.logs(redis, { parser: renderPayload(join(__dirname, 'logs.yaml')) });
  stack.probe(`redis-${purpose}`, redis.master, { module: 'tls' });
  const alerts = join(__dirname, 'alerts');
  stack.alerts(`redis-${purpose}`, join(alerts, 'group'), { GROUP: purpose, MEMBERS: redis.members });
  // A cache is full by design, evicts by design, and keeps nothing.
  if (purpose === 'sessions') {
    stack.alerts('redis-sessions-kept', join(alerts, 'sessions'), {
      MAXMEMORY: formatBytes(redis.dataBytes),
      MEMORY_NEAR_BYTES: Math.round(redis.dataBytes * REDIS_LIMITS.memoryShare),
    });
  }
}
