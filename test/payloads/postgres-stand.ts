import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';

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
   */
  static async start(
    settings: readonly string[],
    files: Readonly<Record<string, string>> = {},
    port = 5432,
  ): Promise<Postgres> {
    const bin = join(INSTALLED, String(installedVersion()), 'bin');
    const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    try {
      // PostgreSQL refuses to run as root. Should this process die, the server is told to quit.
      const owner = process.getuid?.() === 0 ? await postgresUser() : undefined;
      const user = owner ? ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'] : [];
      const asUser = [...user, '--pdeathsig', 'QUIT'];
      if (owner) chownSync(folder, owner.uid, owner.gid);
      const data = join(folder, 'data');
      const initial = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
      await run('setpriv', [...asUser, join(bin, 'initdb'), ...initial]);
      const flags = [`unix_socket_directories=${folder}`, `port=${port}`, ...settings].flatMap((each) => [
        '-c',
        each,
      ]);
      for (const [name, text] of Object.entries(files)) write(folder, owner, name, text);
      const child = spawn('setpriv', [...asUser, join(bin, 'postgres'), '-D', data, ...flags], {
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
