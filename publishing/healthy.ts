import type { DistBranch } from './branch';
import { placesIn, revisionOn, type Scope } from './scope';
import { isAncestor, short } from './source';

/** One reference a cluster; they only move forward, as branches do. */
const MARKS = 'refs/healthy/';

/** The revision that each cluster was healthy at last, as in `production/frankfurt` → commit. */
export function healthyMarks(branch: DistBranch): ReadonlyMap<string, string> {
  return new Map([...branch.refs(`${MARKS}*`)].map(([ref, commit]) => [ref.slice(MARKS.length), commit]));
}

/**
 * Marks a revision of the branch as healthy for clusters.
 * @returns a line for each
 * @throws Error where it is no revision of the branch, or where the remote refuses
 */
export function markHealthy(branch: DistBranch, revision: string, scope: Scope): string[] {
  const tip = branch.fetch();
  if (tip === undefined) throw new Error(`${branch.name}: there is no such branch`);
  const commit = revisionOn(branch, tip, revision);
  const marks = healthyMarks(branch);
  return placesIn([...branch.ids(commit).keys()], scope).map((place) => {
    const base = marks.get(place);
    const isOlder = base !== undefined && base !== commit && isAncestor(branch.git, commit, base);
    if (isOlder) return `${place} was healthy at ${short(base)} already, which is newer`;
    if (base === commit || branch.push({ commit, base }, MARKS + place))
      return `${place} is healthy at ${short(commit)}`;
    throw new Error(
      `${place}: somebody else marked another revision meanwhile; nothing was overwritten, run this again`,
    );
  });
}
