import type { Person } from '../access';
import type { AddressRange } from '../platform/peer';

/** An identity provider whose tokens the database believes. It has no client's secret: it asks the provider for nothing but its keys. */
export interface SignOn {
  /** The name that the provider gives itself in tokens. */
  readonly issuer: string;
  /** Where its keys are (`jwks_uri`). */
  readonly keys: string;
  /** Its addresses and port, to be let out to. */
  readonly range: AddressRange;
  /** Client that a token must be for. */
  readonly clientId: string;
  /** Claim of a token that has the groups. */
  readonly groupsClaim: string;
  /** Groups as the provider calls them; what each may do is in `roles.ts`. */
  readonly groups: Readonly<Record<Person, string>>;
}

/**
 * What Weaviate is told. With the address of the keys it fetches them when the first token comes; without, it asks the provider for
 * that address at its start, and does not start while nobody answers.
 */
export function signOnSettings({ issuer, keys, clientId, groupsClaim }: SignOn): Record<string, string> {
  return {
    AUTHENTICATION_OIDC_ENABLED: 'true',
    AUTHENTICATION_OIDC_ISSUER: issuer,
    AUTHENTICATION_OIDC_JWKS_URL: keys,
    AUTHENTICATION_OIDC_CLIENT_ID: clientId,
    // Not a name that people choose: a person who is called as the owner of the database is the owner (see members.ts).
    AUTHENTICATION_OIDC_USERNAME_CLAIM: 'sub',
    AUTHENTICATION_OIDC_GROUPS_CLAIM: groupsClaim,
  };
}
