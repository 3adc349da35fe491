import { ClusterStore, type SecretSource } from '../constructs/platform/secret-source';
import type { VaultMtls } from '../constructs/vault-mtls';

/** What the configuration says of where secrets lie, whose path is beside it. */
interface Said {
  readonly from?: 'vault';
  readonly secretStore?: string;
}

/** Where secrets are fetched from: a store outside, or the cluster's own Vault. */
export function sourceOf({ from, secretStore }: Said, vault: VaultMtls): SecretSource {
  if (from === 'vault') return vault;
  if (secretStore === undefined)
    throw new Error('secretStore must be there where secrets are not from vault');
  return new ClusterStore(secretStore);
}
