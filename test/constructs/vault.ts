import type { Bucket } from '../../constructs/platform/bucket';
import type { Connections } from '../../constructs/platform/connections';
import { VaultMtls, type VaultMtlsProps } from '../../constructs/vault-mtls';
import type { Ground } from '../support';

/** Where snapshots go: a provider's, outside the cluster. */
export const BUCKET: Bucket = {
  name: 'snapshots',
  host: 's3.example.com',
  port: 443,
  region: 'eu',
  trust: 'public',
  accessKey: { name: 'keys', key: 'username' },
  secretKey: { name: 'keys', key: 'password' },
  allowFrom: (client: Connections) =>
    client.allowToRange({ name: 's3.example.com', cidr: '198.51.100.7/32', port: 443 }),
};

/** A Vault in a namespace of its own. */
export function vaultOn(
  ground: Ground,
  choice: Pick<VaultMtlsProps, 'seal'> & Partial<VaultMtlsProps>,
): VaultMtls {
  return new VaultMtls(ground.namespaces.add('vault'), 'vault', {
    image: 'registry.example.com/vault:1.0.0',
    scriptImage: 'registry.example.com/python:1.0.0',
    resources: { cpu: '100m', memory: '256Mi' },
    storage: '1Gi',
    maker: ground.maker,
    authority: ground.authority,
    ...choice,
  });
}
