import { parseArgs } from 'node:util';
import { DistBranch } from '../publishing/branch';
import { configuredBranch } from '../publishing/delivery';
import { Git } from '../publishing/git';
import { markHealthy } from '../publishing/healthy';
import { runCommand } from './command';

const USAGE = `usage: npm run dist:healthy -- REVISION [OPTION ...]

Marks a revision of the branch as one that clusters were healthy at, for npm run dist:rollback -- --last-healthy. A mark
never moves back.

  REVISION             a revision of the branch, or a source that was published there
  --environment NAME   only this environment
  --cluster NAME       only this cluster of it
  --remote NAME        remote, or where it is                   (default: origin)
  --branch NAME        branch there                             (default: delivery.branch of the configuration)
  --config DIR         folder with the environment files        (default: config)
  --help               this text`;

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      environment: { type: 'string' },
      cluster: { type: 'string' },
      remote: { type: 'string', default: 'origin' },
      branch: { type: 'string' },
      config: { type: 'string', default: 'config' },
    },
  });
  const [revision] = positionals;
  if (revision === undefined || positionals.length > 1) {
    console.error('give one REVISION');
    return 2;
  }
  const branch = DistBranch.of(
    Git.open('.'),
    values.remote,
    values.branch ?? configuredBranch(values.config),
  );
  console.log(markHealthy(branch, revision, values).join('\n'));
  return 0;
}

runCommand(USAGE, main);
