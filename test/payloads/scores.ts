/**
 * What kube-score has against every cluster, all its checks: exactly what `audit/score-ledger.ts` accepts, for its reasons.
 */
import { join } from 'node:path';
import { run } from '../../acceptance/kubectl';
import { findPrograms, KUBERNETES_VERSION } from '../../acceptance/programs';
import { compare, findingsIn, type Scorecard } from '../../audit/scores';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import { printPlatform } from '../../synth/print';
import type { Report } from './report';

const ROOT = join(__dirname, '..', '..');

const ARGUMENTS = [
  'score',
  '--all-default-optional',
  '--disable-ignore-checks-annotations',
  ...['--kubernetes-version', KUBERNETES_VERSION.replace(/\.\d+$/, '')],
  ...['--output-format', 'json'],
  '-',
];

export async function check(report: Report): Promise<void> {
  const { 'kube-score': program } = await findPrograms(['kube-score'], console.error);
  const { images, environments } = loadConfig(join(ROOT, 'config'));
  const findings = [];
  for (const environment of environments) {
    for (const cluster of environment.clusters) {
      const texts = [...printPlatform(buildPlatform(environment, cluster, images)).values()];
      // It ends with 1 where it has something to say.
      const { stdout, stderr } = await run(program, ARGUMENTS, texts.join('---\n'));
      const scorecard = JSON.parse(stdout || '[]') as Scorecard;
      const passed = scorecard.flatMap(({ checks }) => checks).filter(({ skipped }) => !skipped).length;
      const name = `${environment.environment}/${cluster.name}: ${scorecard.length} objects, ${passed} checks`;
      report(name, scorecard.length > 0 && stderr === '', stderr);
      findings.push(...findingsIn(scorecard, environment.environment));
    }
  }
  const { unexplained, stale } = compare(findings);
  report(
    'nothing is found that the table has no reason for',
    unexplained.length === 0,
    unexplained.join('; '),
  );
  report('nothing is in the table that is not found', stale.length === 0, stale.join('; '));
}
