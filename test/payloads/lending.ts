/**
 * What Vault does in PostgreSQL, as its own login and in the words that it is given: logins that read, for a while, and nothing more.
 * On the platform's own major version: before 16 whoever makes roles may take any.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Holes, renderPayload } from '../../constructs/platform/config-files';
import { LENT } from '../../constructs/postgres-cluster/connection-budget';
import { LENDER } from '../../constructs/postgres-cluster/lender';
import { EVENT_STORE, schemaFiles } from './event-store-files';
import { type Outcome, Postgres } from './postgres-stand';
import type { Report } from './report';

const LOGINS = 3;
const OWNER = 'lighthouse_owner';
const ANN = 'lease_ann';
const BEN = 'lease_ben';

export async function check(all: Report): Promise<void> {
  const report: Report = (name, ok, detail) => all(name, ok, ok ? undefined : detail);
  const server = await Server.start();
  try {
    await isLent(server, report);
    await readsAndNothingElse(server, report);
    await lenderIsLeast(server, report);
    await isTakenBack(server, report);
    await operatorsPart(server, report);
    await isOver(server, report);
  } finally {
    await server.stop();
  }
}

async function isLent(server: Server, report: Report): Promise<void> {
  const before = await server.lend(ANN);
  report(
    'nothing is lent before its owner allows it',
    /permission denied for table events/.test(before.error),
    before.error,
  );
  const allowed = await server.apply('lender.sql');
  report('its owner allows Vault’s login to hand on what the reader may read', allowed.ok, allowed.error);
  for (const name of [ANN, BEN, 'lease_cid']) {
    const { ok, error } = await server.lend(name);
    report(`a login is lent: ${name}`, ok, error);
  }
  const tooMany = await server.lend('lease_dot');
  report('no more than there is room for', /all 3 logins are lent/.test(tooMany.error), tooMany.error);
  await server.sql(`ALTER ROLE lease_cid VALID UNTIL '2020-01-01'`, LENDER);
  const instead = await server.lend('lease_dot');
  report('one that is over takes no place, though it is still there', instead.ok, instead.error);
}

async function readsAndNothingElse(server: Server, report: Report): Promise<void> {
  const read = await server.try('SELECT count(*) FROM events, store_metadata', ANN);
  report('who was lent a login reads what the reader reads', read.ok, read.error);
  const asked = await server.try('DELETE FROM events', ANN);
  report('it is read-only to begin with', /read-only transaction/.test(asked.error), asked.error);
  const refused: [sql: string, because?: RegExp][] = [
    [
      `INSERT INTO events (event_id, event_type, "timestamp", event_data) VALUES ('x', 'custom', now(), '{}')`,
    ],
    ['DELETE FROM events'],
    ['SELECT * FROM store_migrations'],
    ['SELECT * FROM maintain_event_partitions()'],
    ['SELECT * FROM pg_shadow'],
    ['CREATE TABLE mine ()'],
    ['CREATE ROLE mine'],
    [`GRANT ${BEN} TO ${ANN}`],
    [`SET ROLE ${LENDER}`, /permission denied to set role/],
    [`ALTER ROLE ${ANN} VALID UNTIL 'infinity'`],
    [`ALTER ROLE ${ANN} CONNECTION LIMIT 100`],
    ['GRANT SELECT ON events TO PUBLIC', /no privileges were granted/],
  ];
  for (const [sql, because = /permission denied/] of refused) {
    const { error } = await server.try(sql, ANN, ['SET default_transaction_read_only = off']);
    report(`who was lent a login is refused: ${sql}`, because.test(error), error);
  }
  const sessions = await Promise.all(
    Array.from({ length: LENT.connections + 1 }, () => server.try('SELECT pg_sleep(1)', BEN)),
  );
  const turnedAway = sessions.filter(({ error }) => /too many connections for role/.test(error));
  report(
    `who was lent a login has ${LENT.connections} sessions`,
    turnedAway.length === 1,
    sessions.map(({ error }) => error).join(),
  );
}

async function lenderIsLeast(server: Server, report: Report): Promise<void> {
  const refused: [sql: string, because?: RegExp][] = [
    ['CREATE ROLE mine SUPERUSER'],
    ['CREATE ROLE mine REPLICATION'],
    ['CREATE ROLE mine BYPASSRLS'],
    ['CREATE ROLE mine CREATEDB'],
    ['CREATE ROLE mine IN ROLE lighthouse_reader'],
    [`ALTER ROLE ${LENDER} SUPERUSER`],
    [`ALTER ROLE ${LENDER} CONNECTION LIMIT 100`],
    [`ALTER ROLE ${OWNER} PASSWORD 'x'`],
    [`ALTER ROLE lighthouse_writer SET search_path = 'x'`],
    ['DROP ROLE lighthouse_reader'],
    ...[
      'lighthouse_writer',
      OWNER,
      'postgres',
      'pg_read_all_data',
      'pg_signal_backend',
      'pg_execute_server_program',
    ].flatMap((role): [string][] => [
      [`GRANT ${role} TO ${LENDER}`],
      [`GRANT ${role} TO ${ANN}`],
      [`SET ROLE ${role}`],
    ]),
    [`GRANT INSERT ON events TO ${ANN}`, /no privileges were granted/],
    [`GRANT SELECT ON store_migrations TO ${ANN}`],
    [`INSERT INTO events (event_id) VALUES ('x')`],
    ['CREATE TABLE mine ()'],
    [`ALTER DATABASE lighthouse OWNER TO ${LENDER}`, /must be owner/],
    [
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${OWNER}'`,
      /permission denied to terminate/,
    ],
  ];
  const session = server.try('SELECT pg_sleep(5)', OWNER);
  await server.until(`SELECT count(*) FROM pg_stat_activity WHERE usename = '${OWNER}'`);
  for (const [sql, because = /permission denied/] of refused) {
    const { error } = await server.try(sql, LENDER);
    report(`Vault’s login is refused: ${sql}`, because.test(error), error);
  }
  report('and the owner’s session goes on', (await session).ok);
}

async function isTakenBack(server: Server, report: Report): Promise<void> {
  const session = server.try('SELECT pg_sleep(30)', ANN);
  await server.until(`SELECT count(*) FROM pg_stat_activity WHERE usename = '${ANN}'`);
  const { ok, error } = await server.revoke(ANN);
  report('a login is taken back', ok, error);
  const ended = await session;
  report('its session ends with it', /terminating connection/.test(ended.error), ended.error);
  report('and it is no role any more', (await server.roles()).includes(ANN) === false);
  const again = await server.revoke(ANN);
  report('taking it back again changes nothing', again.ok, again.error);
}

/** What CloudNativePG 1.30 does when Vault's login gets another password, or its object is changed (databaserole_controller.go). */
async function operatorsPart(server: Server, report: Report): Promise<void> {
  await server.sql(`REVOKE ${BEN} FROM ${LENDER}`, 'postgres');
  const { error } = await server.revoke(BEN);
  report('what was lent before that cannot be taken back', /permission denied/.test(error), error);
  await server.sql(`ALTER ROLE ${BEN} VALID UNTIL '2020-01-01'`, 'postgres');
  const after = await server.lend('lease_eve');
  report('and nobody waits for it', after.ok, after.error);
}

async function isOver(server: Server, report: Report): Promise<void> {
  const applied = await server.apply();
  report(
    'where nothing is lent any more, rights end with the next application of the schema',
    applied.ok,
    applied.error,
  );
  const read = await server.try('SELECT count(*) FROM events', 'lease_eve');
  report('those of what was lent too', /permission denied for table events/.test(read.error), read.error);
  const dropped = await server.try(`DROP ROLE ${LENDER}`, 'postgres');
  report('and the operator drops Vault’s login', dropped.ok, dropped.error);
}

class Server {
  private constructor(private readonly postgres: Postgres) {}

  static async start(): Promise<Server> {
    const server = new Server(await Postgres.start(['listen_addresses='], {}, 5432, 'platform'));
    try {
      const roles = [OWNER, 'lighthouse_writer', 'lighthouse_reader'].map(
        (role) => `CREATE ROLE ${role} LOGIN`,
      );
      for (const sql of [
        ...roles,
        `CREATE ROLE ${LENDER} LOGIN CREATEROLE CONNECTION LIMIT 6`,
        `CREATE DATABASE lighthouse OWNER ${OWNER}`,
      ])
        await server.sql(sql, 'postgres');
      for (const [name, text] of Object.entries(schemaFiles())) server.postgres.write(name, text);
      const applied = await server.apply();
      if (!applied.ok) throw new Error(applied.error);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.postgres.stop();
  }

  /** What the Job does, in one transaction. */
  apply(...also: readonly string[]): Promise<Outcome> {
    const files = ['apply.sql', ...also].flatMap((file) => ['-f', join(this.postgres.folder, file)]);
    return this.psql(OWNER, ['-1', ...files]);
  }

  /** As Vault fills it in, and in one transaction. */
  lend(name: string): Promise<Outcome> {
    return this.fill('lend.sql', {
      ...{ name, password: 'SCRAM-SHA-256$4096:eA==$eA==:eA==' },
      expiration: new Date(Date.now() + 3_600_000).toISOString().replace('T', ' ').replace(/\..*/, '+0000'),
    });
  }

  revoke(name: string): Promise<Outcome> {
    return this.fill('revoke.sql', { name });
  }

  async roles(): Promise<string[]> {
    return (await this.sql('SELECT rolname FROM pg_roles', 'postgres')).split('\n');
  }

  try(sql: string, role: string, before: readonly string[] = []): Promise<Outcome> {
    return this.psql(
      role,
      [...before, sql].flatMap((one) => ['-c', one]),
    );
  }

  async sql(sql: string, role: string): Promise<string> {
    const { ok, output, error } = await this.try(sql, role);
    if (!ok) throw new Error(`${error}\n${sql}`);
    return output.trim();
  }

  async until(sql: string): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if ((await this.sql(sql, 'postgres')) !== '0') return;
      await sleep(50);
    }
    throw new Error(`waited 10 s in vain for: ${sql}`);
  }

  private fill(file: string, values: Readonly<Record<string, string>>): Promise<Outcome> {
    const text = Object.entries(values).reduce(
      (sql, [key, value]) => sql.replaceAll(`{{${key}}}`, value),
      statements(file),
    );
    return this.psql(LENDER, ['-1', '-c', text]);
  }

  private psql(role: string, args: readonly string[]): Promise<Outcome> {
    const database = role === 'postgres' ? 'postgres' : 'lighthouse';
    return this.postgres.psql(
      ['-h', this.postgres.folder, '-U', role, '-d', database, '-At', '-v', 'ON_ERROR_STOP=1', ...args],
      { cwd: this.postgres.folder },
    );
  }
}

function statements(file: string): string {
  const holes: Holes = file === 'lend.sql' ? { LOGINS, CONNECTIONS: LENT.connections } : {};
  return renderPayload(join(EVENT_STORE, file), holes);
}
