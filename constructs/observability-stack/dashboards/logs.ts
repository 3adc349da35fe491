import { dashboard, labelValues, row, typed } from './dashboard';
import type { Dashboard } from './model';
import { graph, lines, NONE, see, table } from './panels';
import { logs, logsNow, rows, series, SOURCES } from './queries';

const THOSE = 'namespace=~"$namespace", service=~"$service"';
const BAD = 'level=~"error|fatal"';

/** What all programs write: who writes errors, which, and the lines themselves. */
export function logsDashboard(): Dashboard {
  return dashboard('logs', {
    about:
      'Who writes errors, which ones most often, and the lines. Choose a namespace and a service, or type a text to look for.',
    to: [see('traces'), see('platform')],
    from: 'now-1h',
    variables: [
      labelValues('namespace', 'namespace', 'lighthouse_log_lines_total'),
      labelValues('service', 'service', 'lighthouse_log_lines_total{namespace=~"$namespace"}'),
      typed('text', 'Text'),
    ],
    rows: [
      row('How much', [
        graph('Errors by service', {
          about:
            'Lines of level error or fatal a second. What is usual differs by program; a step is worth a look.',
          unit: 'cps',
          stacked: true,
          queries: [
            series(
              `sum by (namespace, service) (rate(lighthouse_log_lines_total{${THOSE}, ${BAD}}[$__rate_interval])) > 0`,
              '{{namespace}}/{{service}}',
            ),
          ],
        }),
        graph('Lines by service', {
          about:
            'All lines a second: who fills the store. Its volume was planned by config; capacity has the forecast.',
          unit: 'cps',
          stacked: true,
          queries: [
            series(
              `topk(10, sum by (namespace, service) (rate(lighthouse_log_lines_total{${THOSE}}[$__rate_interval])))`,
              '{{namespace}}/{{service}}',
            ),
          ],
          to: [see('capacity')],
        }),
        graph('Lines not understood', {
          about:
            'Lines that the parser of their program did not match, by service. They are kept whole. Many after an update: its format changed.',
          unit: 'cps',
          bounds: NONE,
          queries: [
            series(
              `sum by (namespace, service) (rate(lighthouse_log_lines_unparsed_total{${THOSE}}[$__rate_interval])) > 0`,
              '{{namespace}}/{{service}}',
            ),
          ],
          to: [see('monitoring')],
        }),
      ]),
      row('Which', [
        table('Errors by service, in an hour', {
          about: 'Services by lines of level error or fatal. A row leads to its lines below.',
          unit: 'none',
          decimals: 0,
          queries: [
            rows(
              `sum by (namespace, service) (increase(lighthouse_log_lines_total{${THOSE}, ${BAD}}[1h])) > 0`,
            ),
          ],
          columns: { namespace: 'Namespace', service: 'Service', Value: 'Lines' },
          row: see('logs', { namespace: '${__data.fields.Namespace}', service: '${__data.fields.Service}' }),
        }),
        table('Messages that come most often, in an hour', {
          about:
            'The same line, counted. Numbers and times make lines differ: what repeats most is usually the cause.',
          unit: 'none',
          decimals: 0,
          queries: [
            logsNow(
              `topk(15, sum by (service, message) (count_over_time({${THOSE}} | ${BAD} | label_format message="{{__line__}}" [1h])))`,
            ),
          ],
          columns: { service: 'Service', message: 'Message', 'Value #A': 'Times' },
        }),
      ]),
      row('Lines', [
        lines('Errors', {
          about: 'Lines of level error and fatal, the newest first. Open one for its pod and its trace.',
          queries: [logs(`{${THOSE}} | ${BAD}`)],
        }),
        lines('Everything with the text', {
          about: 'All lines that contain the text typed above; without one, all lines.',
          queries: [logs(`{${THOSE}} |= "$text"`)],
        }),
      ]),
      row('Lighthouse itself', [
        lines('Errors of the bridge', {
          about: 'The bridge’s own lines are a tenant apart, kept longer. A line with a trace leads to it.',
          queries: [logs(`{namespace=~".+"} | ${BAD}`, '', SOURCES.bridgeLogs)],
          to: [see('bridge')],
        }),
      ]),
    ],
  });
}
