import type { ObservabilityStack } from '../observability-stack';
import type { RedisSentinel } from '.';

/** What there is to see of one group of Redis. */
export function observeRedis(
  stack: ObservabilityStack,
  purpose: 'cache' | 'sessions',
  redis: RedisSentinel,
): void {
  stack.scrape(redis);
  stack.probe(`redis-${purpose}`, redis.master, { module: 'tls' });
}
