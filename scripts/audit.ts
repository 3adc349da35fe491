import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { accessPage } from '../audit/access';
import { failuresIn, pageOf, reportOn } from '../audit/report';
import { scoresPage } from '../audit/scores';
import { buildPlatform } from '../charts/platform';
import { loadConfig } from '../config/load';
import { runCommand } from './command';

const USAGE = `usage: npm run audit [-- OPTION ...]

Everything that an auditor asks of each environment, from its manifests: benchmarks, privileges and their reasons, exposed
endpoints, reachable paths, secrets and where they come from, certificates, images, roles, policies. Written to
docs/security/audit-<environment>.md, with the matrix of people's access and what kube-score may find beside them. Fails where a control of a benchmark fails.

  --check        write nothing; also fail where docs/security/ differs
  --json         print everything as one JSON document, and write nothing
  --config DIR   folder with the environment files and images.yaml (default: config)
  --help         show this`;

const folder = join(__dirname, '..', 'docs', 'security');

function main(): number {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      config: { type: 'string', default: 'config' },
    },
  });
  const { images, environments } = loadConfig(values.config);
  const reports = environments.map((environment) => ({
    environment: environment.environment,
    clusters: environment.clusters.map((cluster) => reportOn(buildPlatform(environment, cluster, images))),
  }));
  const failures = reports.flatMap(({ environment, clusters }) =>
    clusters.flatMap((report) =>
      failuresIn(report).map((failure) => `FAILED ${environment}/${report.cluster}: ${failure}`),
    ),
  );
  if (values.json) {
    console.log(JSON.stringify(reports, undefined, 2));
    return failures.length > 0 ? 1 : 0;
  }
  const pages = new Map([
    [join(folder, 'access.md'), accessPage()] as const,
    [join(folder, 'scores.md'), scoresPage()] as const,
    ...reports.map(
      ({ environment, clusters }) =>
        [join(folder, `audit-${environment}.md`), pageOf(environment, clusters)] as const,
    ),
  ]);
  const stale = values.check ? [...pages].filter(([file, text]) => !isSame(file, text)) : [];
  if (!values.check) {
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of pages) writeFileSync(file, text);
  }
  for (const failure of failures) console.error(failure);
  for (const [file] of stale)
    console.error(`FAILED ${file} is not what the manifests say: run \`npm run audit\` and commit it`);
  const failed = failures.length + stale.length;
  console.log(`${pages.size} pages, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function isSame(file: string, text: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8') === text;
}

runCommand(USAGE, main);
