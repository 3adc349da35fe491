import { alertCases } from '../constructs/observability-stack/alert-tests';
import type { AlertRules } from '../constructs/observability-stack/alert-rules';
import type { Finding, Guarantee } from './guarantee';

/** The alert by whose silence it is noticed that nobody is told of anything. */
const WATCHDOG = 'Watchdog';

const SEVERITIES: ReadonlySet<string> = new Set(['critical', 'warning', 'info']);

const OWNERS: ReadonlySet<string> = new Set(['platform', 'data', 'bridge']);

/**
 * Whoever is told of something knows how grave it is and whose, sees values, and finds a runbook; and it is proved, by a
 * case in which the alert fires and one in which it is silent, that it fires when it should.
 */
export const alerts: Guarantee = {
  name: 'alerts',
  check: (platform) => {
    const { runbooks = new Set<string>() } = platform;
    const all = platform.alerts.flatMap((rules) =>
      rules.groups.flatMap((group) =>
        (group.rules ?? []).flatMap((rule) => (rule.alert === undefined ? [] : [{ rules, ...rule }])),
      ),
    );
    return {
      findings: all.flatMap(({ rules, alert = '', labels = {}, annotations = {} }) => {
        const { severity = '', owner = '' } = labels;
        const finding = (cause: string, remedy: string): Finding => ({
          path: rules.node.path,
          cause: `alert ${alert} ${cause}`,
          remedy: `${remedy} in ${rules.folder}/alerts.yaml`,
        });
        const { fires, isSilent } = casesOf(rules, alert);
        return [
          ...(SEVERITIES.has(severity)
            ? []
            : [finding(`has severity "${severity}"`, 'write critical, warning or info')]),
          ...(OWNERS.has(owner) ? [] : [finding(`has owner "${owner}"`, 'write platform, data or bridge')]),
          ...(annotations['summary'] === undefined
            ? [finding('says nothing', 'write a summary with values')]
            : []),
          ...(runbooks.has(`${alert}.md`)
            ? []
            : [finding('has no runbook', `write docs/runbooks/${alert}.md, or remove the alert`)]),
          ...(fires ? [] : [finding('fires in no test', 'write a case in alerts.test.yaml beside the rule')]),
          ...(isSilent
            ? []
            : [finding('is silent in no test', 'write a case in alerts.test.yaml beside the rule')]),
        ];
      }),
      facts: [
        {
          subject: 'alerts, each with an owner, a runbook and tests of both kinds',
          figure: String(all.length),
        },
      ],
    };
  },
};

function casesOf({ tests = '{}' }: AlertRules, alert: string): { fires: boolean; isSilent: boolean } {
  const cases = alertCases(tests).filter((each) => each.alert === alert);
  return {
    fires: cases.some(({ firing }) => firing),
    // One that always fires, so that its silence is noticed, has no silent case.
    isSilent: alert === WATCHDOG || cases.some(({ firing }) => !firing),
  };
}
