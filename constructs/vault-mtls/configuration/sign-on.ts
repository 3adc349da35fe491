import type { Person } from '../../access';
import type { AddressRange } from '../../platform/peer';
import type { Entry } from './needs';
import { type Contents, policiesOf, policyNameOf, SIGNED_IN } from './people';

/** Vault as a client of an identity provider that speaks OpenID Connect. */
export interface SignOn {
  /** DNS name that people's browsers know Vault by: the provider leads them back there. */
  readonly host: string;
  /** Exactly as the provider says it in its tokens; below it is its discovery. */
  readonly issuer: string;
  /** Its addresses and port, which members must reach. */
  readonly range: AddressRange;
  readonly clientId: string;
  /** Claim of a token that has the groups. */
  readonly groupsClaim: string;
  /** Groups as the provider calls them. */
  readonly groups: Readonly<Record<Person, string>>;
  /** ClusterSecretStore that holds the client's secret: before Vault has it, people could read nothing in Vault. */
  readonly secretStore: string;
  /** Its entry there, with `clientSecret`. */
  readonly secretPath: string;
}

/** Where the client's secret is in the pods that configure Vault. */
export const CLIENT_SECRET = { folder: '/sign-on', key: 'clientSecret' } as const;

const MOUNT = 'oidc';
const ROLE = 'people';

/** How long people are signed in for: who leaves a group loses what it may within this. */
const SIGNED_IN_SECONDS = 3600;

/** Of the program on somebody's own machine: `vault login -method=oidc` listens there. */
const PROGRAM = 'http://localhost:8250/oidc/callback';

/** How people are let in: groups of the provider's with a policy each, and a login for whoever is in one of them. */
export function signOnEntries(signOn: SignOn, contents: Contents): Entry[] {
  const { host, issuer, range, clientId, groupsClaim, groups } = signOn;
  return [
    { path: `sys/auth/${MOUNT}`, read: 'sys/auth', at: `${MOUNT}/`, body: { type: 'oidc' } },
    ...[...policiesOf(contents)].flatMap(([person, policy]) => groupEntries(person, groups[person], policy)),
    {
      path: `auth/${MOUNT}/role/${ROLE}`,
      body: {
        role_type: 'oidc',
        user_claim: 'sub',
        groups_claim: groupsClaim,
        // Requests in the audit log are somebody's whom people know.
        claim_mappings: { preferred_username: 'username' },
        oidc_scopes: ['profile', 'email', 'groups'],
        bound_audiences: [clientId],
        bound_claims: { [groupsClaim]: SIGNED_IN.map((person) => groups[person]) },
        allowed_redirect_uris: [`https://${host}/ui/vault/auth/${MOUNT}/oidc/callback`, PROGRAM],
        // All that anybody may comes from their groups.
        token_policies: [],
        token_no_default_policy: true,
        token_ttl: SIGNED_IN_SECONDS,
        token_max_ttl: SIGNED_IN_SECONDS,
      },
    },
    // Last: until it is there nobody signs in, and Vault asks the provider at once.
    {
      path: `auth/${MOUNT}/config`,
      body: {
        oidc_discovery_url: issuer,
        bound_issuer: issuer,
        oidc_client_id: clientId,
        default_role: ROLE,
      },
      unread: { oidc_client_secret: `${CLIENT_SECRET.folder}/${CLIENT_SECRET.key}` },
      asks: range.name,
    },
  ];
}

function groupEntries(person: Person, name: string, policy: string): Entry[] {
  const own = policyNameOf(person);
  const group = `identity/group/name/${own}`;
  return [
    { path: `sys/policies/acl/${own}`, body: { policy } },
    { path: group, body: { type: 'external', policies: [own] } },
    {
      path: 'identity/group-alias',
      read: group,
      at: 'alias',
      body: { name },
      found: {
        mount_accessor: { read: 'sys/auth', at: `${MOUNT}/`, field: 'accessor' },
        canonical_id: { read: group, field: 'id' },
      },
    },
  ];
}
