import { join } from 'node:path';
import { Construct } from 'constructs';
import type { EnvVar, Volume } from '../../imports/k8s';
import { renderPayload } from '../platform/config-files';
import type { AddressRange } from '../platform/peer';
import { ClusterStore, fetchSecret, propertiesOf } from '../platform/secret-source';

/** Where the credentials of a seal come from, and what it is reached at. */
interface Outside {
  /** ClusterSecretStore that holds the credentials: a Vault cannot open itself with what is locked up in it. */
  readonly secretStore: string;
  /** Their entry in the store. */
  readonly secretPath: string;
  /** DNS name of the service. */
  readonly host: string;
  readonly port: number;
  readonly cidr: string;
  /**
   * Whom else the service's client asks, such as who gives out its tokens.
   * @default - nobody
   */
  readonly identity?: { readonly host: string; readonly port: number; readonly cidr: string };
}

/** Who opens Vault when a member starts. */
export type Seal =
  | { readonly kind: 'development' }
  | ({ readonly kind: 'awskms'; readonly region: string; readonly key: string } & Outside)
  | ({
      readonly kind: 'gcpckms';
      readonly project: string;
      readonly region: string;
      readonly keyRing: string;
      readonly key: string;
    } & Outside)
  | ({ readonly kind: 'azurekeyvault'; readonly vaultName: string; readonly key: string } & Outside)
  | ({ readonly kind: 'transit'; readonly mount: string; readonly key: string } & Outside);

type OutsideSeal = Exclude<Seal, { kind: 'development' }>;

/** What the store must hold for each kind: properties that become variables of Vault, and those that become files in /seal. */
const CREDENTIALS: Readonly<
  Record<
    OutsideSeal['kind'],
    { readonly variables: Readonly<Record<string, string>>; readonly files: readonly string[] }
  >
> = {
  awskms: { variables: { AWS_ACCESS_KEY_ID: 'accessKey', AWS_SECRET_ACCESS_KEY: 'secretKey' }, files: [] },
  gcpckms: { variables: {}, files: ['credentials.json'] },
  azurekeyvault: {
    variables: {
      AZURE_TENANT_ID: 'tenantId',
      AZURE_CLIENT_ID: 'clientId',
      AZURE_CLIENT_SECRET: 'clientSecret',
    },
    files: [],
  },
  transit: { variables: { VAULT_TOKEN: 'token' }, files: ['ca.crt'] },
};

/** The values of the holes in `seal-<kind>.hcl`. */
function holesOf(seal: OutsideSeal): Readonly<Record<string, string>> {
  const endpoint = `https://${seal.host}:${seal.port}`;
  switch (seal.kind) {
    case 'awskms':
      return { REGION: seal.region, KEY: seal.key, ENDPOINT: endpoint };
    case 'gcpckms':
      return { PROJECT: seal.project, REGION: seal.region, KEY_RING: seal.keyRing, KEY: seal.key };
    case 'azurekeyvault':
      return { VAULT_NAME: seal.vaultName, KEY: seal.key };
    case 'transit':
      return { ENDPOINT: endpoint, MOUNT: seal.mount, KEY: seal.key, CA: '/seal/ca.crt' };
  }
}

/** What a member needs to have a key outside of the cluster open it. */
export class OutsideKey extends Construct {
  /** The `seal` block of Vault's configuration. */
  readonly hcl: string;
  readonly ranges: readonly AddressRange[];
  readonly env: readonly EnvVar[];
  /** Mounted at /seal; undefined where everything comes as a variable. */
  readonly volume?: Volume;

  constructor(scope: Construct, id: string, seal: OutsideSeal) {
    super(scope, id);
    const { variables, files } = CREDENTIALS[seal.kind];
    const name = fetchSecret(this, 'Resource', {
      source: new ClusterStore(seal.secretStore),
      values: propertiesOf(seal.secretPath, [...Object.values(variables), ...files]),
    });
    this.hcl = renderPayload(join(__dirname, `seal-${seal.kind}.hcl`), holesOf(seal));
    this.ranges = [seal, ...(seal.identity ? [seal.identity] : [])].map(({ host, cidr, port }) => ({
      name: host,
      cidr,
      port,
    }));
    this.env = Object.entries(variables).map(([variable, key]) => ({
      name: variable,
      valueFrom: { secretKeyRef: { name, key } },
    }));
    if (files.length > 0) {
      this.volume = {
        name: 'seal',
        secret: { secretName: name, defaultMode: 0o440, items: files.map((key) => ({ key, path: key })) },
      };
    }
  }
}
