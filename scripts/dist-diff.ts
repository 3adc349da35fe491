import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Cluster } from '../acceptance/cluster';
import { DistBranch } from '../publishing/branch';
import { changesBetween } from '../publishing/changes/changes';
import { configuredBranch } from '../publishing/delivery';
import type { Comparison } from '../publishing/formats/comparison';
import { toHtml } from '../publishing/formats/html';
import { toMarkdown } from '../publishing/formats/markdown';
import { toText } from '../publishing/formats/text';
import { Git } from '../publishing/git';
import { compareLive } from '../publishing/live';
import { dangersIn } from '../publishing/safety/all';
import {
  ALLOWED_FILE,
  type Allowance,
  allowanceIn,
  judge,
  readAllowances,
} from '../publishing/safety/allowances';
import { checkSafety } from '../publishing/safety/check';
import { placesIn, refuseForeign, revisionOf } from '../publishing/scope';
import { filesIn, short } from '../publishing/source';
import { readPrinted } from '../synth/dist';
import type { Files } from '../synth/memory';
import { runCommand } from './command';

const USAGE = `usage: npm run dist:diff [-- OPTION ...]

Shows what publishing dist/ would change, by environment, cluster, phase and object, and what of it is dangerous. Exit
status 1 where there is a danger that nobody allowed, or a committed allowance of nothing that happens.

  --against REV      compare with this revision of the branch     (default: what is published)
  --kubeconfig FILE  compare with a running cluster instead; nothing is changed there, but the right to patch is needed
  --environment NAME whose cluster it is, and
  --cluster NAME     which one                                    (default: the only one in dist/)
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

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      against: { type: 'string' },
      kubeconfig: { type: 'string' },
      environment: { type: 'string' },
      cluster: { type: 'string' },
      format: { type: 'string', default: 'text' },
      output: { type: 'string' },
      'exit-code': { type: 'boolean', default: false },
      allow: { type: 'string', multiple: true, default: [] },
      remote: { type: 'string', default: 'origin' },
      branch: { type: 'string' },
      config: { type: 'string', default: 'config' },
      dist: { type: 'string', default: 'dist' },
    },
  });
  const format = FORMATS[values.format];
  if (!format) {
    console.error(`--format ${values.format}: must be ${Object.keys(FORMATS).join(', ')}`);
    return 2;
  }
  const files = filesIn(values.dist);
  if (files.size === 0) throw new Error(`${values.dist}: there is no manifest; run \`npm run synth\` first`);
  const allowances = [...values.allow.map(allowanceIn), ...readAllowances()];
  const comparison =
    values.kubeconfig === undefined
      ? publishedSide(files, values, allowances)
      : await liveSide(files, values, values.kubeconfig, allowances);
  const text = format(comparison);
  if (values.output === undefined) console.log(text);
  else writeFileSync(values.output, text);
  const { clusters, verdict } = comparison;
  const hasChanges = clusters.some(({ changes }) => changes.length > 0);
  const isBad = verdict.refused.length > 0 || verdict.unused.length > 0;
  return isBad || (values['exit-code'] && hasChanges) ? 1 : 0;
}

interface Side {
  readonly against?: string;
  readonly remote: string;
  readonly branch?: string;
  readonly config: string;
  readonly dist: string;
  readonly environment?: string;
  readonly cluster?: string;
}

/** Compares with the branch. */
function publishedSide(files: Files, options: Side, allowances: readonly Allowance[]): Comparison {
  const { against, remote, config, dist } = options;
  const branch = DistBranch.of(Git.open('.'), remote, options.branch ?? configuredBranch(config));
  const base = against === undefined ? branch.fetch() : revisionOf(branch.git, against);
  const before = branch.files(base);
  refuseForeign(against ?? branch.name, before);
  const clusters = changesBetween(before, files);
  return {
    before: `${against ?? branch.name}${base === undefined ? ' (not there yet)' : `, ${short(base)}`}`,
    after: dist,
    clusters,
    verdict: checkSafety(branch, base, clusters, allowances),
  };
}

/** Compares with a running cluster. */
async function liveSide(
  files: Files,
  scope: Side,
  kubeconfig: string,
  allowances: readonly Allowance[],
): Promise<Comparison> {
  const [place = '', ...others] = placesIn([...files.keys()], scope);
  if (others.length > 0)
    throw new Error(
      `--kubeconfig is one cluster: say which with --environment and --cluster; there are ${[place, ...others].join(', ')}`,
    );
  const printed = [...files]
    .filter(([file]) => file.startsWith(`${place}/`))
    .map(([file, text]) => readPrinted(file, text));
  const cluster = await Cluster.connect(kubeconfig);
  try {
    const { clusters, refused } = await compareLive(cluster, printed);
    const verdict = judge(dangersIn(clusters, 'forward'), allowances);
    return {
      before: `the cluster of ${kubeconfig}`,
      after: `${scope.dist}/${place}`,
      clusters,
      verdict: { ...verdict, refused: [...refused, ...verdict.refused] },
    };
  } finally {
    cluster.close();
  }
}

runCommand(USAGE, main);
