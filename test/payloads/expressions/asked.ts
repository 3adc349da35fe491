import type { Dashboard, Variable } from '../../../constructs/observability-stack/dashboards/model';
import { dashboardsIn } from '../../../synth/dashboards';
import type { Platform } from '../../../synth/platform';
import type { Groups } from '../alerts/rule-file';

export type Language = 'prometheus' | 'loki' | 'tempo';

/** A question to a store, as it reaches it. */
export interface Asked {
  /** The rule or the panel that asks. */
  readonly by: string;
  readonly language: Language;
  readonly expr: string;
}

/** The groups of all rules that a platform prints. */
export function groupsOf({ objects }: Platform): Groups {
  return objects.flatMap(({ manifest }) =>
    manifest.kind === 'PrometheusRule' ? (manifest['spec'] as { groups: Groups }).groups : [],
  );
}

/** Everything that rules and dashboards ask. */
export function askedBy(platform: Platform): Asked[] {
  const rules = groupsOf(platform).flatMap(({ name, rules: all = [] }) =>
    all.map(({ alert, record, expr }) => ({
      by: `${name}: ${alert ?? record ?? ''}`,
      language: 'prometheus' as const,
      expr: String(expr),
    })),
  );
  return [...rules, ...dashboardsIn(platform).flatMap(askedByDashboard)];
}

function askedByDashboard({ title, panels, templating, annotations }: Dashboard): Asked[] {
  const variables = templating.list ?? [];
  const ask = (by: string, language: string, text: unknown): Asked[] =>
    typeof text === 'string'
      ? [{ by: `dashboard ${title}: ${by}`, language: language as Language, expr: filled(text, variables) }]
      : [];
  return [
    ...panels.flatMap((panel) =>
      panel.type === 'row'
        ? []
        : panel.targets.flatMap((query) =>
            ask(panel.title ?? '', query.datasource.type, 'expr' in query ? query.expr : query.query),
          ),
    ),
    ...variables.flatMap(({ name, query }) => {
      const [, selector] = /^label_values\((.+), \w+\)$/.exec(String(query)) ?? [];
      return ask(`$${name}`, 'prometheus', selector);
    }),
    ...(annotations.list ?? []).flatMap((each) => ask(each.name, 'prometheus', 'expr' in each && each.expr)),
  ];
}

/** What Grafana puts in where a variable stands, while all is chosen and nothing typed. */
function filled(text: string, variables: readonly Variable[]): string {
  const values = new Map([
    ['__rate_interval', '5m'],
    ...variables.map(({ name, allValue, query }) => [name, allValue ?? String(query ?? '')] as const),
  ]);
  return text.replace(/\$(\w+)/g, (whole, name: string) => values.get(name) ?? whole);
}
