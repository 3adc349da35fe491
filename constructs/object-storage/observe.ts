import { join } from 'node:path';
import type { ObservabilityStack } from '../observability-stack';
import { renderPayload } from '../platform/config-files';
import type { ObjectStorage } from '.';

/** What there is to see of object storage: of a provider's, only whether it is there. */
export function observeObjectStorage(stack: ObservabilityStack, storage: ObjectStorage<string>): void {
  const { seen } = storage;
  if (seen.kind === 'provider') {
    stack.probeOutside('object-storage', seen.host, seen.range);
    return;
  }
  stack.scrape(storage);
  stack.logs(storage, { parser: renderPayload(join(__dirname, 'logs.yaml')) });
  stack.probe('object-storage', seen.endpoint, { module: 'https', path: seen.path });
  if (seen.program === 'minio') stack.alerts('object-storage', join(__dirname, 'alerts', 'minio'), {});
}
