import { dump, load } from 'js-yaml';
import type { TestFile } from '../../../constructs/observability-stack/alert-tests';
import type { Expression, Parsed } from './promql';
import type { Groups, Rule, RuleFile, TestedRules } from './rule-file';

type Change = readonly [change: string, rule: Rule];

/**
 * Every rule of a file with one thing changed, each with the tests of its alert (for a recording rule: with all).
 * A change that means the same is listed in the file, `# equivalent: <alert or record>: <change>: <reason>`.
 */
export async function mutantsOf(
  file: RuleFile,
  parse: (expressions: readonly Expression[]) => Promise<Parsed[]>,
): Promise<{ mutants: TestedRules[]; equivalents: ReadonlySet<string> }> {
  // Groups that are the product of a table are not in the file.
  const names = [...file.source.matchAll(/^ *- name: (\S+)$/gm)].map(([, name = '']) => name);
  const patterns = names.map((name) => new RegExp(`^${name.replace(/@[A-Z0-9_]+@/g, '.+')}$`));
  const written = (name: string): boolean => patterns.some((pattern) => pattern.test(name));
  const rules = file.groups.flatMap((group, at) =>
    written(group.name) ? (group.rules ?? []).map((rule, index) => ({ rule, at, index })) : [],
  );
  const parsed = await parse(rules.map(({ rule }) => ({ id: '', expr: String(rule.expr) })));
  const mutants = rules.flatMap(({ rule, at, index }, order) =>
    [...expressions(rule, parsed[order]), ...durations(rule)].map(([change, changed]) => ({
      name: `${nameOf(rule)}: ${change}`,
      groups: replaced(file.groups, at, index, changed),
      tests: rule.alert === undefined ? file.tests : testsOf(file.tests, rule.alert),
    })),
  );
  const listed = file.source.matchAll(/^\s*# equivalent: (\S+): (.+?): .+$/gm);
  return { mutants, equivalents: new Set([...listed].map(([, rule, change]) => `${rule}: ${change}`)) };
}

function nameOf({ alert, record }: Rule): string {
  return alert ?? record ?? '';
}

function expressions(rule: Rule, parsed: Parsed | undefined): Change[] {
  return (parsed?.mutants ?? []).map(({ change, expr }) => [
    change,
    { ...rule, expr: expr as unknown as Rule['expr'] },
  ]);
}

/** A rule that fires at once, or only after twice the time. */
function durations(rule: Rule): Change[] {
  const { for: wait } = rule;
  if (wait === undefined) return [];
  return [
    ['for removed', { ...rule, for: undefined }],
    ['for doubled', { ...rule, for: doubled(wait) }],
  ];
}

function doubled(duration: string): string {
  return duration.replace(/\d+/g, (digits) => String(2 * Number(digits)));
}

function replaced(groups: Groups, at: number, index: number, rule: Rule): Groups {
  return groups.map((group, order) =>
    order === at
      ? { ...group, rules: group.rules?.map((old, place) => (place === index ? rule : old)) }
      : group,
  );
}

/** The tests that look at one alert, and of them only what they say of it. */
function testsOf(tests: string, alert: string): string {
  const file = load(tests) as TestFile;
  const own = (file.tests ?? []).flatMap(({ alert_rule_test: cases = [], ...test }) => {
    const about = cases.filter(({ alertname }) => alertname === alert);
    return about.length === 0 ? [] : [{ ...test, promql_expr_test: undefined, alert_rule_test: about }];
  });
  return dump({ ...file, tests: own }, { skipInvalid: true });
}
