import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DistBranch } from '../publishing/branch';
import { changesBetween } from '../publishing/changes/changes';
import { configuredBranch } from '../publishing/delivery';
import type { Comparison } from '../publishing/formats/comparison';
import { toHtml } from '../publishing/formats/html';
import { toMarkdown } from '../publishing/formats/markdown';
import { toText } from '../publishing/formats/text';
import { Git } from '../publishing/git';
import { ALLOWED_FILE, allowanceIn, readAllowances } from '../publishing/safety/allowances';
import { checkSafety } from '../publishing/safety/check';
import { revisionOf } from '../publishing/scope';
import { filesIn, short } from '../publishing/source';

const USAGE = `usage: npm run dist:diff [-- OPTION ...]

Shows what publishing dist/ would change, by environment, cluster, phase and object, and what of it is dangerous. Exit
status 1 where there is a danger that nobody allowed.

  --against REV      compare with this revision of the branch     (default: what is published)
  --format FORMAT    text, markdown (fits a comment on a pull request) or html (one page)      (default: text)
  --output FILE      write it there                               (default: standard output)
  --exit-code        exit status 1 also where there is any change
  --allow WHAT       allows a danger by name, for a reason; any number of times:
                     '<rule>:<Kind>/<namespace>/<name>[@<environment>[/<cluster>]]=<reason>'
                     (what a pull request is to carry goes into ${ALLOWED_FILE})
  --remote NAME      remote, or where it is                       (default: origin)
  --branch NAME      branch there                                 (default: delivery.branch of the configuration)
  --config DIR       folder with the environment files            (default: config)
  --dist DIR         folder to compare                            (default: dist)
  --help             this text`;

const FORMATS: Readonly<Record<string, (comparison: Comparison) => string>> = {
  text: toText,
  markdown: toMarkdown,
  html: toHtml,
};

function main(): number {
  const { values } = parseArgs({
    options: {
      against: { type: 'string' },
      format: { type: 'string', default: 'text' },
      output: { type: 'string' },
      'exit-code': { type: 'boolean', default: false },
      allow: { type: 'string', multiple: true, default: [] },
      remote: { type: 'string', default: 'origin' },
      branch: { type: 'string' },
      config: { type: 'string', default: 'config' },
      dist: { type: 'string', default: 'dist' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const format = FORMATS[values.format];
  if (!format) {
    console.error(`--format ${values.format}: must be ${Object.keys(FORMATS).join(', ')}`);
    return 2;
  }
  const after = filesIn(values.dist);
  if (after.size === 0) throw new Error(`${values.dist}: there is no manifest; run \`npm run synth\` first`);
  const branch = DistBranch.of(
    Git.open('.'),
    values.remote,
    values.branch ?? configuredBranch(values.config),
  );
  const base = values.against === undefined ? branch.fetch() : revisionOf(branch.git, values.against);
  const clusters = changesBetween(branch.files(base), after);
  const allowances = [...values.allow.map(allowanceIn), ...readAllowances()];
  const verdict = checkSafety(branch, base, clusters, allowances);
  const before = `${values.against ?? branch.name}${base === undefined ? ' (not there yet)' : `, ${short(base)}`}`;
  const text = format({ before, after: values.dist, clusters, verdict });
  if (values.output === undefined) console.log(text);
  else writeFileSync(values.output, text);
  const hasChanges = clusters.some(({ changes }) => changes.length > 0);
  return verdict.refused.length > 0 || (values['exit-code'] && hasChanges) ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(process.env['LIGHTHOUSE_DEBUG'] ? error.stack : error.message);
  process.exitCode = 1;
}
