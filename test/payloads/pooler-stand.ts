import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { poolerParameters } from '../../constructs/postgres-cluster/pooler';
import { freePort } from '../../acceptance/free-port';
import { clientsOf, type Edition, serversOf } from './postgres-stand';

const run = promisify(execFile);

/** Roles as they are named in a cluster. */
export const OWNER = 'lighthouse_owner';
export const WRITER = 'lighthouse_writer';
export const READER = 'lighthouse_reader';
export const MIGRATOR = 'lighthouse_migrator';
export const POOLER = 'cnpg_pooler_pgbouncer';
export const STANDBY = 'streaming_replica';

export const DATABASE = 'lighthouse';

/** What CloudNativePG 1.30 writes before and after the lines of a Cluster (pkg/postgres/configuration.go). */
const OPERATORS = {
  before: [
    'local all all trust',
    `hostssl postgres ${STANDBY} all cert map=cnpg_streaming_replica`,
    `hostssl replication ${STANDBY} all cert map=cnpg_streaming_replica`,
    `hostssl all ${POOLER} all cert map=cnpg_pooler_pgbouncer`,
  ],
  after: ['host all all all scram-sha-256'],
  ident: [`cnpg_streaming_replica ${STANDBY} ${STANDBY}`, `cnpg_pooler_pgbouncer ${POOLER} ${POOLER}`],
};

/** What it writes for the pooler beside the settings (pkg/management/pgbouncer/config). */
const LOOKUP = 'SELECT usename, passwd FROM public.user_search($1)';

/** In each database: the one that the operator names for it is a setting that PgBouncer 1.18 does not have. */
const LOOKED_UP = [
  `CREATE FUNCTION public.user_search(uname TEXT) RETURNS TABLE (usename name, passwd text) LANGUAGE sql SECURITY DEFINER AS
   'SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename=$1'`,
  'REVOKE ALL ON FUNCTION public.user_search(text) FROM public',
  `GRANT EXECUTE ON FUNCTION public.user_search(text) TO ${POOLER}`,
];

/** Settings that came after the PgBouncer that Debian has. */
const NEWER = ['max_prepared_statements'];

/** A client: the files that it shows, as `authority/name`, its role and whether it says the right password. */
export interface Client {
  readonly role: string;
  readonly certificate?: string;
  /** `none` for none. @default the right one */
  readonly password?: string;
  readonly tls?: 'verify-full' | 'disable';
  /** @default postgres */
  readonly database?: string;
}

export type Server = 'PostgreSQL' | 'PgBouncer';

export interface Outcome {
  readonly ok: boolean;
  /** What was printed, or the error. */
  readonly said: string;
}

/** One PostgreSQL, one PgBouncer before it, and three authorities, in a temporary folder and on loopback. */
export class PoolerStand {
  private readonly children: ChildProcess[] = [];

  private constructor(
    readonly folder: string,
    private readonly edition: Edition,
    readonly ports: Readonly<Record<Server, number>>,
  ) {}

  static async open(edition: Edition = 'installed'): Promise<PoolerStand> {
    if (!existsSync(PGBOUNCER)) throw new Error(`${PGBOUNCER} is missing: apt-get install pgbouncer`);
    const folder = mkdtempSync(join(tmpdir(), 'postgres-certificates-'));
    const ports = { PostgreSQL: await freePort(), PgBouncer: await freePort() };
    const stand = new PoolerStand(folder, edition, ports);
    try {
      await issueAll(folder);
      return stand;
    } catch (error) {
      await stand.close();
      throw error;
    }
  }

  async startPostgres(rules: readonly string[]): Promise<void> {
    const { folder } = this;
    const bin = serversOf(this.edition, folder);
    // PostgreSQL refuses to run as root, and to read a key that others may read.
    if (isRoot()) await this.handOver();
    const data = join(folder, 'data');
    await run('setpriv', [
      ...asPostgres(),
      join(bin, 'initdb'),
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '--locale=C',
    ]);
    const settings = {
      listen_addresses: '127.0.0.1',
      port: this.ports.PostgreSQL,
      unix_socket_directories: folder,
      fsync: 'off',
      ssl: 'on',
      ssl_cert_file: join(folder, 'platform/server.crt'),
      ssl_key_file: join(folder, 'platform/server.key'),
      ssl_ca_file: join(folder, 'own/ca.crt'),
      hba_file: join(folder, 'pg_hba.conf'),
      ident_file: join(folder, 'pg_ident.conf'),
    };
    writeFileSync(join(folder, 'pg_ident.conf'), lines(OPERATORS.ident));
    this.writeRules(rules);
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.start('setpriv', [
      ...asPostgres(),
      '--pdeathsig',
      'QUIT',
      join(bin, 'postgres'),
      '-D',
      data,
      ...flags,
    ]);
    await until('PostgreSQL answers', async () => (await this.asSuperuser('SELECT 1')).ok);
    const password = (role: string): string => `ALTER ROLE ${role} PASSWORD '${PASSWORD}'`;
    const made = await this.asSuperuser(
      ...[OWNER, WRITER, READER, MIGRATOR, POOLER].map((role) => `CREATE ROLE ${role} LOGIN`),
      `CREATE ROLE ${STANDBY} LOGIN REPLICATION`,
      ...[OWNER, WRITER, MIGRATOR].map(password),
      ...LOOKED_UP,
      `CREATE DATABASE ${DATABASE} OWNER ${OWNER}`,
      `\\connect ${DATABASE}`,
      ...LOOKED_UP,
    );
    if (!made.ok) throw new Error(made.said);
  }

  async startPooler(): Promise<void> {
    const { folder } = this;
    const parameters = Object.entries(poolerParameters({ poolSize: 5, clientsPerPooler: 20 }));
    const ini = {
      auth_user: POOLER,
      auth_query: LOOKUP,
      auth_type: 'hba',
      auth_hba_file: join(folder, 'pooler_hba.conf'),
      unix_socket_dir: '',
      listen_addr: '127.0.0.1',
      listen_port: this.ports.PgBouncer,
      server_tls_ca_file: join(folder, 'platform/ca.crt'),
      server_tls_cert_file: join(folder, 'own/pooler.crt'),
      server_tls_key_file: join(folder, 'own/pooler.key'),
      client_tls_cert_file: join(folder, 'platform/server.crt'),
      client_tls_key_file: join(folder, 'platform/server.key'),
      client_tls_ca_file: join(folder, 'platform/ca.crt'),
      ...Object.fromEntries(parameters.filter(([name]) => !NEWER.includes(name))),
    };
    writeFileSync(join(folder, 'pooler_hba.conf'), 'host all all 0.0.0.0/0 md5\n');
    writeFileSync(
      join(folder, 'pgbouncer.ini'),
      lines([
        '[databases]',
        `* = host=localhost port=${this.ports.PostgreSQL}`,
        '[pgbouncer]',
        'pool_mode = transaction',
        ...Object.entries(ini).map(([name, value]) => `${name} = ${value}`),
      ]),
    );
    const pooler = this.start('setpriv', [
      ...asPostgres(),
      '--pdeathsig',
      'QUIT',
      PGBOUNCER,
      join(folder, 'pgbouncer.ini'),
    ]);
    let said = '';
    pooler.stderr?.on('data', (data: Buffer) => (said += data.toString()));
    await until('PgBouncer listens', () => {
      if (pooler.exitCode !== null) throw new Error(`PgBouncer ended: ${said}`);
      return Promise.resolve(said.includes('process up'));
    });
  }

  /** Has PostgreSQL take other lines. */
  async setRules(rules: readonly string[]): Promise<void> {
    this.writeRules(rules);
    await this.asSuperuser('SELECT pg_reload_conf()');
    await sleep(500);
  }

  async connect(
    server: Server,
    { role, certificate, password = PASSWORD, tls = 'verify-full', database = 'postgres' }: Client,
    ...statements: readonly string[]
  ): Promise<Outcome> {
    const { folder } = this;
    return psql(['-w', ...statements.flatMap((sql) => ['-c', sql])], {
      PGHOST: 'localhost',
      PGPORT: String(this.ports[server]),
      PGUSER: role,
      PGDATABASE: database,
      PGSSLMODE: tls,
      PGSSLROOTCERT: join(folder, 'platform/ca.crt'),
      ...(certificate === undefined
        ? {}
        : {
            PGSSLCERT: join(folder, `${certificate}.crt`),
            PGSSLKEY: join(folder, `${certificate}.client-key`),
          }),
      ...(password === 'none' ? {} : { PGPASSWORD: password }),
    });
  }

  async close(): Promise<void> {
    await Promise.all(
      this.children.map(async (child) => {
        if (child.exitCode !== null) return;
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGQUIT');
        await gone;
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }

  private writeRules(rules: readonly string[]): void {
    writeFileSync(
      join(this.folder, 'pg_hba.conf'),
      lines([...OPERATORS.before, ...rules, ...OPERATORS.after]),
    );
  }

  asSuperuser(...statements: readonly string[]): Promise<Outcome> {
    return this.locally(
      'postgres',
      statements.flatMap((statement) => ['-c', statement]),
      'postgres',
    );
  }

  /** psql by the socket, where nobody is asked for anything. */
  locally(role: string, args: readonly string[], database = DATABASE, cwd = this.folder): Promise<Outcome> {
    const env = {
      PGHOST: this.folder,
      PGPORT: String(this.ports.PostgreSQL),
      PGUSER: role,
      PGDATABASE: database,
    };
    return psql(args, env, cwd);
  }

  /** Gives the folder and the servers' keys to whom the servers run as. Clients, who are root here, have copies of theirs. */
  private async handOver(): Promise<void> {
    const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout);
    const [user, group] = [await id('-u'), await id('-g')];
    chownSync(this.folder, user, group);
    for (const key of ['platform/server.key', 'own/pooler.key'])
      chownSync(join(this.folder, key), user, group);
  }

  private start(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.children.push(child);
    return child;
  }
}

const PGBOUNCER = '/usr/sbin/pgbouncer';
/** Of the roles that have one. */
export const PASSWORD = 'right';

const isRoot = (): boolean => process.getuid?.() === 0;
const asPostgres = (): string[] =>
  isRoot() ? ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'] : [];
const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

async function psql(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<Outcome> {
  try {
    const { stdout } = await run(join(clientsOf(), 'psql'), ['-XqAt', '-v', 'ON_ERROR_STOP=1', ...args], {
      cwd,
      env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...env },
    });
    return { ok: true, said: stdout.trim() };
  } catch (error) {
    return { ok: false, said: ((error as { stderr?: string }).stderr ?? String(error)).trim() };
  }
}

/** Certificates by authority: the name of the file, the common name, and what it may be used for. */
const CERTIFICATES: Readonly<
  Record<string, readonly (readonly [file: string, name: string, usage: string])[]>
> = {
  own: [
    ['owner', OWNER, 'clientAuth'],
    ['pooler', POOLER, 'clientAuth'],
    ['standby', STANDBY, 'clientAuth'],
    ['server-only', OWNER, 'serverAuth'],
  ],
  platform: [
    ['server', 'localhost', 'serverAuth,clientAuth'],
    ['bridge', 'lighthouse', 'serverAuth,clientAuth'],
    ['owner', OWNER, 'clientAuth'],
    ['standby', STANDBY, 'clientAuth'],
  ],
  stranger: [['owner', OWNER, 'clientAuth']],
};

async function issueAll(folder: string): Promise<void> {
  const ec = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  const script = Object.entries(CERTIFICATES).map(
    ([authority, leaves]) => `mkdir ${authority}; cd ${authority}
      openssl req -x509 ${ec} -keyout ca.key -out ca.crt -subj /CN=${authority} -days 1
      ${leaves
        .map(
          ([file, name, usage]) => `openssl req ${ec} -keyout ${file}.key -out ${file}.csr -subj /CN=${name}
      printf 'extendedKeyUsage=${usage}\\nsubjectAltName=DNS:${name.replaceAll('_', '-')}\\n' >${file}.ext
      openssl x509 -req -in ${file}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile ${file}.ext -out ${file}.crt -days 1
      cp ${file}.key ${file}.client-key`,
        )
        .join('\n')}
      cd ..`,
  );
  await run('sh', ['-ec', script.join('\n')], { cwd: folder });
  // As a mounted Secret is: the group may read it, where root owns it.
  for (const [authority, leaves] of Object.entries(CERTIFICATES))
    for (const [file] of leaves) {
      chmodSync(join(folder, authority, `${file}.client-key`), isRoot() ? 0o440 : 0o400);
      chmodSync(join(folder, authority, `${file}.key`), 0o400);
    }
}

async function until(what: string, is: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await is()) return;
    await sleep(50);
  }
  throw new Error(`waited 10 s in vain until ${what}`);
}
