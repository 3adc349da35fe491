import { changesBetween } from '../../../publishing/changes/changes';
import type { Comparison } from '../../../publishing/formats/comparison';
import { toHtml } from '../../../publishing/formats/html';
import { toMarkdown } from '../../../publishing/formats/markdown';
import { toText } from '../../../publishing/formats/text';
import { judge } from '../../../publishing/safety/allowances';
import type { Danger } from '../../../publishing/safety/rule';
import type { Files } from '../../../synth/memory';
import { configMaps } from '../support';

const DANGER: Danger = {
  rule: 'lost-data',
  place: 'production/here',
  object: 'StatefulSet/app/data',
  what: 'is taken away <now>',
  why: 'it hurts',
  remedy: 'do not',
};

function comparison(before: Files, after: Files, dangers: readonly Danger[] = []): Comparison {
  return {
    before: 'dist at origin',
    after: 'dist',
    clusters: changesBetween(before, after),
    verdict: judge(dangers, []),
  };
}

const BEFORE = configMaps({
  'production/here/conf': 'one\ntwo <b>\n',
  'production/there/conf': 'one\ntwo <b>\n',
  'staging/here/same': 'x',
});
const AFTER = configMaps({
  'production/here/conf': 'one\n```2\n',
  'production/there/conf': 'one\n```2\n',
  'staging/here/same': 'x',
  'production/here/new': 'n',
});

test('text: environment, cluster, phase, object, field', () => {
  expect(toText(comparison(BEFORE, AFTER, [DANGER]))).toBe(
    `dist at origin → dist

production/here: 1 added, 1 changed
  foundation
    ~ ConfigMap/app/conf
        data.value:
            one
          - two <b>
          + \`\`\`2

    + ConfigMap/app/new

production/there: 1 changed
  foundation
    ~ ConfigMap/app/conf
        data.value:
            one
          - two <b>
          + \`\`\`2


1 danger(s) that nobody allowed:
lost-data: it hurts; do not
  production/here: StatefulSet/app/data is taken away <now>
    --allow 'lost-data:StatefulSet/app/data@production/here=<reason>'`,
  );
});

test('nothing is said to be nothing', () => {
  const same = comparison(BEFORE, BEFORE);
  expect(toText(same)).toContain('nothing changes');
  expect(toMarkdown(same)).toContain('Nothing changes.');
  expect(toHtml(same)).toContain('Nothing changes.');
});

test('markdown: what hurts, a table, and every object folded, the same one only once', () => {
  const text = toMarkdown(comparison(BEFORE, AFTER, [DANGER]));

  expect(text).toContain('**1 danger(s) that nobody allowed**');
  expect(text).toContain('is taken away &lt;now&gt;');
  expect(text).toContain('| production/here | 1 | 1 | 0 | 0 |');
  expect(text).toContain('<details><summary><code>~ ConfigMap/app/conf</code></summary>');
  expect(text).toContain('````diff\n@@ data.value @@\n  one\n- two <b>\n+ ```2');
  expect(text).toContain('- `~ ConfigMap/app/conf`: as in production/here');
  expect(text.match(/<details>/g)?.length).toBe(text.match(/<\/details>/g)?.length);
  expect(text).not.toContain('staging');
});

test('markdown fits a comment, whatever there is to say', () => {
  const many = (value: string): Files =>
    configMaps(
      Object.fromEntries(
        Array.from({ length: 400 }, (_, index) => [
          `production/here/conf${index}`,
          `${value} ${index}\n${'x'.repeat(900)}\n`,
        ]),
      ),
    );
  const text = toMarkdown(
    comparison(
      many('a'),
      many('b'),
      Array.from({ length: 30 }, () => DANGER),
    ),
  );

  expect(text.length).toBeLessThan(65_000);
  expect(text.length).toBeGreaterThan(50_000);
  expect(text).toMatch(/_\d+ more object\(s\) had no place here: `npm run dist:diff -- --format html/);
  expect(text.match(/<details>/g)?.length).toBe(text.match(/<\/details>/g)?.length);
  const dangers = toMarkdown(
    comparison(
      many('a'),
      many('b'),
      Array.from({ length: 3_000 }, () => DANGER),
    ),
  );
  expect(dangers.length).toBeLessThan(65_000);
});

test('html: one page that needs nothing else, with nothing unescaped', () => {
  const page = toHtml(comparison(BEFORE, AFTER, [DANGER]));

  expect(page).toMatch(/^<!doctype html>/);
  expect(page).not.toMatch(/<(script|link|img)|https?:/);
  expect(page).toContain('is taken away &lt;now&gt;');
  expect(page).toContain('<span class="old">- two &lt;b&gt;');
  expect(page).toContain('<span class="new">+ ```2');
  expect(page).toContain('<code>+ ConfigMap/app/new</code>');
  expect(page.match(/<details/g)?.length).toBe(page.match(/<\/details>/g)?.length);
});
