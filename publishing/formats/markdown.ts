import { type ClusterChange, type ObjectChange, placeOf, titleOf } from '../changes/changes';
import { allowanceFor, type Verdict } from '../safety/allowances';
import type { Danger } from '../safety/rule';
import { countOf } from '../summary';
import { byPhase, changedIn, type Comparison, type Shown, shownOf, SIGNS } from './comparison';

/** Characters; a comment on GitHub takes 65,536. */
const MOST = 65_000;

/** Kept for the note on what was left out, and for what closes open parts. */
const RESERVE = 500;

/** Characters of one object's changes; beyond that it is cut. */
const MOST_OF_ONE = 8_000;

/** A comment on a pull request: what hurts first, then a line for each cluster, then every object, folded. */
export function toMarkdown(comparison: Comparison): string {
  const { before, after, verdict } = comparison;
  const clusters = changedIn(comparison);
  const head = [
    `### Manifests: ${escaped(before)} → ${escaped(after)}`,
    ...dangers(verdict),
    clusters.length === 0 ? 'Nothing changes.' : table(clusters),
  ].join('\n\n');
  return filled(cut(head, MOST - RESERVE), clusters);
}

/** Adds objects as long as there is place. */
function filled(head: string, clusters: readonly ClusterChange[]): string {
  const seen = new Map<string, string>();
  let text = head;
  let left = 0;
  for (const cluster of clusters) {
    const place = placeOf(cluster);
    let inside = `\n\n<details><summary><b>${place}</b>: ${countOf(cluster)}</summary>\n`;
    for (const [phase, changes] of byPhase(cluster)) {
      inside += `\n#### ${phase}\n`;
      for (const change of changes) {
        const section = object(change, place, seen);
        if (text.length + inside.length + section.length < MOST - RESERVE) inside += section;
        else left++;
      }
    }
    if (text.length + inside.length < MOST - RESERVE) text += `${inside}\n</details>`;
  }
  if (left === 0) return `${text}\n`;
  return `${text}\n\n_${left} more object(s) had no place here: \`npm run dist:diff -- --format html --output diff.html\` shows all._\n`;
}

function dangers({ refused, allowed, unused }: Verdict): string[] {
  return [
    ...(refused.length === 0 ? [] : [`> [!CAUTION]\n> **${refused.length} danger(s) that nobody allowed**`]),
    ...refused.map(danger),
    ...(allowed.length === 0 ? [] : ['**Allowed**']),
    ...allowed.map(
      ({ danger: { place, object: name, what, rule }, reason }) =>
        `- ${place}: \`${name}\` ${escaped(what)} (${rule}): ${escaped(reason)}`,
    ),
    ...unused.map(
      ({ from, rule, object: name }) =>
        `- ${from} allows \`${rule}:${name}\`, which does not happen: take it away`,
    ),
  ];
}

function danger(each: Danger): string {
  const { place, object: name, what, why, remedy } = each;
  const allowance = allowanceFor(each);
  return [
    `- **${place}: \`${name}\`** ${escaped(what)}`,
    `  - ${escaped(why)}`,
    `  - ${escaped(remedy)}`,
    ...(allowance === undefined ? [] : [`  - to allow it: \`${allowance}\``]),
  ].join('\n');
}

function table(clusters: readonly ClusterChange[]): string {
  const count = ({ changes }: ClusterChange, how: ObjectChange['how'][]): number =>
    changes.filter((change) => how.includes(change.how)).length;
  const rows = clusters.map(
    (cluster) =>
      `| ${placeOf(cluster)} | ${count(cluster, ['added'])} | ${count(cluster, ['changed', 'moved'])} | ${count(cluster, ['replaced'])} | ${count(cluster, ['removed'])} |`,
  );
  return [
    '| cluster | added | changed | replaced | removed |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

/** One object; where another cluster has the very same change, its name and a hint. */
function object(change: ObjectChange, place: string, seen: Map<string, string>): string {
  const title = `${SIGNS[change.how]} ${titleOf(change)}`;
  const content = shownOf(change).map(field).join('\n');
  const first = seen.get(title + content);
  if (first !== undefined) return `\n- \`${title}\`: as in ${first}`;
  seen.set(title + content, place);
  const fence = fenceFor(content);
  const body = cut(content, MOST_OF_ONE);
  return `\n<details><summary><code>${html(title)}</code></summary>\n\n${fence}diff\n${body}\n${fence}\n</details>\n`;
}

function field(shown: Shown): string {
  if ('before' in shown) return `@@ ${shown.path} @@\n- ${shown.before}\n+ ${shown.after}`;
  const lines = shown.edits.map(({ mark, line }) => `${mark} ${line}`.trimEnd());
  return [...(shown.path === '' ? [] : [`@@ ${shown.path} @@`]), ...lines].join('\n');
}

/** Longer than any fence in the text. */
function fenceFor(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  return '`'.repeat(longest + 1);
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, text.lastIndexOf('\n', most))}\n… ${text.length - most} more characters`;
}

function escaped(text: string): string {
  return html(text).replaceAll(/[\\`*_[\]|~]/g, '\\$&');
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
