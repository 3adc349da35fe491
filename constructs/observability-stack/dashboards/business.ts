import { dashboard, row } from './dashboard';
import type { Dashboard } from './model';
import { graph, see, stat } from './panels';
import { now, series } from './queries';

export interface BusinessDashboardProps {
  /** What the environment costs in a month, in euros: nodes, volumes, traffic. */
  readonly euroPerMonth: number;
}

const HOURS_PER_MONTH = 730;

const requests = (route: string) => `lighthouse_bridge_requests_total{http_route="${route}"}`;

const VALIDATIONS = requests('/validate');

/** What the platform is for: how much is validated, how often a person or an expert is needed, what it costs. */
export function businessDashboard({ euroPerMonth }: BusinessDashboardProps): Dashboard {
  const perHour = euroPerMonth / HOURS_PER_MONTH;
  return dashboard('business', {
    about:
      'What Lighthouse does for its users: validations, agents, experts, and what a thousand validations cost.',
    to: [see('bridge'), see('objectives')],
    from: 'now-7d',
    rows: [
      row('Today', [
        stat('Validations in an hour', {
          about:
            'Commands that agents asked about. It follows working hours; a fall to zero in one of them is an outage that nobody has called in yet.',
          unit: 'short',
          queries: [now(`sum(increase(${VALIDATIONS}[1h]))`)],
        }),
        stat('Answered without error', {
          about:
            'Validations that got an answer. Whether the answer was “approved” is not counted by Lighthouse 1.0: it approves none.',
          unit: 'percentunit',
          decimals: 2,
          queries: [
            now(
              `1 - (sum(increase(lighthouse_bridge_errors_total{http_route="/validate"}[1h])) or vector(0)) / sum(increase(${VALIDATIONS}[1h]))`,
            ),
          ],
          to: [see('objectives')],
        }),
        stat('Handed to experts in an hour', {
          about:
            'Tasks that clients gave to an expert. What a validation escalates by itself stays inside Lighthouse, which does not tell.',
          unit: 'short',
          queries: [now(`sum(increase(${requests('/expert/delegate')}[1h]))`)],
        }),
        stat('Agents active', {
          about: 'Sessions opened in the last hour: agents that work.',
          unit: 'short',
          queries: [now(`sum(increase(${requests('/session/create')}[1h]))`)],
        }),
        stat('A thousand validations cost', {
          about: `The environment’s cost of an hour (${euroPerMonth} € a month, by config) over its validations. It falls with use: most of the cost is there anyway.`,
          unit: 'currencyEUR',
          decimals: 2,
          queries: [now(`${perHour} / (sum(increase(${VALIDATIONS}[1h])) / 1000)`)],
          to: [see('capacity')],
        }),
      ]),
      row('Over time', [
        graph('Validations', {
          about: 'Validations in an hour, and in the same hour a week before.',
          unit: 'short',
          queries: [
            series(`sum(increase(${VALIDATIONS}[1h]))`, 'now'),
            series(`sum(increase(${VALIDATIONS}[1h] offset 1w))`, 'a week before'),
          ],
        }),
        graph('Experts and agents', {
          about: 'Tasks given to experts and sessions opened, in an hour.',
          unit: 'short',
          queries: [
            series(`sum(increase(${requests('/expert/delegate')}[1h]))`, 'given to experts'),
            series(`sum(increase(${requests('/session/create')}[1h]))`, 'sessions'),
          ],
        }),
        graph('Cost of a thousand validations', {
          about: 'Cost over use. A rise at the same use is a bigger environment; compare with capacity.',
          unit: 'currencyEUR',
          queries: [series(`${perHour} / (sum(increase(${VALIDATIONS}[1h])) / 1000)`, 'cost')],
          to: [see('capacity')],
        }),
      ]),
    ],
  });
}
