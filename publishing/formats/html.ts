import { type ClusterChange, type ObjectChange, placeOf, titleOf } from '../changes/changes';
import type { Edit } from '../changes/lines';
import { allowedLine, type Verdict } from '../safety/allowances';
import { countOf } from '../summary';
import { byPhase, changedIn, type Comparison, type Shown, shownOf, SIGNS } from './comparison';

const STYLE = `
  :root { color-scheme: light dark; --old: light-dark(#ffebe9, #4b1113); --new: light-dark(#dafbe1, #033a16); --line: light-dark(#d0d7de, #3d444d); }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
  code, pre { font: 13px/1.45 ui-monospace, monospace; }
  pre { margin: 0; overflow-x: auto; }
  details { margin: .25rem 0 .25rem 1rem; }
  summary { cursor: pointer; }
  table { border-collapse: collapse; }
  td, th { border: 1px solid var(--line); padding: .2rem .6rem; text-align: left; vertical-align: top; }
  .old { background: var(--old); } .new { background: var(--new); }
  .danger { border-left: .3rem solid #cf222e; padding-left: .8rem; margin: 1rem 0; }
  .field { margin: .4rem 0 .4rem 1rem; border-left: 2px solid var(--line); padding-left: .6rem; }`;

/** One page that needs nothing else. */
export function toHtml(comparison: Comparison): string {
  const { before, after, verdict } = comparison;
  const clusters = changedIn(comparison);
  const title = `${escaped(before)} → ${escaped(after)}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}
</style>
<h1>${title}</h1>
${judged(verdict)}
${clusters.length === 0 ? '<p>Nothing changes.</p>' : clusters.map(cluster).join('\n')}
</html>
`;
}

function judged({ refused, allowed, unused }: Verdict): string {
  const dangers = refused.map(
    ({ place, object: name, what, rule, why, remedy }) =>
      `<div class="danger"><b>${escaped(place)}: <code>${escaped(name)}</code></b> ${escaped(what)} (${rule})<br>${escaped(why)}<br>${escaped(remedy)}</div>`,
  );
  const notes = [
    ...allowed.map((each) => `allowed: ${allowedLine(each)}`),
    ...unused.map(
      ({ from, rule, object: name }) => `${from} allows ${rule}:${name}, which does not happen: take it away`,
    ),
  ];
  return [...dangers, ...notes.map((note) => `<p>${escaped(note)}</p>`)].join('\n');
}

function cluster(change: ClusterChange): string {
  const phases = byPhase(change).map(
    ([phase, changes]) => `<h3>${phase}</h3>\n${changes.map(object).join('\n')}`,
  );
  return `<details open><summary><b>${escaped(placeOf(change))}</b>: ${countOf(change)}</summary>\n${phases.join('\n')}\n</details>`;
}

function object(change: ObjectChange): string {
  const fields = shownOf(change).map(field).join('\n');
  return `<details><summary><code>${SIGNS[change.how]} ${escaped(titleOf(change))}</code></summary>\n${fields}\n</details>`;
}

function field(shown: Shown): string {
  const path = shown.path === '' ? '' : `<code>${escaped(shown.path)}</code>`;
  const content =
    'before' in shown
      ? `: <code class="old">${escaped(shown.before)}</code> → <code class="new">${escaped(shown.after)}</code>`
      : `<pre>${shown.edits.map(line).join('')}</pre>`;
  return `<div class="field">${path}${content}</div>`;
}

const CLASSES: Readonly<Record<Edit['mark'], string>> = {
  '-': ' class="old"',
  '+': ' class="new"',
  ' ': '',
  '…': '',
};

function line({ mark, line: text }: Edit): string {
  return `<span${CLASSES[mark]}>${escaped(`${mark} ${text}`.trimEnd())}\n</span>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
