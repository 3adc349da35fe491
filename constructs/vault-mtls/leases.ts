import type { Credential } from '../credentials';
import type { Endpoint } from '../platform/endpoint';
import { TRUST_FILE } from '../platform/trust';
import { type Entry, MOUNTS } from './configuration/needs';

/** A database whose logins Vault lends. */
export interface Lender {
  /** What it is called in Vault. */
  readonly name: string;
  /** What a login of it may do, in a word: those who are lent one may all do the same. */
  readonly rights: string;
  /** Where Vault connects, and those who were lent a login. */
  readonly endpoint: Endpoint;
  readonly database: string;
  /** Vault's own login, whose Secret is in Vault's namespace too. */
  readonly login: Credential;
  /** Connections that Vault may hold. */
  readonly connections: number;
  /** Makes a login and ends one, in the database's own language. */
  readonly statements: Readonly<Record<'lend' | 'revoke', string>>;
}

/** The longest that a login is lent: whoever needs it longer asks for another. */
export const LONGEST_LEASE = 3600;

/** What is not renewed ends after this: its program is gone. */
const RENEWED_WITHIN = 900;

/** Where the password of Vault's own login is in the pod that configures Vault. */
export function loginFolder({ name }: Lender): string {
  return `/logins/${name}`;
}

/** Where a login is asked for. */
export function credentialsPath({ name, rights }: Lender): string {
  return `${MOUNTS.database}/creds/${name}-${rights}`;
}

/**
 * How Vault gets into a database, and what it does there. It shows the certificate that it serves with, of which each new connection
 * reads the file; so no connection is older than an hour.
 */
export function leaseEntries(lender: Lender): Entry[] {
  const { name, rights, endpoint, database, login, connections, statements } = lender;
  const tls = `sslmode=verify-full&sslrootcert=/trust/${TRUST_FILE}&sslcert=/tls/tls.crt&sslkey=/tls/tls.key`;
  const role = `${name}-${rights}`;
  return [
    {
      path: `${MOUNTS.database}/config/${name}`,
      body: {
        plugin_name: 'postgresql-database-plugin',
        allowed_roles: [role],
        // A database that is away at that moment is no reason not to be configured.
        verify_connection: false,
        connection_url: `postgresql://{{username}}:{{password}}@${endpoint.address}/${database}?${tls}`,
        username: login.user,
        // The database gets no password in clear, so none is in its log.
        password_authentication: 'scram-sha-256',
        // Says in the database's log who was lent it: the service account.
        username_template:
          '{{ printf "lease_%s_%s" (.DisplayName | replace "-" "_" | truncate 36) (random 16) | lowercase }}',
        max_open_connections: connections,
        max_connection_lifetime: '1h',
      },
      secrets: { password: `${loginFolder(lender)}/password` },
    },
    {
      path: `${MOUNTS.database}/roles/${role}`,
      body: {
        db_name: name,
        // Vault tells them without what is around them.
        creation_statements: [statements.lend.trim()],
        revocation_statements: [statements.revoke.trim()],
        default_ttl: RENEWED_WITHIN,
        max_ttl: LONGEST_LEASE,
      },
    },
  ];
}
