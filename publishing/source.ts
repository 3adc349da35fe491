import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Files } from '../synth/memory';
import type { DistBranch } from './branch';
import type { Git } from './git';

/** The commit that manifests were made of. */
export interface Source {
  readonly commit: string;
  readonly subject: string;
  /** Whether there were changes that no commit has. */
  readonly isDirty: boolean;
}

/** Files named in an error, before the rest is counted. */
const NAMED = 5;

/** @throws Error where there is no commit, or where something is not committed and that is not allowed */
export function sourceOf(git: Git, allowDirty: boolean): Source {
  const { status, stdout } = git.ask(['log', '-1', '--format=%H%n%s', 'HEAD', '--']);
  if (status !== 0)
    throw new Error('there is no commit yet: what is published names the commit that it was made of');
  const [commit = '', subject = ''] = stdout.toString().trimEnd().split('\n');
  const changed = git
    .text(['--no-optional-locks', 'status', '--porcelain'])
    .split('\n')
    .filter((line) => line !== '');
  if (changed.length > 0 && !allowDirty)
    throw new Error(
      `uncommitted sources: ${some(changed.map((line) => line.slice(3)))}; commit them, or say --allow-dirty`,
    );
  return { commit, subject, isDirty: changed.length > 0 };
}

/** The manifests in a folder, as they are: path below it → text. */
export function filesIn(folder: string): Files {
  const paths = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  return new Map(
    paths
      .filter((path) => path.endsWith('.yaml'))
      .toSorted()
      .map((path) => [path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')]),
  );
}

/** @throws Error where a folder is not what a synth would write now */
export function refuseOutdated(folder: string, written: Files, printed: Files): void {
  if (written.size === 0) throw new Error(`${folder}: there is no manifest; run \`npm run synth\` first`);
  const paths = [...new Set([...printed.keys(), ...written.keys()])];
  const different = paths.filter((path) => written.get(path) !== printed.get(path));
  if (different.length > 0)
    throw new Error(
      `${folder} is not what a synth prints now: ${some(different)}; run \`npm run synth\`, read the diff, and publish again`,
    );
}

/**
 * Whether a source may follow what is published: it must be the same or newer, so that nothing newer is undone.
 * @throws Error where it is older, where it is on another line of history, or where this clone cannot tell
 */
export function refuseStale(branch: DistBranch, { commit }: Source, published: string): void {
  const { git } = branch;
  if (!isKnown(git, published)) {
    try {
      branch.bring(published);
    } catch {
      // The remote need not have it, or need not give out single commits.
    }
  }
  if (isAncestor(git, published, commit)) return;
  const before = `${branch.name} was published from ${short(published)}`;
  const isShallow = git.text(['rev-parse', '--is-shallow-repository']) === 'true';
  if (isShallow || !isKnown(git, published))
    throw new Error(
      `${before}, and this clone cannot tell whether ${short(commit)} is newer; ${isShallow ? '`git fetch --unshallow`' : '`git fetch --all`'} may bring what is missing, or say --any-source`,
    );
  const relation = isAncestor(git, commit, published)
    ? `which is newer than ${short(commit)} here`
    : `which ${short(commit)} does not contain`;
  throw new Error(
    `${before}, ${relation}; update this clone and synthesize again, or say --any-source to undo what is published`,
  );
}

export function isAncestor(git: Git, older: string, newer: string): boolean {
  return git.ask(['merge-base', '--is-ancestor', older, newer]).status === 0;
}

export function isKnown(git: Git, commit: string): boolean {
  return git.ask(['cat-file', '-e', `${commit}^{commit}`]).status === 0;
}

/** As people write commits. */
export function short(commit: string): string {
  return commit.slice(0, 10);
}

function some(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
