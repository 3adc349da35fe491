/** What decides how many connections there are. */
export interface ConnectionDemand {
  /** Cores of one instance. */
  readonly cores: number;
  /** Pooler pods. */
  readonly poolers: number;
  /** Connections that clients may hold open at the poolers, all together. */
  readonly clientConnections: number;
  /**
   * Logins that Vault lends at once.
   * @default 0
   */
  readonly lentLogins?: number;
}

/** How the connections of one PostgreSQL instance are shared out; every number is a limit that something enforces. */
export interface ConnectionBudget {
  /** `max_connections` of PostgreSQL. */
  readonly maxConnections: number;
  /** Of these, kept for the operator, which connects as superuser. */
  readonly superuserReserved: number;
  /** `default_pool_size` of PgBouncer: server connections per user and pooler pod. */
  readonly poolSize: number;
  /** `max_client_conn` of PgBouncer. */
  readonly clientsPerPooler: number;
  /** `CONNECTION LIMIT` of the roles, over the pooler and directly. */
  readonly roles: Readonly<Record<'owner' | 'migrator' | 'writer' | 'reader' | 'lender', number>>;
}

/**
 * Transactions at once that one core keeps busy. The PostgreSQL wiki ("Number Of Database Connections") counts two per
 * core that compute; here most of a transaction is waiting, for the standby's answer to the commit and for the client.
 */
const TRANSACTIONS_PER_CORE = 16;

/** Users with a pool: the writer and the reader. */
const POOLED_USERS = 2;

/** Sessions that do not come by the pooler. */
const DIRECT = {
  /** Schema and maintenance jobs, and a person. */
  owner: 6,
  /** The migration of an older event store; one more, for a run that was cut off is noticed late. */
  migrator: 2,
  /** Reports on the standbys. */
  reader: 10,
  /** The operator's metrics exporter keeps one, a second while it reconnects. */
  monitoring: 2,
};

/** Of a login that Vault lent: a session, and one to look at what that does. `CONNECTION LIMIT`, by way of the pooler as well. */
export const LENT = { connections: 2 } as const;

/** Connections that Vault holds open to make and end logins: it does so one after the other. */
export const LENDER_CONNECTIONS = 2;

/** Three more than PostgreSQL's default of 3: the instance manager checks, reloads and fences by as many at once. */
const SUPERUSER_RESERVED = 6;

/** Shares out the connections of an instance so that no limit can be reached by the sum of the others. */
export function connectionBudget({
  cores,
  poolers,
  clientConnections,
  lentLogins = 0,
}: ConnectionDemand): ConnectionBudget {
  const transactions = Math.min(Math.max(Math.round(cores * TRANSACTIONS_PER_CORE), 8), 400);
  const poolSize = Math.max(Math.ceil(transactions / (poolers * POOLED_USERS)), 2);
  // While one rolls, the old pod still holds its connections.
  const pools = (poolers + 1) * poolSize;
  const roles = {
    owner: DIRECT.owner,
    migrator: DIRECT.migrator,
    writer: pools,
    reader: pools + DIRECT.reader,
    // Each pooler pod may keep what Vault used there.
    lender: lentLogins > 0 ? (poolers + 1) * LENDER_CONNECTIONS : 0,
  };
  // PgBouncer asks for passwords by connections of its own, as a third user.
  const passwords = pools;
  const clients =
    roles.owner + roles.migrator + roles.writer + roles.reader + roles.lender + lentLogins * LENT.connections;
  const sessions = clients + passwords + DIRECT.monitoring;
  return {
    maxConnections: sessions + SUPERUSER_RESERVED,
    superuserReserved: SUPERUSER_RESERVED,
    poolSize,
    // The clients of one pod that is gone find room on the others.
    clientsPerPooler: Math.ceil(clientConnections / Math.max(poolers - 1, 1)),
    roles,
  };
}
