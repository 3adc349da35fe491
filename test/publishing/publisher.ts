import { readFileSync } from 'node:fs';
import { DistBranch } from '../../publishing/branch';
import { Git } from '../../publishing/git';
import { publish } from '../../publishing/publish';
import { sourceOf } from '../../publishing/source';
import type { Files } from '../../synth/memory';

// Publishes files given as JSON, in a process of its own that may be killed: `publisher.ts FILE`.

const [, , file = ''] = process.argv;
const files: Files = new Map(JSON.parse(readFileSync(file, 'utf8')) as [string, string][]);
const git = Git.open('.');
const options = { allowances: [], again: false, anySource: false, dryRun: false };

publish(DistBranch.of(git, 'origin', 'dist'), files, sourceOf(git, false), options).then(
  ({ outcome }) => console.log(outcome),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
