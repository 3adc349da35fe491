/**
 * Every question that rules and dashboards of every environment ask is read by the parser of whom it is put to: Prometheus'
 * or Loki's own. What it asks for is recorded by a rule, or served by an exporter that is scraped there. TraceQL is not
 * checked: Tempo's modules of today cannot be had.
 */
import { join } from 'node:path';
import { findPrograms } from '../../acceptance/programs';
import { run } from '../../acceptance/kubectl';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import type { Platform } from '../../synth/platform';
import { parserOf } from './alerts/promql';
import { askedBy, groupsOf } from './expressions/asked';
import { lists, Served, strays } from './expressions/served';
import type { Report } from './report';

const ROOT = join(__dirname, '..', '..');

export async function check(report: Report): Promise<void> {
  const programs = await findPrograms(['promql', 'logql'], console.error);
  const parse = { metrics: parserOf(programs.promql), logs: logqlParserOf(programs.logql) };
  const known = lists();
  report('every list of metrics says who serves it', strays(known).length === 0, strays(known).join(', '));
  const { images, environments } = loadConfig(join(ROOT, 'config'));
  for (const environment of environments) {
    for (const cluster of environment.clusters) {
      const platform = buildPlatform(environment, cluster, images);
      const at = `${environment.environment}/${cluster.name}`;
      await checkPlatform(platform, new Served(known, platform), parse, (name, wrong) =>
        report(`${at}: ${name}`, wrong.length === 0, wrong.join('\n')),
      );
    }
  }
}

interface Parsers {
  readonly metrics: ReturnType<typeof parserOf>;
  readonly logs: (expressions: readonly string[]) => Promise<string[]>;
}

async function checkPlatform(
  platform: Platform,
  served: Served,
  parse: Parsers,
  report: (name: string, wrong: readonly string[]) => void,
): Promise<void> {
  const asked = askedBy(platform);
  const logs = asked.filter(({ language }) => language === 'loki');
  const complaints = await parse.logs(logs.map(({ expr }) => expr));
  report(
    `Loki parses ${logs.length} questions`,
    logs.flatMap(({ by }, index) => (complaints[index] ? [`${by}: ${complaints[index]}`] : [])),
  );

  const metrics = asked.filter(({ language }) => language === 'prometheus');
  const parsed = await parse.metrics(metrics.map(({ by, expr }) => ({ id: by, expr })));
  report(
    `Prometheus parses ${metrics.length} questions`,
    parsed.flatMap(({ id, error }) => (error === undefined ? [] : [`${id}: ${error}`])),
  );

  report('every scrape has a list of its metrics', served.unlisted);
  const recorded = new Set(groupsOf(platform).flatMap(({ rules = [] }) => rules.map(({ record }) => record)));
  const unfound = new Map<string, string[]>();
  for (const { id, selectors } of parsed) {
    for (const selector of selectors.filter(({ name }) => !recorded.has(name))) {
      const why = served.complaint(selector);
      if (why !== undefined) unfound.set(why, [...(unfound.get(why) ?? []), id]);
    }
  }
  report(
    'what is asked for is recorded, or served by what is scraped',
    [...unfound].map(([why, by]) => `${why}: ${[...new Set(by)].join('; ')}`),
  );
}

/** Asks `tools/loki/logql`; a complaint for each expression, empty where it parses. */
function logqlParserOf(program: string): Parsers['logs'] {
  return async (expressions) => {
    const { status, stdout, stderr } = await run(program, [], JSON.stringify(expressions));
    if (status !== 0) throw new Error(`logql ended with ${status}: ${stderr.trim()}`);
    return JSON.parse(stdout) as string[];
  };
}
