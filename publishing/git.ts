import { spawnSync } from 'node:child_process';

/** What git said. */
export interface Said {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Repositories can be large; what is read of them here is not. */
const MOST_BYTES = 1 << 30;

/** git, run in one folder. Nothing here reads or writes its index, its HEAD or its checked-out files. */
export class Git {
  private constructor(readonly folder: string) {}

  /** @throws Error where git is missing, or where the folder is in no repository */
  static open(folder: string): Git {
    const git = new Git(folder);
    const { status, stderr } = git.ask(['rev-parse', '--git-dir']);
    if (status === 0) return git;
    throw new Error(
      /not a git repository/i.test(stderr)
        ? `${folder}: not in a git repository; run this in a clone of the platform's sources`
        : `${folder}: ${saidIn(stderr)}`,
    );
  }

  /** Runs git to its end, whatever the end. */
  ask(args: readonly string[], input: string | Buffer = ''): Said {
    const { status, signal, error, stdout, stderr } = spawnSync('git', args, {
      cwd: this.folder,
      input,
      maxBuffer: MOST_BYTES,
      env: environment(),
    });
    // A program that ends before it has read all closes the pipe: its status tells more.
    if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE')
      throw new Error(
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'git could not be started: install it, or put it on PATH'
          : `git ${args[0] ?? ''}: ${error.message}`,
      );
    if (signal !== null) throw new Error(`git ${args[0] ?? ''} was ended by ${signal}`);
    return { status: status ?? 1, stdout, stderr: stderr.toString() };
  }

  /** @throws Error with git's own words where it fails */
  bytes(args: readonly string[], input: string | Buffer = ''): Buffer {
    const { status, stdout, stderr } = this.ask(args, input);
    if (status !== 0) throw new Error(`git ${args[0] ?? ''}: ${saidIn(stderr)}`);
    return stdout;
  }

  /** Output as text, without the last line's end. */
  text(args: readonly string[], input: string | Buffer = ''): string {
    return this.bytes(args, input).toString().trimEnd();
  }
}

/** What git complained of, without what it says of its progress and without its advice. */
export function saidIn(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^(hint|To|warning): ?/.test(line));
  return lines.join('\n') || 'it failed and said nothing';
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LC_ALL: 'C',
    // Where nobody is there to type a password, a question would wait for ever.
    ...(process.stdin.isTTY ? {} : { GIT_TERMINAL_PROMPT: '0' }),
  };
}
