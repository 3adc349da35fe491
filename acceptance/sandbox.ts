import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Waits until whoever started it is gone, or closes its input: then it ends all processes that it was told of, and removes
 * the folder. A process of its own, because nobody can tidy up after having been killed.
 */
const GUARD = `
pids=
while read -r pid; do pids="$pids $pid"; done
for pid in $pids; do kill -9 "$pid" 2> /dev/null; done
tries=0
until rm -rf "$0" || [ "$tries" -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
`;

/** A folder that only this user can open, and programs at work in it. Both go when this program ends, however it ends. */
export class Sandbox {
  readonly folder: string;
  private readonly guard;

  /** @param name what its folder's name begins with */
  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `${name}-`));
    // In a session of its own, so that Ctrl-C does not reach it.
    this.guard = spawn('sh', ['-c', GUARD, this.folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.guard.stdin.on('error', () => undefined);
    this.guard.unref();
    if (this.guard.stdin instanceof Socket) this.guard.stdin.unref();
  }

  /** Starts a program that runs until the sandbox is closed; what it says is kept in a file. */
  start(name: string, program: string, args: readonly string[]): ChildProcess {
    const log = openSync(this.logOf(name), 'a', 0o600);
    const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true, cwd: this.folder });
    closeSync(log);
    child.on('error', () => undefined); // It has no pid then, and no log: whoever waits for it says so.
    child.unref();
    if (child.pid !== undefined) this.guard.stdin.write(`${child.pid}\n`);
    return child;
  }

  /** The last lines that a program said. */
  lastWords(name: string, lines = 5): string {
    return readFileSync(this.logOf(name), 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** Ends the programs and removes the folder; no harm where that was done before. */
  close(): Promise<void> {
    return new Promise((done) => {
      if (this.guard.exitCode !== null) return done();
      this.guard.ref();
      this.guard.once('close', () => done());
      this.guard.stdin.end();
    });
  }

  private logOf(name: string): string {
    return join(this.folder, `${name}.log`);
  }
}
