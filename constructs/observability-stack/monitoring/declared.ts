import type { RuleGroup } from '../alert-rules';

/** What there must be to see: a selector that finds nothing would otherwise be no target, and so none that is down. */
export interface Declared {
  /** `job` of every scrape. */
  readonly jobs: readonly string[];
  /** `service` of every probe. */
  readonly services: readonly string[];
}

/** Rules that record what was declared, to be compared with what is there. */
export function declaredRules({ jobs, services }: Declared): RuleGroup {
  const each = (record: string, label: string, values: readonly string[]) =>
    values.map((value) => ({ record, expr: 'vector(1)', labels: { [label]: value } }));
  return {
    name: 'declared',
    rules: [
      ...each('lighthouse:scrape_declared', 'job', jobs),
      ...each('lighthouse:service_declared', 'service', services),
    ],
  };
}
