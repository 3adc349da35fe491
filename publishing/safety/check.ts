import type { DistBranch } from '../branch';
import type { ClusterChange } from '../changes/changes';
import { dangersIn } from './all';
import { type Allowance, describeDangers, judge, type Verdict } from './allowances';
import type { Direction } from './rule';

/** Holds changes against every rule, with what is allowed and was not used up by an earlier commit of the branch. */
export function checkSafety(
  branch: DistBranch,
  base: string | undefined,
  changes: readonly ClusterChange[],
  allowances: readonly Allowance[],
  direction: Direction = 'forward',
): Verdict {
  const spent = base === undefined ? [] : branch.log(base, '%(trailers:key=Allowed,valueonly,unfold)');
  return judge(dangersIn(changes, direction), allowances, spent);
}

/** @throws Error with every danger that nobody allowed */
export function refuseDangers({ refused }: Verdict): void {
  if (refused.length === 0) return;
  throw new Error(
    `${describeDangers(refused)}\n${refused.length} danger(s) that nobody allowed: the branch is as it was`,
  );
}
