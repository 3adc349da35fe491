import { parseArgs } from 'node:util';
import { DistBranch } from '../publishing/branch';
import { configuredBranch } from '../publishing/delivery';
import { Git } from '../publishing/git';
import { publish, type Published } from '../publishing/publish';
import { ALLOWED_FILE, allowanceIn, allowedLine, readAllowances } from '../publishing/safety/allowances';
import { filesIn, refuseOutdated, short, sourceOf } from '../publishing/source';
import { countsOf } from '../publishing/summary';
import { synthesize } from '../synth/synthesize';
import { runCommand } from './command';

const USAGE = `usage: npm run dist:publish [-- OPTION ...]

Puts dist/ on the branch that Argo CD syncs from, as one commit that names its source: all of it or nothing, nothing
where nothing changed, never by force. Refuses uncommitted sources, a dist/ that a synth would not print now, sources
older than what is published, and dangers that nobody allowed (npm run dist:diff shows them).

  --dry-run        everything but moving the branch
  --allow WHAT     allows a danger by name, for a reason; any number of times:
                   '<rule>:<Kind>/<namespace>/<name>[@<environment>[/<cluster>]]=<reason>'
                   (what a pull request is to carry goes into ${ALLOWED_FILE})
  --allow-dirty    also where sources are not committed
  --any-source     also where what is published is newer, or from another line of history: undoes it
  --again          also where a rollback took this very thing back
  --remote NAME    remote, or where it is                         (default: origin)
  --branch NAME    branch there                                   (default: delivery.branch of the configuration)
  --config DIR     folder with the environment files              (default: config)
  --dist DIR       folder to publish                              (default: dist)
  --help           this text`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'dry-run': { type: 'boolean', default: false },
      allow: { type: 'string', multiple: true, default: [] },
      'allow-dirty': { type: 'boolean', default: false },
      'any-source': { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      remote: { type: 'string', default: 'origin' },
      branch: { type: 'string' },
      config: { type: 'string', default: 'config' },
      dist: { type: 'string', default: 'dist' },
    },
  });
  const git = Git.open('.');
  const allowances = [...values.allow.map(allowanceIn), ...readAllowances()];
  const branch = DistBranch.of(git, values.remote, values.branch ?? configuredBranch(values.config));
  const source = sourceOf(git, values['allow-dirty']);
  const files = synthesize(values.config);
  refuseOutdated(values.dist, filesIn(values.dist), files);
  // Sources may have changed while they were read.
  if (sourceOf(git, values['allow-dirty']).commit !== source.commit)
    throw new Error('another commit was checked out meanwhile: run this again');

  const published = await publish(branch, files, source, {
    allowances,
    again: values.again,
    anySource: values['any-source'],
    dryRun: values['dry-run'],
  });
  console.log(describe(branch, published));
  return 0;
}

const WORDS: Readonly<Record<Published['outcome'], string>> = {
  published: 'is now at',
  prepared: 'would be at',
  unchanged: 'has all of this already, at',
};

function describe({ name }: DistBranch, { outcome, commit, changes, verdict }: Published): string {
  return [
    ...verdict.unused.map(
      ({ from, rule, object }) => `${from} allows ${rule}:${object}, which does not happen: take it away`,
    ),
    ...countsOf(changes),
    ...verdict.allowed.map((allowed) => `allowed: ${allowedLine(allowed)}`),
    `${name} ${WORDS[outcome]} ${short(commit)}`,
  ].join('\n');
}

runCommand(USAGE, main);
