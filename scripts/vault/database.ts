import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientRules } from '../../constructs/postgres-cluster/client-rules';
import { LENDER } from '../../constructs/postgres-cluster/lender';
import { schemaFiles } from '../../test/payloads/event-store-files';
import { DATABASE, OWNER, PASSWORD, PoolerStand } from '../../test/payloads/pooler-stand';

/** A login that was lent. */
export interface Lent {
  readonly lease_id: string;
  readonly lease_duration: number;
  readonly data: { readonly username: string; readonly password: string };
}

/** PostgreSQL with the event store and Vault's login, behind PgBouncer. */
export class Database {
  private constructor(readonly stand: PoolerStand) {}

  static async start(): Promise<Database> {
    const stand = await PoolerStand.open('platform');
    try {
      await stand.startPostgres(clientRules(OWNER));
      const made = await stand.asSuperuser(
        `CREATE ROLE ${LENDER} LOGIN CREATEROLE CONNECTION LIMIT 6 PASSWORD '${PASSWORD}'`,
      );
      if (!made.ok) throw new Error(made.said);
      const folder = join(stand.folder, 'event-store');
      mkdirSync(folder);
      for (const [name, text] of Object.entries(schemaFiles())) writeFileSync(join(folder, name), text);
      const files = ['-1', '-f', 'apply.sql', '-f', 'lender.sql'];
      const applied = await stand.locally(OWNER, files, DATABASE, folder);
      if (!applied.ok) throw new Error(applied.said);
      await stand.startPooler();
      return new Database(stand);
    } catch (error) {
      await stand.close();
      throw error;
    }
  }

  /** As a program does: by the pooler, with a certificate of the platform. */
  as(
    { username: role, password }: Lent['data'],
    ...statements: readonly string[]
  ): ReturnType<PoolerStand['connect']> {
    const client = { role, password, database: DATABASE, certificate: 'platform/bridge' };
    return this.stand.connect('PgBouncer', client, ...statements);
  }

  async number(sql: string): Promise<number> {
    return Number((await this.stand.asSuperuser(sql)).said);
  }

  /** Roles that are lent. */
  lent(): Promise<number> {
    return this.number(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'lease\\_%'`);
  }

  sessions(role: string): Promise<number> {
    return this.number(
      `SELECT count(*) FROM pg_stat_activity WHERE usename = '${role}' AND state = 'active'`,
    );
  }
}
