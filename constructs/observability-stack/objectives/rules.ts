import type { RuleGroup } from '../alert-rules';
import { BURNS, Objective, OBJECTIVES, WINDOWS } from './objectives';

/** Names of what is recorded for each objective; the label `objective` has its name. */
export const OBJECTIVE_METRICS = {
  target: 'lighthouse:objective_target:ratio',
  budget: 'lighthouse:objective_budget:ratio',
  left: 'lighthouse:objective_budget_left:ratio',
  errors: (window: string) => `lighthouse:objective_errors:ratio_rate${window}`,
  burn: (window: string) => `lighthouse:objective_burn:ratio_rate${window}`,
  bad: (window: string) => `lighthouse:objective_bad:increase${window}`,
} as const;

const { target, budget, left, errors, burn, bad } = OBJECTIVE_METRICS;

/**
 * Rules that record, for each objective, its target, its budget, the share of errors and how fast it burns in each window,
 * how many requests were bad where that is asked, and what is left over a period of whole days.
 */
export function objectiveRules(periodDays: number): RuleGroup[] {
  const all: readonly (readonly [string, Objective])[] = Object.entries(OBJECTIVES);
  const each = (record: string, expr: (objective: Objective) => string | undefined) =>
    all.flatMap(([objective, of]) => {
      const found = expr(of);
      return found === undefined ? [] : [{ record, expr: found, labels: { objective } }];
    });
  const badIn = (window: string, name: string = window) =>
    each(bad(name), (of) => of.requests && `(${of.errors(window)}) * ${of.requests(window)}`);
  return [
    {
      name: 'objective-targets',
      rules: [...each(target, (of) => `vector(${of.target})`), { record: budget, expr: `1 - ${target}` }],
    },
    ...WINDOWS.map((window) => ({
      name: `objectives-${window}`,
      rules: [
        ...each(errors(window), (of) => of.errors(window)),
        { record: burn(window), expr: `${errors(window)} / ${budget}` },
        ...(window in BURNS ? badIn(window) : []),
      ],
    })),
    {
      name: 'objectives-period',
      // Days of samples are read for it, and it changes slowly.
      interval: '5m',
      rules: [
        ...each('lighthouse:objective_errors:ratio_period', (of) => of.errors(`${periodDays}d`)),
        { record: left, expr: `1 - lighthouse:objective_errors:ratio_period / ${budget}` },
        ...badIn(`${periodDays}d`, '_period'),
      ],
    },
  ];
}
