import { dashboard, row } from './dashboard';
import type { Dashboard, Panel } from './model';
import { above, below, graph, see, stat, table } from './panels';
import { now, rows, series } from './queries';

/** What was promised: name in rules → what it says. */
const OBJECTIVES = {
  availability: 'Available',
  errors: 'Without errors',
  validation_p95: 'Validations fast (95th percentile)',
  validation_p99: 'Validations fast (99th percentile)',
  append_p99: 'Events appended fast',
} as const;

type Objective = keyof typeof OBJECTIVES;

/** Days that a budget is for. */
const WINDOW_DAYS = 30;

/** Rates at which the budget of 30 days is spent by a fiftieth in an hour, and by a twentieth in six: somebody is woken. */
const BURN = { fast: 14.4, slow: 6 } as const;

const target = (objective: Objective) => `lighthouse:objective:ratio{objective="${objective}"}`;
const errors = (objective: Objective, window: string) =>
  `lighthouse:objective_errors:ratio_rate${window}{objective="${objective}"}`;

/** What was promised, what was kept of it, and how fast the rest is being spent. */
export function objectivesDashboard(): Dashboard {
  const names = Object.keys(OBJECTIVES) as Objective[];
  return dashboard('objectives', {
    about: `What was promised and what is left of it. The error budget is what may go wrong in ${WINDOW_DAYS} days; while some is left, changes go on.`,
    to: [see('bridge'), see('traces')],
    from: 'now-7d',
    rows: [
      row('Error budget left', names.map(left)),
      row('How fast it is spent', names.slice(0, 3).map(burning), names.slice(3).map(burning)),
      row('In numbers', [
        table('Objectives', {
          about: 'Target, and what was kept over a day and over thirty.',
          unit: 'percentunit',
          decimals: 4,
          queries: [
            rows('max by (objective) (lighthouse:objective:ratio)'),
            rows('1 - max by (objective) (lighthouse:objective_errors:ratio_rate1d)'),
            rows('1 - max by (objective) (lighthouse:objective_errors:ratio_rate30d)'),
          ],
          columns: {
            objective: 'Objective',
            'Value #A': 'Target',
            'Value #B': 'A day',
            'Value #C': `${WINDOW_DAYS} days`,
          },
        }),
      ]),
    ],
  });
}

function left(objective: Objective): Panel {
  return stat(OBJECTIVES[objective], {
    about: `Share of the error budget of ${WINDOW_DAYS} days that is left. Below a quarter: no risky change. Below zero: the promise is broken.`,
    unit: 'percentunit',
    decimals: 1,
    bounds: below(0.25, 0),
    queries: [now(`1 - ${errors(objective, '30d')} / (1 - ${target(objective)})`)],
  });
}

function burning(objective: Objective): Panel {
  return graph(OBJECTIVES[objective], {
    about: `How many times faster than sustainable the budget is spent. At 1 it lasts ${WINDOW_DAYS} days; above ${BURN.slow} or ${BURN.fast} in both windows somebody is called.`,
    unit: 'none',
    bounds: above(BURN.slow, BURN.fast),
    queries: ['1h', '6h', '3d'].map((window) =>
      series(`${errors(objective, window)} / (1 - ${target(objective)})`, `over ${window}`),
    ),
  });
}
