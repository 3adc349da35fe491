import type { Files } from '../synth/memory';
import type { DistBranch } from './branch';
import type { Git } from './git';
import { clusterIn } from './held-back';
import { isAncestor, isKnown, short } from './source';

/** A part of what the branch holds: everything, an environment, or one cluster. */
export interface Scope {
  readonly environment?: string;
  readonly cluster?: string;
}

/** @throws Error where a revision is none here */
export function revisionOf(git: Git, revision: string): string {
  const { status, stdout } = git.ask([
    ...['rev-parse', '--verify', '--quiet', '--end-of-options'],
    `${revision}^{commit}`,
  ]);
  if (status !== 0) throw new Error(`${revision}: no such revision here; \`git fetch\` may bring it`);
  return stdout.toString().trim();
}

/**
 * A commit of the branch that a revision names: itself, or the newest that was published from it.
 * @throws Error where there is none
 */
export function revisionOn(branch: DistBranch, tip: string, revision: string): string {
  const commit = revisionOf(branch.git, revision);
  const [published] = branch.log(tip, '%H', ['-1', `--grep=^Source-Commit: ${commit}$`]);
  if (published !== undefined) return published;
  refuseForeignRevision(branch, tip, commit, revision);
  return commit;
}

export function refuseForeignRevision(branch: DistBranch, tip: string, commit: string, name: string): void {
  if (isKnown(branch.git, commit) && isAncestor(branch.git, commit, tip)) return;
  throw new Error(
    `${name}: ${short(commit)} is no revision of ${branch.name}, nor a source that was published there; \`git log ${short(tip)}\` has them`,
  );
}

/** @throws Error where a scope names nothing that is there */
export function placesIn(paths: readonly string[], { environment, cluster }: Scope): string[] {
  const places = [...new Set(paths.map(clusterIn))].sort();
  if (cluster !== undefined && environment === undefined)
    throw new Error(
      `--cluster ${cluster}: clusters of several environments may share a name, so --environment must be given as well`,
    );
  const wanted = [environment, cluster].filter((part) => part !== undefined).join('/');
  const found = wanted === '' ? places : places.filter((place) => `${place}/`.startsWith(`${wanted}/`));
  if (found.length === 0)
    throw new Error(`${wanted}: no such environment or cluster; there are ${places.join(', ')}`);
  return found;
}

/** A branch of sources given by mistake is not to be emptied. */
export function refuseForeign(name: string, files: Files): void {
  const foreign = [...files.keys()].find((path) => !/^[^/]+\/[^/]+\/[^/]+\/[^/]+\.yaml$/.test(path));
  if (foreign !== undefined)
    throw new Error(
      `${name} holds ${foreign}, which no synth writes; name a branch of manifests, or a new one`,
    );
}
