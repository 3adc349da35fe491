import { join } from 'node:path';
import { Construct } from 'constructs';
import { DatabaseRole } from '../../imports/postgresql.cnpg.io';
import { type Credential, Credentials, type CredentialsMaker } from '../credentials';
import { renderPayload } from '../platform/config-files';
import type { Endpoint } from '../platform/endpoint';
import { type NamespaceScope, objectName } from '../platform/names';
import { LENT, LENDER_CONNECTIONS } from './connection-budget';

/** What is lent of a cluster. */
export interface PostgresLending {
  /** Vault's namespace, which gets a copy of its login's Secret. */
  readonly by: NamespaceScope;
  /** Logins that are lent at once. */
  readonly logins: number;
}

export interface PostgresLenderProps extends PostgresLending {
  readonly maker: CredentialsMaker;
  /** Labels of Secrets that the operator watches. */
  readonly labels: Readonly<Record<string, string>>;
  /** Name of the Cluster resource. */
  readonly cluster: string;
  readonly database: string;
  /** Where Vault and those who were lent a login connect. */
  readonly endpoint: Endpoint;
  /** `CONNECTION LIMIT` of Vault's login. */
  readonly connectionLimit: number;
}

/** Vault's login. */
export const LENDER = 'lighthouse_lender';

/**
 * Vault's login, which makes others that read events for a while, and these alone: from PostgreSQL 16 on `CREATEROLE` is a right over
 * roles that one has made oneself. What it hands on its owner has granted it (`lender.sql`); it is in no role and owns nothing.
 *
 * A role of its own kind, applied when its object or password changes: of a role in the Cluster's list the operator would take back,
 * at its next look, the membership by which PostgreSQL lets a maker drop what it made.
 */
export class PostgresLender extends Construct {
  readonly name: string;
  readonly rights = 'reader';
  readonly endpoint: Endpoint;
  readonly database: string;
  readonly login: Credential;
  /** Connections that Vault may hold, of which each pooler may keep one for a while that it no longer needs. */
  readonly connections = LENDER_CONNECTIONS;
  /** SQL that makes a login, and that ends one. */
  readonly statements: Readonly<Record<'lend' | 'revoke', string>>;

  constructor(scope: Construct, id: string, props: PostgresLenderProps) {
    super(scope, id);
    const { by, logins, maker, labels, cluster, database, endpoint, connectionLimit } = props;
    this.name = cluster;
    this.endpoint = endpoint;
    this.database = database;
    this.login = new Credentials(this, 'Login', { maker, users: [LENDER], labels, copies: [by] }).of(LENDER);
    const file = (name: string): string => join(__dirname, 'event-store', name);
    this.statements = {
      lend: renderPayload(file('lend.sql'), { LOGINS: logins, CONNECTIONS: LENT.connections }),
      revoke: renderPayload(file('revoke.sql')),
    };
    new DatabaseRole(this, 'Role', {
      metadata: { name: objectName(this) },
      spec: {
        name: LENDER,
        cluster: { name: cluster },
        login: true,
        createrole: true,
        connectionLimit,
        passwordSecret: { name: this.login.secretName },
        databaseRoleReclaimPolicy: 'retain',
      },
    });
  }
}
