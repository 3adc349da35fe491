import type { RuleGroup } from '../alert-rules';
import { Objective, OBJECTIVES, WINDOWS } from './objectives';

/** Names of what is recorded for each objective; the label `objective` has its name. */
export const OBJECTIVE_METRICS = {
  target: 'lighthouse:objective_target:ratio',
  budget: 'lighthouse:objective_budget:ratio',
  left: 'lighthouse:objective_budget_left:ratio',
  errors: (window: string) => `lighthouse:objective_errors:ratio_rate${window}`,
  burn: (window: string) => `lighthouse:objective_burn:ratio_rate${window}`,
} as const;

const { target, budget, left, errors, burn } = OBJECTIVE_METRICS;

/**
 * Rules that record, for each objective, its target, its budget, the share of errors and how fast it burns in each window,
 * and what is left over a period of whole days.
 */
export function objectiveRules(periodDays: number): RuleGroup[] {
  const all: readonly (readonly [string, Objective])[] = Object.entries(OBJECTIVES);
  const each = (record: string, expr: (objective: Objective) => string) =>
    all.map(([objective, of]) => ({ record, expr: expr(of), labels: { objective } }));
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
      ],
    })),
    {
      name: 'objectives-period',
      // Days of samples are read for it, and it changes slowly.
      interval: '5m',
      rules: [
        ...each('lighthouse:objective_errors:ratio_period', (of) => of.errors(`${periodDays}d`)),
        { record: left, expr: `1 - lighthouse:objective_errors:ratio_period / ${budget}` },
      ],
    },
  ];
}
