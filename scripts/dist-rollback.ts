import { parseArgs } from 'node:util';
import { DistBranch } from '../publishing/branch';
import { configuredBranch } from '../publishing/delivery';
import { Git } from '../publishing/git';
import { rollback, type RolledBack } from '../publishing/rollback';
import { ALLOWED_FILE, allowanceIn, allowedLine, readAllowances } from '../publishing/safety/allowances';
import { short } from '../publishing/source';
import { countsOf } from '../publishing/summary';
import { runCommand } from './command';

const USAGE = `usage: npm run dist:rollback -- --to REVISION | --last-healthy [OPTION ...]

Puts what an earlier revision held on the branch that Argo CD syncs from, as a new commit. Going back may delete data as
well: dangers are refused as in npm run dist:publish. Revert the sources too; publishing the same again is refused.
See docs/guides/rollback.md.

  --to REVISION        a revision of the branch, or a source that was published there
  --last-healthy       for each cluster the revision that it was marked healthy at (npm run dist:healthy)
  --environment NAME   only this environment
  --cluster NAME       only this cluster of it
  --reason TEXT        goes into the commit message
  --dry-run            everything but moving the branch
  --allow WHAT         allows a danger by name, for a reason; any number of times:
                       '<rule>:<Kind>/<namespace>/<name>[@<environment>[/<cluster>]]=<reason>'
                       (committed ones are in ${ALLOWED_FILE})
  --remote NAME        remote, or where it is                   (default: origin)
  --branch NAME        branch there                             (default: delivery.branch of the configuration)
  --config DIR         folder with the environment files        (default: config)
  --help               this text`;

function main(): number {
  const { values } = parseArgs({
    options: {
      to: { type: 'string' },
      'last-healthy': { type: 'boolean', default: false },
      environment: { type: 'string' },
      cluster: { type: 'string' },
      reason: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      allow: { type: 'string', multiple: true, default: [] },
      remote: { type: 'string', default: 'origin' },
      branch: { type: 'string' },
      config: { type: 'string', default: 'config' },
    },
  });
  if ((values.to === undefined) !== values['last-healthy']) {
    console.error('give either --to REVISION or --last-healthy');
    return 2;
  }
  const branch = DistBranch.of(
    Git.open('.'),
    values.remote,
    values.branch ?? configuredBranch(values.config),
  );
  const { to, environment, cluster, reason, 'dry-run': dryRun } = values;
  const allowances = [...values.allow.map(allowanceIn), ...readAllowances()];
  console.log(describe(branch, rollback(branch, { to, environment, cluster, reason, allowances, dryRun })));
  return 0;
}

function describe({ name }: DistBranch, { outcome, commit, changes, verdict }: RolledBack): string {
  if (outcome === 'unchanged')
    return `${name} holds exactly that already, at ${short(commit)}; where it is not healthy, name an earlier revision with --to`;
  return [
    ...countsOf(changes),
    ...verdict.allowed.map((allowed) => `allowed: ${allowedLine(allowed)}`),
    outcome === 'prepared'
      ? `${name} would be at ${short(commit)}`
      : `${name} is now at ${short(commit)}; Argo CD syncs it at its next look, and the sources still hold what was taken back: revert them`,
  ].join('\n');
}

runCommand(USAGE, main);
