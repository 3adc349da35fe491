import type { Cluster, Environment } from '../config/schema';
import { BREAK_GLASS, type Person } from '../constructs/access';
import type { ArgoCdSettingsProps } from '../constructs/argo-cd';
import { type Members, membersFrom } from '../constructs/delivery/roles';
import type { SignOn as VectorSignOn } from '../constructs/vector-database/sign-on';
import type { OidcProps } from '../constructs/observability-stack/grafana/oidc';
import { ClusterStore } from '../constructs/platform/secret-source';
import type { SignOn } from '../constructs/vault-mtls/configuration/sign-on';

/** Groups of people as the identity provider calls them: without what the API server puts before them. */
function groupsOf({ groups, identityProvider }: NonNullable<Environment['access']>): Record<Person, string> {
  const { length } = identityProvider?.groupsPrefix ?? '';
  const { platform, onCall, auditor, developer } = groups;
  return {
    platform: platform.slice(length),
    onCall: onCall.slice(length),
    auditor: auditor.slice(length),
    developer: developer.slice(length),
  };
}

const CLAIM = 'groups';

type IdentityProvider = NonNullable<NonNullable<Environment['access']>['identityProvider']>;

function addressOf({ host, port }: Pick<IdentityProvider, 'host' | 'port'>): string {
  return `https://${port === 443 ? host : `${host}:${port}`}`;
}

/** The provider as it calls itself. */
function issuerOf({ host, port, issuer = '' }: IdentityProvider): string {
  return `${addressOf({ host, port })}${issuer}`;
}

/** The user that breaking the glass makes somebody; undefined where there is none. */
export function breakGlassOf({ access }: Environment): string | undefined {
  return access && `system:serviceaccount:access:${BREAK_GLASS}`;
}

/** Who has which role in Argo CD. */
export function membersOf({ access }: Environment): Members | undefined {
  return access && membersFrom(groupsOf(access));
}

/** A cluster's Argo CD at the identity provider. */
export function argoCdSignOn(
  { access, domain }: Environment,
  { name }: Cluster,
): ArgoCdSettingsProps['signOn'] {
  if (!access?.identityProvider) return undefined;
  const { clients, groupsClaim = CLAIM } = access.identityProvider;
  return {
    host: `argocd.${name}.${domain}`,
    issuer: issuerOf(access.identityProvider),
    clientId: clients.argocd,
    groupsClaim,
  };
}

/** A cluster's Vault at the identity provider. */
export function vaultSignOn({ access, domain }: Environment, { name }: Cluster): SignOn | undefined {
  if (!access?.identityProvider) return undefined;
  const { host, port, cidr, clients, groupsClaim = CLAIM, secretStore, secretPath } = access.identityProvider;
  return {
    ...{ host: `vault.${name}.${domain}`, issuer: issuerOf(access.identityProvider) },
    ...{ range: { name: host, cidr, port }, clientId: clients.vault, groupsClaim, groups: groupsOf(access) },
    ...{ secretStore, secretPath: `${secretPath}/vault` },
  };
}

/** Grafana at the identity provider: the platform's owners administrate, on-call asks questions of its own. */
export function grafanaSignOn({ access }: Environment): OidcProps | undefined {
  if (!access?.identityProvider) return undefined;
  const { host, port, cidr, paths, clients, groupsClaim = CLAIM, ...secret } = access.identityProvider;
  const { platform, onCall } = groupsOf(access);
  return {
    ...{ host, range: { name: host, cidr, port }, clientId: clients.grafana, paths, groupsClaim },
    groups: { administrators: platform, editors: onCall },
    ...{ source: new ClusterStore(secret.secretStore), secretPath: `${secret.secretPath}/grafana` },
  };
}

/** The vector database at the identity provider, whose tokens it believes. */
export function vectorSignOn({ access }: Environment): VectorSignOn | undefined {
  if (!access?.identityProvider) return undefined;
  const { host, port, cidr, paths, clients, groupsClaim = CLAIM } = access.identityProvider;
  return {
    issuer: issuerOf(access.identityProvider),
    keys: `${addressOf({ host, port })}${paths.keys}`,
    range: { name: host, cidr, port },
    clientId: clients.weaviate,
    groupsClaim,
    groups: groupsOf(access),
  };
}
