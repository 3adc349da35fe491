import type { Bucket } from '../../constructs/platform/bucket';
import type { Connections } from '../../constructs/platform/connections';
import { VaultMtls, type VaultMtlsProps } from '../../constructs/vault-mtls';
import type { SignOn } from '../../constructs/vault-mtls/configuration/sign-on';
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

/** Who signs people in. */
export const SIGN_ON: SignOn = {
  host: 'vault.here.example.com',
  issuer: 'https://sso.example.com/realms/test',
  range: { name: 'sso.example.com', cidr: '203.0.113.7/32', port: 443 },
  clientId: 'vault',
  groupsClaim: 'teams',
  groups: { platform: 'owners', onCall: 'on-call', auditor: 'auditors', developer: 'developers' },
  secretStore: 'platform',
  secretPath: 'lighthouse/sign-on/vault',
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
