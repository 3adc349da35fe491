import { join } from 'node:path';
import { Construct } from 'constructs';
import { parse } from 'yaml';
import { PrometheusRule, type PrometheusRuleSpec } from '../../imports/monitoring.coreos.com';
import { Holes, renderPayload } from '../platform/config-files';
import { renderAlertTests } from './alert-tests';

export interface AlertRulesProps {
  /** Folder with `alerts.yaml`, and `alerts.test.yaml` beside it. */
  readonly folder: string;
  /** Values of the holes in both files. */
  readonly holes: Holes;
  /** URL of the folder with the runbooks, without a slash at the end. */
  readonly runbooks: string;
  /**
   * Groups that record what the file's alerts compare, where they are the product of a table.
   * @default - none
   */
  readonly generated?: readonly RuleGroup[];
}

export type RuleGroup = NonNullable<PrometheusRuleSpec['groups']>[number];

/**
 * One file of rules beside what it is about. Thresholds are holes, filled from what also sets the system; every alert
 * links to the runbook of its name.
 */
export class AlertRules extends Construct {
  readonly folder: string;
  readonly holes: Holes;
  readonly groups: readonly RuleGroup[];
  /** The unit tests beside the rules, rendered; undefined where there are none. */
  readonly tests: string | undefined;

  /** @throws Error for a file that cannot be read or is no list of groups, and for holes that do not fit */
  constructor(scope: Construct, id: string, props: AlertRulesProps) {
    super(scope, id);
    this.folder = props.folder;
    this.holes = props.holes;
    this.tests = renderAlertTests(props.folder, props.holes);
    const file = join(props.folder, 'alerts.yaml');
    const { groups } = parse(renderPayload(file, props.holes)) as { groups?: readonly RuleGroup[] };
    if (!groups) throw new Error(`${file}: must be a Prometheus rule file with groups`);
    this.groups = [...(props.generated ?? []), ...groups].map((group) => ({
      ...group,
      rules: group.rules?.map((rule) =>
        rule.alert === undefined
          ? rule
          : {
              ...rule,
              annotations: { ...rule.annotations, runbook_url: `${props.runbooks}/${rule.alert}.md` },
            },
      ),
    }));
    new PrometheusRule(this, 'Resource', { spec: { groups: this.groups } });
  }
}
