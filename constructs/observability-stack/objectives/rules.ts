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

const PERIOD_ERRORS = 'lighthouse:objective_errors:ratio_period';

const { target, budget, left, errors, burn, bad } = OBJECTIVE_METRICS;

/**
 * Rules that record, for each objective, its target, its budget, the share of errors and how fast it burns in each window,
 * how many requests were bad where that is asked, and what is left over a period of whole days.
 */
export function objectiveRules(periodDays: number): RuleGroup[] {
  const all: readonly (readonly [string, Objective])[] = Object.entries(OBJECTIVES);
  const each = (record: string, expr: (objective: Objective) => string) =>
    all.map(([objective, of]) => ({ record, expr: expr(of), labels: { objective } }));
  // Of the share that the same group has just recorded: its range, days long at last, is read once.
  const badIn = (window: string, share: string, name: string = window) =>
    all.flatMap(([objective, { requests }]) =>
      requests
        ? [
            {
              record: bad(name),
              expr: `${share}{objective="${objective}"} * on () ${requests(window)}`,
              labels: { objective },
            },
          ]
        : [],
    );
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
        ...(window in BURNS ? badIn(window, errors(window)) : []),
      ],
    })),
    {
      name: 'objectives-period',
      // Days of samples are read for it, and it changes slowly.
      interval: '5m',
      rules: [
        ...each(PERIOD_ERRORS, (of) => of.errors(`${periodDays}d`)),
        { record: left, expr: `1 - ${PERIOD_ERRORS} / ${budget}` },
        ...badIn(`${periodDays}d`, PERIOD_ERRORS, '_period'),
      ],
    },
  ];
}
