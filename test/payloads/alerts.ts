/**
 * Runs every alert of every environment in the real promtool: the rules are checked, their unit tests are run, and then
 * each rule is changed a little, in its thresholds, comparisons, set operators and durations: a test must notice.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { findPrograms } from '../../acceptance/programs';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import type { Platform } from '../../synth/platform';
import { mutantsOf } from './alerts/mutants';
import { parserOf } from './alerts/promql';
import { Promtool } from './alerts/promtool';
import type { Groups, RuleFile } from './alerts/rule-file';
import type { Report } from './report';

const ROOT = join(__dirname, '..', '..');

export async function check(report: Report): Promise<void> {
  const { promtool: program, promql } = await findPrograms(['promtool', 'promql'], console.error);
  const { images, environments } = loadConfig(join(ROOT, 'config'));
  const platforms = environments.flatMap((environment) =>
    environment.clusters.map((cluster) => buildPlatform(environment, cluster, images)),
  );
  const files = ruleFilesOf(platforms);
  const promtool = new Promtool(program);
  try {
    for (const file of files) {
      const complaint = await promtool.check(file.groups);
      report(`${file.name}: promtool check rules`, complaint === '', complaint);
    }
    const failures = await promtool.test(files);
    for (const file of files) {
      const failure = failures.get(file);
      report(`${file.name}: promtool test rules`, failure === undefined, failure);
    }
    const whole = files.filter((file) => !failures.has(file));
    await mutate(whole, promtool, parserOf(promql), report);
  } finally {
    promtool.close();
  }
}

/** Files of rules that differ, each once, named by the first cluster that has it. */
function ruleFilesOf(platforms: readonly Platform[]): RuleFile[] {
  const found = new Map<string, RuleFile>();
  for (const { environment, cluster, alerts } of platforms) {
    for (const { node, folder, groups, tests } of alerts) {
      const at = `${node.id} of ${environment.environment}/${cluster.name} (${relative(ROOT, folder)})`;
      const key = JSON.stringify([folder, groups, tests]);
      const source = readFileSync(join(folder, 'alerts.yaml'), 'utf8');
      if (!found.has(key)) {
        found.set(key, { id: node.id, name: at, groups: groups as Groups, tests: tests ?? '{}', source });
      }
    }
  }
  return [...found.values()];
}

/** One rendering of each file is mutated, that of the largest environment: what differs elsewhere are only numbers. */
async function mutate(
  files: readonly RuleFile[],
  promtool: Promtool,
  parse: ReturnType<typeof parserOf>,
  report: Report,
): Promise<void> {
  const one = new Map(files.map((file) => [file.id, file]));
  for (const file of [...files].reverse()) if (/production/.test(file.name)) one.set(file.id, file);
  let killed = 0;
  for (const file of one.values()) {
    const { mutants, equivalents } = await mutantsOf(file, parse);
    const noticed = await promtool.test(mutants);
    const survivors = mutants.filter((mutant) => !noticed.has(mutant)).map(({ name }) => name);
    killed += mutants.length - survivors.length;
    const missed = survivors.filter((name) => !equivalents.has(name));
    const stale = [...equivalents].filter((name) => !survivors.includes(name));
    const share = `${mutants.length - survivors.length} of ${mutants.length} mutants noticed`;
    report(`${file.name}: ${share}`, missed.length === 0, missed.join('; '));
    if (stale.length > 0) report(`${file.name}: equivalents that are none`, false, stale.join('; '));
  }
  report(`${killed} mutants were noticed in all`, killed > 0);
}
