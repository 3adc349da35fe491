import { type ClusterChange, type ObjectChange, placeOf, titleOf } from '../changes/changes';
import { allowedLine, describeDangers, type Verdict } from '../safety/allowances';
import { countOf } from '../summary';
import { byPhase, changedIn, type Comparison, type Shown, shownOf, SIGNS } from './comparison';

/** For a terminal. */
export function toText(comparison: Comparison): string {
  const { before, after, verdict } = comparison;
  const clusters = changedIn(comparison);
  return [
    `${before} → ${after}`,
    ...clusters.map(cluster),
    ...(clusters.length === 0 ? ['nothing changes'] : []),
    ...judged(verdict),
  ].join('\n\n');
}

function cluster(change: ClusterChange): string {
  const phases = byPhase(change).flatMap(([phase, changes]) => [`  ${phase}`, ...changes.flatMap(object)]);
  return [`${placeOf(change)}: ${countOf(change)}`, ...phases].join('\n');
}

function object(change: ObjectChange): string[] {
  const former = change.how === 'moved' ? ` (from ${change.before?.phase ?? ''})` : '';
  const title = `    ${SIGNS[change.how]} ${titleOf(change)}${former}`;
  // A name says enough of what comes or goes; the other formats have all of it, folded away.
  if (change.how === 'added' || change.how === 'removed') return [title];
  return [title, ...shownOf(change).flatMap(field)];
}

function field(shown: Shown): string[] {
  if ('before' in shown) return [`        ${shown.path}: ${shown.before} → ${shown.after}`];
  return [
    `        ${shown.path}:`,
    ...shown.edits.map(({ mark, line }) => `          ${mark} ${line}`.trimEnd()),
  ];
}

function judged({ refused, allowed, unused }: Verdict): string[] {
  return [
    ...(allowed.length === 0
      ? []
      : [['allowed:', ...allowed.map((each) => `  ${allowedLine(each)}`)].join('\n')]),
    ...unused.map(
      ({ from, rule, object: name }) => `${from} allows ${rule}:${name}, which does not happen: take it away`,
    ),
    ...(refused.length === 0
      ? []
      : [`${refused.length} danger(s) that nobody allowed:\n${describeDangers(refused)}`]),
  ];
}
