import { Construct } from 'constructs';
import { Issuer } from '../../imports/cert-manager.io';
import { SecretStore } from '../../imports/external-secrets.io';
import { Role, RoleBinding, ServiceAccount } from '../../imports/k8s';
import { spellingsOf } from '../certificate-authority';
import type { Endpoint } from '../platform/endpoint';
import { namespaceOf, objectName } from '../platform/names';
import type { Peer } from '../platform/peer';
import type { StoreReference } from '../platform/secret-source';
import { TRUST_BUNDLE, TRUST_FILE } from '../platform/trust';
import { AUDIENCE } from './admission';
import { type Account, type Entry, MOUNTS, type Needs, roleOf } from './configuration/needs';

/** Fetches secrets for pods. Its chart lets it make tokens of any service account. */
const EXTERNAL_SECRETS: Peer = {
  namespace: 'external-secrets',
  labels: { 'app.kubernetes.io/name': 'external-secrets' },
  account: 'external-secrets',
};

/** Asks for certificates. */
const CERT_MANAGER: Peer = {
  namespace: 'cert-manager',
  labels: { 'app.kubernetes.io/name': 'cert-manager', 'app.kubernetes.io/component': 'controller' },
  account: 'cert-manager',
};

export interface ClientProps {
  readonly api: Endpoint;
  readonly needs: Needs;
}

/** A service account that no pod runs as: an operator logs in with a token that it makes for this once. */
function accountFor(construct: Construct): Account {
  const metadata = { name: objectName(construct) };
  new ServiceAccount(construct, 'Account', { metadata, automountServiceAccountToken: false });
  return { namespace: namespaceOf(construct), name: metadata.name };
}

function loginOf(account: Account) {
  return {
    mountPath: 'kubernetes',
    role: roleOf(account),
    serviceAccountRef: { name: account.name, audiences: [AUDIENCE] },
  };
}

export interface VaultStoreProps extends ClientProps {
  /** Paths in the KV engine that may be read, and no others. */
  readonly entries: readonly string[];
}

/** What external-secrets reads entries of the KV engine by, for one consumer. */
export class VaultStore extends Construct {
  readonly reference: StoreReference;

  constructor(scope: Construct, id: string, { api, needs, entries }: VaultStoreProps) {
    super(scope, id);
    const account = accountFor(this);
    needs.declare('kv');
    for (const entry of entries) {
      needs.allow(account, { path: `${MOUNTS.kv}/data/${entry}`, capabilities: ['read'] });
    }
    api.owner.allowFrom(EXTERNAL_SECRETS, api);
    const { name } = new SecretStore(this, 'Resource', {
      metadata: { name: objectName(this) },
      spec: {
        provider: {
          vault: {
            server: api.url('https'),
            path: MOUNTS.kv,
            version: 'v2',
            caProvider: { type: 'ConfigMap', name: TRUST_BUNDLE, key: TRUST_FILE },
            auth: { kubernetes: { ...loginOf(account), mountPath: 'kubernetes' } },
          },
        },
      },
    });
    this.reference = { kind: 'SecretStore', name };
  }
}

export interface VaultIssuerProps extends ClientProps {
  /** Whose names are signed, and no others. */
  readonly endpoint: Endpoint;
}

/** What cert-manager asks for an endpoint's certificate by. */
export class VaultIssuer extends Construct {
  readonly reference: { readonly kind: 'Issuer'; readonly name: string };

  constructor(scope: Construct, id: string, { api, needs, endpoint }: VaultIssuerProps) {
    super(scope, id);
    const account = accountFor(this);
    const role = roleOf(account);
    needs.declare('pki', { path: `${MOUNTS.pki}/roles/${role}`, body: signingRole(endpoint) });
    const path = `${MOUNTS.pki}/sign/${role}`;
    needs.allow(account, { path, capabilities: ['update'] });
    api.owner.allowFrom(CERT_MANAGER, api);
    this.allowTokens(account);
    const { name } = new Issuer(this, 'Resource', {
      metadata: { name: objectName(this) },
      spec: {
        vault: {
          server: api.url('https'),
          path,
          caBundleSecretRef: { name: TRUST_BUNDLE, key: TRUST_FILE },
          auth: { kubernetes: { ...loginOf(account), mountPath: '/v1/auth/kubernetes' } },
        },
      },
    });
    this.reference = { kind: 'Issuer', name };
  }

  /** cert-manager may make tokens of no account but those that somebody says. */
  private allowTokens({ name }: Account): void {
    const metadata = { name: `${name}-token` };
    const rule = {
      apiGroups: [''],
      resources: ['serviceaccounts/token'],
      resourceNames: [name],
      verbs: ['create'],
    };
    new Role(this, 'Token', { metadata, rules: [rule] });
    new RoleBinding(this, 'MayMakeToken', {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: 'cert-manager', namespace: CERT_MANAGER.namespace }],
    });
  }
}

const DAY = 24 * 3600;

/** What Vault signs for an endpoint: its own names as a server, with the keys that the platform's certificates have. */
function signingRole(endpoint: Endpoint): Readonly<Record<string, unknown>> {
  return {
    allowed_domains: spellingsOf(endpoint.host),
    allow_bare_domains: true,
    allow_subdomains: false,
    allow_glob_domains: false,
    allow_any_name: false,
    allow_localhost: false,
    allow_ip_sans: false,
    allow_wildcard_certificates: false,
    enforce_hostnames: true,
    require_cn: false,
    server_flag: true,
    client_flag: false,
    key_type: 'ec',
    key_bits: 256,
    ttl: 90 * DAY,
    max_ttl: 90 * DAY,
  };
}

/** A key of the transit engine, which is in no answer of Vault's, and how it changes. */
export function keyEntries(key: string): Entry[] {
  const path = `${MOUNTS.transit}/keys/${key}`;
  return [
    { path, body: { type: 'aes256-gcm96', exportable: false, allow_plaintext_backup: false } },
    {
      path: `${path}/config`,
      read: path,
      body: { deletion_allowed: false, auto_rotate_period: 90 * DAY },
    },
  ];
}
