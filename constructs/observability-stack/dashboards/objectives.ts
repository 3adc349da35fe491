import { BURNS, OBJECTIVES } from '../objectives/objectives';
import { dashboard, row } from './dashboard';
import type { Dashboard, Panel } from './model';
import { above, below, graph, see, stat, table } from './panels';
import { now, rows, series } from './queries';

type Name = keyof typeof OBJECTIVES;

/** What was promised, what was kept of it, and how fast the rest is being spent. */
export function objectivesDashboard(): Dashboard {
  const names = Object.keys(OBJECTIVES) as Name[];
  return dashboard('objectives', {
    about:
      'What was promised and what is left of it. The error budget is what may go wrong in a month; while some is left, changes go on.',
    to: [see('bridge'), see('traces')],
    from: 'now-7d',
    rows: [
      row('Error budget left', names.map(left)),
      row('How fast it is spent', names.slice(0, 3).map(burning), names.slice(3).map(burning)),
      row('In numbers', [
        table('Objectives', {
          about: 'Target, what was kept over a day, and what is left of the budget.',
          unit: 'percentunit',
          decimals: 4,
          queries: [
            rows('max by (objective) (lighthouse:objective_target:ratio)'),
            rows('1 - max by (objective) (lighthouse:objective_errors:ratio_rate1d)'),
            rows('max by (objective) (lighthouse:objective_budget_left:ratio)'),
          ],
          columns: {
            objective: 'Objective',
            'Value #A': 'Target',
            'Value #B': 'A day',
            'Value #C': { name: 'Budget left', unit: 'percentunit' },
          },
        }),
      ]),
    ],
  });
}

function left(objective: Name): Panel {
  return stat(OBJECTIVES[objective].title, {
    about:
      'Share of the error budget that is left. Below a quarter: no risky change. Below zero: the promise is broken.',
    unit: 'percentunit',
    decimals: 1,
    bounds: below(0.25, 0),
    queries: [now(`lighthouse:objective_budget_left:ratio{objective="${objective}"}`)],
  });
}

function burning(objective: Name): Panel {
  return graph(OBJECTIVES[objective].title, {
    about: `How many times faster than sustainable the budget is spent. At 1 it lasts the period exactly; above ${BURNS['6h']} for six hours or ${BURNS['1h']} for one somebody is woken.`,
    unit: 'none',
    bounds: above(BURNS['6h'], BURNS['1h']),
    queries: ['1h', '6h', '3d'].map((window) =>
      series(`lighthouse:objective_burn:ratio_rate${window}{objective="${objective}"}`, `over ${window}`),
    ),
  });
}
