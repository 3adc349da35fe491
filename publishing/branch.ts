import { existsSync, readFileSync } from 'node:fs';
import type { Files } from '../synth/memory';
import { type Git, saidIn } from './git';
import { type Ids, idsIn, idsOf, textsOf, writeTexts, writeTree } from './tree';

/** What a commit says of itself to programs: the last lines of its message, as in `Source-Commit: 1a2b3c…`. */
export type Trailers = Readonly<Record<string, string | readonly string[]>>;

/** A commit that is written and that no branch has yet. */
export interface Prepared {
  readonly commit: string;
  /** The commit it stands on; undefined for the first of a branch. */
  readonly base: string | undefined;
}

/** The branch that Argo CD syncs from, at its remote: nothing here looks at local branches. */
export class DistBranch {
  private constructor(
    readonly git: Git,
    /** A remote's name, or where it is. */
    readonly remote: string,
    readonly branch: string,
  ) {}

  /** @throws Error where there is no such remote, or where no branch can have this name */
  static of(git: Git, remote: string, branch: string): DistBranch {
    const remotes = git.text(['remote']).split('\n');
    if (!remotes.includes(remote) && !/[/:]/.test(remote))
      throw new Error(
        `no remote is called ${remote}; add it with \`git remote add ${remote} URL\`, or name another with --remote`,
      );
    if (git.ask(['check-ref-format', '--branch', branch]).status !== 0)
      throw new Error(`${branch}: no branch can be called that`);
    return new DistBranch(git, remote, branch);
  }

  /** For people, as in `dist at origin`. */
  get name(): string {
    return `${this.branch} at ${this.remote}`;
  }

  get ref(): string {
    return `refs/heads/${this.branch}`;
  }

  /**
   * The newest commit that the remote has, fetched; undefined where there is no such branch yet.
   * @throws Error where the remote does not answer
   */
  fetch(): string | undefined {
    const tip = this.tip();
    if (tip === undefined) return undefined;
    this.bring(this.ref);
    this.refuseShallow(tip);
    return tip;
  }

  /** The commit that the remote has now; its objects may not be here. */
  tip(ref = this.ref): string | undefined {
    return this.refs(ref).get(ref);
  }

  /** References at the remote that match a pattern, with their commits. */
  refs(pattern: string): ReadonlyMap<string, string> {
    const { status, stdout, stderr } = this.git.ask(['ls-remote', this.remote, pattern]);
    if (status !== 0)
      throw new Error(
        `${this.remote} cannot be read: ${saidIn(stderr)}; check with \`git ls-remote ${this.remote}\``,
      );
    const lines = stdout.toString().trim().split('\n');
    return new Map(
      lines
        .filter((line) => line !== '')
        .map((line) => {
          const [commit = '', ref = ''] = line.split('\t');
          return [ref, commit] as const;
        }),
    );
  }

  /** Fetches objects alone: neither a branch nor what a remote's branches are remembered as is moved. */
  bring(revision: string): void {
    this.git.bytes([
      ...[
        '-c',
        'gc.auto=0',
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--refmap=',
        '--no-filter',
      ],
      this.remote,
      revision,
    ]);
  }

  /** Paths and ids of a commit; none for a branch that is not there yet. */
  ids(commit: string | undefined): Ids {
    return commit === undefined ? new Map() : idsIn(this.git, commit);
  }

  files(commit: string | undefined): Files {
    return commit === undefined ? new Map() : textsOf(this.git, this.ids(commit));
  }

  /** Writes a commit of exactly these files, which nothing refers to yet. */
  prepare(files: Files, base: string | undefined, message: string, trailers: Trailers): Prepared {
    const ids = idsOf(this.git, files);
    const there = new Set(this.ids(base).values());
    const fresh = [...files].filter(([path]) => !there.has(ids.get(path) ?? '')).map(([, text]) => text);
    writeTexts(this.git, fresh);
    return this.commit(writeTree(this.git, ids), base, message, trailers);
  }

  /**
   * Moves the branch to a commit, as long as nobody else moved it: a plain push.
   * @returns false where somebody did
   * @throws Error where the remote refuses it
   */
  push({ commit, base }: Prepared, ref = this.ref): boolean {
    const { status, stdout, stderr } = this.git.ask([
      ...['push', '--porcelain', '--no-follow-tags', '--recurse-submodules=no'],
      this.remote,
      `${commit}:${ref}`,
    ]);
    if (status === 0) return true;
    // A connection may break after the remote has taken it, so the remote is asked what is true.
    const tip = this.tip(ref);
    if (tip === commit) return true;
    const said = saidIn(`${stderr}${refusalIn(stdout.toString())}`);
    if (tip !== base || /cannot lock ref|failed to lock|failed to update ref/.test(said)) return false;
    throw new Error(
      `${this.remote} did not take ${ref}: ${said}\nthe branch is as it was; pushing to it needs the right to write, and no force`,
    );
  }

  /** The values of a trailer in a commit's message. */
  trailers(commit: string, key: string): string[] {
    return this.log(commit, `%(trailers:key=${key},valueonly,unfold)`, ['-1']);
  }

  /** Lines of a log, as a format says, empty ones left out. */
  log(commit: string, format: string, args: readonly string[] = []): string[] {
    const lines = this.git.text(['log', ...args, `--format=${format}`, commit, '--']).split('\n');
    return lines.filter((line) => line !== '');
  }

  /** What was published, rolled back and allowed is in the branch's history, of which a clone may have a part. */
  private refuseShallow(tip: string): void {
    const file = this.git.text(['rev-parse', '--path-format=absolute', '--git-path', 'shallow']);
    if (!existsSync(file)) return;
    const cut = readFileSync(file, 'utf8').split('\n');
    const first = this.git.text(['rev-list', '--max-parents=0', tip]).split('\n');
    if (first.some((commit) => cut.includes(commit)))
      throw new Error(
        `${this.name}: this clone has only a part of its history; \`git fetch --unshallow ${this.remote} ${this.branch}\` brings the rest`,
      );
  }

  private commit(tree: string, base: string | undefined, message: string, trailers: Trailers): Prepared {
    const lines = Object.entries(trailers).flatMap(([key, values]) =>
      [values].flat().map((value) => `${key}: ${value.replaceAll(/\s+/g, ' ')}`),
    );
    const parents = base === undefined ? [] : ['-p', base];
    const text = `${message.trim()}\n\n${lines.join('\n')}\n`;
    // Plumbing signs nothing by itself.
    const signs =
      this.git.ask(['config', '--type=bool', 'commit.gpgSign']).stdout.toString().trim() === 'true';
    const options = [...parents, ...(signs ? ['--gpg-sign'] : [])];
    return { commit: this.git.text(['commit-tree', tree, ...options, '-F', '-'], text), base };
  }
}

/** Lines of `git push --porcelain` that tell of a refusal, as in `!	refs/heads/…	[remote rejected] (…)`. */
function refusalIn(porcelain: string): string {
  return porcelain
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.split('\t').at(-1) ?? '')
    .join('\n');
}
