import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Outcome, run } from '../../acceptance/kubectl';
import { type Account, roleOf } from '../../constructs/vault-mtls/configuration/needs';
import { DATABASE } from '../../test/payloads/pooler-stand';
import type { Configured } from './configured';
import type { Database } from './database';
import { until } from './stand';

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';

/** Where people read events: the scripts of its two containers, as they run there. */
export class Room {
  private constructor(
    private readonly env: readonly string[],
    private readonly lender: ChildProcess,
  ) {}

  /** @param reader the account that it runs as; @param path where it asks for a login */
  static async open(
    vault: Configured,
    { stand: database }: Database,
    reader: Account,
    path: string,
  ): Promise<Room> {
    const { stand } = vault;
    const { folder } = stand.sandbox;
    const [desk, scripts, token] = ['desk', 'scripts', 'token'].map((name) => join(folder, name));
    if (desk === undefined || scripts === undefined || token === undefined) throw new Error('no folder');
    for (const each of [desk, scripts]) mkdirSync(each);
    for (const file of ['event-reading/lend.py', 'vault-mtls/configuration/vault_api.py'])
      copyFileSync(join(ROOT, 'constructs', file), join(scripts, basename(file)));
    writeFileSync(token, await vault.tokens.of(reader.namespace, reader.name));
    const lender = stand.sandbox.start('lend', '/usr/bin/env', [
      ...[`VAULT=https://${vault.member.address}:8202`, `TRUST=${folder}/ca.crt`, `TOKEN_FILE=${token}`],
      ...[`ROLE=${roleOf(reader)}`, `LENDS=${path}`, `DESK=${desk}`],
      ...['PYTHONDONTWRITEBYTECODE=1', 'python3', join(scripts, 'lend.py')],
    ]);
    await until('it lends', () => Promise.resolve(existsSync(join(desk, 'lender'))));
    const env = {
      DESK: desk,
      PGHOST: 'localhost',
      PGPORT: database.ports.PgBouncer,
      PGDATABASE: DATABASE,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: join(database.folder, 'platform/ca.crt'),
      PGSSLCERT: join(database.folder, 'platform/bridge.crt'),
      PGSSLKEY: join(database.folder, 'platform/bridge.client-key'),
    };
    return new Room(
      Object.entries(env).map(([name, value]) => `${name}=${value}`),
      lender,
    );
  }

  read(...args: readonly string[]): Promise<Outcome> {
    return run('/usr/bin/env', [...this.env, ...this.script(args)]);
  }

  start(...args: readonly string[]): ChildProcess {
    return spawn('/usr/bin/env', [...this.env, ...this.script(args)], { stdio: 'ignore' });
  }

  /** As the kubelet ends a pod. */
  async close(): Promise<void> {
    const gone = new Promise((done) => this.lender.once('exit', done));
    this.lender.kill('SIGTERM');
    await gone;
  }

  private script(args: readonly string[]): string[] {
    return ['sh', join(ROOT, 'constructs/event-reading/read.sh'), ...args];
  }
}
