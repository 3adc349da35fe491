import type { ObservabilityStack } from '../observability-stack';
import type { PostgresCluster } from '.';

/** What there is to see of PostgreSQL. */
export function observePostgres(stack: ObservabilityStack, postgres: PostgresCluster): void {
  stack.scrape(postgres);
  stack.probe('postgres', postgres.readWrite, { module: 'tcp' });
  stack.probe('postgres', postgres.pooled, { module: 'tcp' });
}
