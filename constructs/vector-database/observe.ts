import { join } from 'node:path';
import type { ObservabilityStack } from '../observability-stack';
import { renderPayload } from '../platform/config-files';
import type { VectorDatabase } from '.';
import type { Embeddings } from './embeddings';

/** What there is to see of Weaviate and of what makes its vectors. */
export function observeVectorDatabase(
  stack: ObservabilityStack,
  database: VectorDatabase,
  embeddings: Embeddings,
): void {
  stack.scrape(database);
  stack.logs(database, { parser: renderPayload(join(__dirname, 'logs.yaml')) });
  stack.probe('vector-database', database.rest, { module: 'https', path: '/v1/.well-known/ready' });
  stack.probe('embeddings', embeddings.endpoint, { module: 'http', path: '/.well-known/ready' });
  stack.alerts('vector-database', join(__dirname, 'alerts'), { MEMBERS: database.size });
}
