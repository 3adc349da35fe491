import type { DistBranch } from './branch';
import type { Ids } from './tree';

/** The cluster that a path lies in, as in `production/frankfurt`. */
export function clusterIn(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

/** The newest commit of the branch that is no rollback; undefined where all are. */
export function lastPublication(branch: DistBranch, tip: string): string | undefined {
  return branch.log(tip, '%H', ['-1', '--invert-grep', '--grep=^Rollback-To: '])[0];
}

/** Clusters that would be again what was taken back since the newest publication. */
export function heldBack(branch: DistBranch, tip: string, next: Ids): string[] {
  const published = byCluster(branch.ids(lastPublication(branch, tip)));
  const current = byCluster(branch.ids(tip));
  return [...byCluster(next)]
    .filter(([place, print]) => published.get(place) === print && current.get(place) !== print)
    .map(([place]) => place);
}

/** Everything that each cluster has, as one text. */
function byCluster(ids: Ids): Map<string, string> {
  const prints = new Map<string, string>();
  for (const [path, id] of [...ids].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const place = clusterIn(path);
    prints.set(place, `${prints.get(place) ?? ''}${path} ${id}\n`);
  }
  return prints;
}
