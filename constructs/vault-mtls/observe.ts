import { join } from 'node:path';
import type { ObservabilityStack } from '../observability-stack';
import { renderPayload } from '../platform/config-files';
import type { VaultMtls } from '.';

/** What there is to see of Vault. */
export function observeVault(stack: ObservabilityStack, vault: VaultMtls): void {
  stack.scrape(vault);
  stack.logs(vault, { parser: renderPayload(join(__dirname, 'logs.yaml')) });
  // Code 200 where a member that is open answers, whoever leads.
  stack.probe('vault', vault.api, {
    module: 'https',
    path: '/v1/sys/health?standbyok=true&perfstandbyok=true',
  });
}
