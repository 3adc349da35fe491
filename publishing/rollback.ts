import type { Files } from '../synth/memory';
import type { DistBranch, Prepared } from './branch';
import { changesBetween, type ClusterChange, placeOf } from './changes/changes';
import { clusterIn } from './held-back';
import { healthyMarks } from './healthy';
import { type Allowance, allowedLine, type Verdict } from './safety/allowances';
import { checkSafety, refuseDangers } from './safety/check';
import { placesIn, refuseForeignRevision, revisionOn, type Scope } from './scope';
import { short } from './source';
import { countsOf } from './summary';

export interface RollbackOptions extends Scope {
  /** A revision of the branch, or a source that was published there; undefined: where each cluster was healthy last. */
  readonly to: string | undefined;
  readonly reason: string | undefined;
  readonly allowances: readonly Allowance[];
  readonly dryRun: boolean;
}

export interface RolledBack {
  readonly outcome: 'rolled back' | 'prepared' | 'unchanged';
  readonly commit: string;
  readonly changes: readonly ClusterChange[];
  readonly verdict: Verdict;
}

/** Which revision each cluster goes back to, as in `production/frankfurt` → commit. */
type Targets = ReadonlyMap<string, string>;

/** Somebody who publishes all the time would otherwise keep a rollback busy for ever. */
const ATTEMPTS = 5;

/**
 * Puts what an earlier revision held on the branch, as a new commit: history stays. Where somebody else moves the branch
 * meanwhile, it is tried again only if they left these clusters as they were: what came may be the repair.
 * @throws Error where it is refused; the branch is then as it was
 */
export function rollback(branch: DistBranch, options: RollbackOptions): RolledBack {
  let plan = planOn(branch, options);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { prepared, targets } = plan;
    if (!prepared || options.dryRun) return plan;
    if (branch.push(prepared)) return { ...plan, outcome: 'rolled back' };
    const looked = inClusters(branch, prepared.base, targets);
    plan = planOn(branch, options);
    if (inClusters(branch, plan.prepared?.base ?? plan.commit, targets) !== looked) break;
  }
  throw new Error(
    `${branch.name} was moved by somebody else meanwhile; look at what it holds now, and decide again`,
  );
}

interface Plan extends RolledBack {
  readonly targets: Targets;
  /** Undefined where there is nothing to do. */
  readonly prepared?: Prepared;
}

function planOn(branch: DistBranch, options: RollbackOptions): Plan {
  const base = branch.fetch();
  if (base === undefined)
    throw new Error(`${branch.name}: there is no such branch, so nothing to go back to`);
  const before = branch.files(base);
  const targets =
    options.to === undefined
      ? healthyTargets(branch, base, before, options)
      : targetsAt(branch, base, before, options, options.to);
  const files = filesAt(branch, before, targets);
  const changes = changesBetween(before, files);
  const verdict = checkSafety(branch, base, changes, options.allowances, 'back');
  const changed = changes.filter((change) => change.changes.length > 0).map(placeOf);
  if (changed.length === 0) return { outcome: 'unchanged', commit: base, changes, verdict, targets };
  refuseDangers(verdict);
  const prepared = branch.prepare(files, base, messageOf(branch, targets, changes, options.reason), {
    Allowed: verdict.allowed.map(allowedLine),
    'Rollback-From': base,
    'Rollback-To': changed.map((place) => `${targets.get(place) ?? ''} ${place}`),
  });
  return { outcome: 'prepared', commit: prepared.commit, changes, verdict, targets, prepared };
}

/** What a revision holds of some clusters, as one text. */
function inClusters(branch: DistBranch, commit: string | undefined, targets: Targets): string {
  return [...branch.ids(commit)]
    .filter(([path]) => targets.has(clusterIn(path)))
    .map((entry) => entry.join(' '))
    .join('\n');
}

function targetsAt(branch: DistBranch, base: string, before: Files, scope: Scope, revision: string): Targets {
  const commit = revisionOn(branch, base, revision);
  const places = placesIn([...before.keys(), ...branch.ids(commit).keys()], scope);
  return new Map(places.map((place) => [place, commit]));
}

function healthyTargets(branch: DistBranch, base: string, before: Files, scope: Scope): Targets {
  const marks = healthyMarks(branch);
  const places = placesIn([...before.keys()], scope);
  const unmarked = places.filter((place) => !marks.has(place));
  if (unmarked.length > 0)
    throw new Error(
      `${unmarked.join(', ')}: no revision was ever marked healthy (npm run dist:healthy); name one with --to`,
    );
  return new Map(
    places.map((place) => {
      const commit = marks.get(place) ?? '';
      refuseForeignRevision(branch, base, commit, `the healthy mark of ${place}`);
      return [place, commit];
    }),
  );
}

/** What the branch holds, with some clusters as they were. */
function filesAt(branch: DistBranch, before: Files, targets: Targets): Files {
  const kept = [...before].filter(([path]) => !targets.has(clusterIn(path)));
  const revisions = [...new Set(targets.values())];
  const restored = revisions.flatMap((commit) =>
    [...branch.files(commit)].filter(([path]) => targets.get(clusterIn(path)) === commit),
  );
  return new Map([...kept, ...restored]);
}

function messageOf(
  branch: DistBranch,
  targets: Targets,
  changes: readonly ClusterChange[],
  reason: string | undefined,
): string {
  const commits = [...new Set(targets.values())];
  const subjects = commits.map((commit) => `${short(commit)} ${branch.log(commit, '%s', ['-1']).join('')}`);
  const places = changes.filter((change) => change.changes.length > 0).map(placeOf);
  return [
    `Rolls back ${places.join(', ')} to ${commits.map(short).join(', ')}`,
    ...(reason === undefined ? [] : [reason]),
    countsOf(changes).join('\n'),
    subjects.join('\n'),
  ].join('\n\n');
}
