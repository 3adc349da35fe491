import type { PrometheusRuleSpec } from '../../../imports/monitoring.coreos.com';

export type Groups = NonNullable<PrometheusRuleSpec['groups']>;
export type Group = Groups[number];
export type Rule = NonNullable<Group['rules']>[number];

/** Rules with the unit tests that belong to them. */
export interface TestedRules {
  readonly name: string;
  readonly groups: Groups;
  /** A file of unit tests as promtool reads it, without the names of rule files. */
  readonly tests: string;
}

/** Rules and unit tests as one environment has them. */
export interface RuleFile extends TestedRules {
  readonly id: string;
  /** The text of `alerts.yaml` before its holes were filled. */
  readonly source: string;
}
