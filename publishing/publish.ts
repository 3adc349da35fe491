import { setTimeout as sleep } from 'node:timers/promises';
import type { Files } from '../synth/memory';
import type { DistBranch, Prepared } from './branch';
import { changesBetween, type ClusterChange } from './changes/changes';
import { heldBack, lastPublication } from './held-back';
import { refuseForeign } from './scope';
import { refuseStale, short, type Source } from './source';
import { countsOf } from './summary';
import { allowedLine, type Allowance, type Verdict } from './safety/allowances';
import { checkSafety, refuseDangers } from './safety/check';
import { type Ids, idsOf } from './tree';

export interface PublishOptions {
  readonly allowances: readonly Allowance[];
  /** Publishes again what a rollback took back. */
  readonly again: boolean;
  /** Publishes also what does not come after what is published. */
  readonly anySource: boolean;
  /** Everything but moving the branch. */
  readonly dryRun: boolean;
}

export interface Published {
  readonly outcome: 'published' | 'unchanged' | 'prepared';
  /** What the branch is at now, or would be. */
  readonly commit: string;
  readonly changes: readonly ClusterChange[];
  readonly verdict: Verdict;
}

/** Somebody who publishes all the time would otherwise keep everybody else busy for ever. */
const ATTEMPTS = 5;

/**
 * Puts files on the branch as one commit, or nothing where it has them already. Where somebody else moves the branch
 * meanwhile, everything is looked at again on what they left.
 * @throws Error where it is refused; the branch is then as it was
 */
export async function publish(
  branch: DistBranch,
  files: Files,
  source: Source,
  options: PublishOptions,
): Promise<Published> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const plan = planOn(branch, branch.fetch(), files, source, options);
    if (plan.outcome === 'unchanged' || options.dryRun) return plan;
    if (branch.push(plan.prepared)) return { ...plan, outcome: 'published' };
    await sleep(Math.random() * 200 * attempt);
  }
  throw new Error(
    `${branch.name} was moved by somebody else ${ATTEMPTS} times; it is as they left it: run this again when they are done`,
  );
}

/** What would be put on a commit. */
function planOn(
  branch: DistBranch,
  base: string | undefined,
  files: Files,
  source: Source,
  { allowances, again, anySource }: PublishOptions,
): Published & { readonly prepared: Prepared } {
  const before = branch.files(base);
  refuseForeign(branch.name, before);
  if (base !== undefined && isSameIds(branch.ids(base), idsOf(branch.git, files))) {
    const verdict = checkSafety(branch, base, [], allowances);
    return { outcome: 'unchanged', commit: base, changes: [], verdict, prepared: { commit: base, base } };
  }
  if (base !== undefined && !anySource) refuseOlder(branch, base, source);
  if (base !== undefined && !again) refuseHeldBack(branch, base, files);
  const changes = changesBetween(before, files);
  const verdict = checkSafety(branch, base, changes, allowances);
  refuseDangers(verdict);
  const prepared = branch.prepare(files, base, messageOf(source, changes), {
    Allowed: verdict.allowed.map(allowedLine),
    'Source-Commit': source.commit,
  });
  return { outcome: 'prepared', commit: prepared.commit, changes, verdict, prepared };
}

/** The newest source that was published, whatever was rolled back since. */
function refuseOlder(branch: DistBranch, base: string, source: Source): void {
  const publication = lastPublication(branch, base);
  const [published] = publication === undefined ? [] : branch.trailers(publication, 'Source-Commit');
  if (published !== undefined && published !== source.commit) refuseStale(branch, source, published);
}

function refuseHeldBack(branch: DistBranch, base: string, files: Files): void {
  const held = heldBack(branch, base, idsOf(branch.git, files));
  if (held.length === 0) return;
  throw new Error(
    `${held.join(', ')}: this is what a rollback took back (${short(base)} at ${branch.name}); publish a revision that repairs it, or say --again`,
  );
}

function messageOf({ commit, subject, isDirty }: Source, changes: readonly ClusterChange[]): string {
  const dirty = isDirty ? ' with uncommitted changes' : '';
  return `Publishes ${short(commit)}${dirty}: ${subject}\n\n${countsOf(changes).join('\n')}`;
}

function isSameIds(a: Ids, b: Ids): boolean {
  return a.size === b.size && [...a].every(([path, id]) => b.get(path) === id);
}
