import type { Dashboard, Heading, Link, Panel, Placed, Variable } from './model';
import { SOURCES } from './queries';
import { DASHBOARDS, Uid } from './uids';

/** Columns of Grafana's grid. */
const GRID = 24;

/** Heights by drawing, in grid units of some 30 pixels. */
const HEIGHTS: Readonly<Record<Panel['type'], number>> = {
  stat: 4,
  timeseries: 8,
  'state-timeline': 8,
  table: 8,
  logs: 10,
};

/** Version of the model the SDK's types describe. */
const SCHEMA = 42;

/** Panels side by side below a heading; a list among them is a line of its own. */
export interface Row {
  readonly title: string;
  readonly lines: readonly (readonly Panel[])[];
}

export interface DashboardProps {
  /** Who looks here, and what for. */
  readonly about: string;
  readonly rows: readonly Row[];
  /** Where to look next, from any panel that does not say so itself. */
  readonly to: readonly Link[];
  /** @default - none */
  readonly variables?: readonly Variable[];
  /** @default 'now-6h' */
  readonly from?: string;
}

/** A heading and the lines of panels below it. */
export function row(title: string, ...lines: readonly (readonly Panel[])[]): Row {
  return { title, lines };
}

/** A dashboard of rows. Panels share the width of their line; nothing is placed by hand. */
export function dashboard(uid: Uid, props: DashboardProps): Dashboard {
  const { about, rows, to, variables = [], from = 'now-6h' } = props;
  return {
    uid,
    title: DASHBOARDS[uid],
    description: about,
    tags: ['lighthouse'],
    editable: false,
    graphTooltip: 1,
    schemaVersion: SCHEMA,
    refresh: '1m',
    timezone: 'browser',
    time: { from, to: 'now' },
    templating: { list: variables },
    annotations: { list: [FIRING] },
    links: [ALL],
    panels: placed(rows, to),
  };
}

/** A variable with the values that a label has. */
export function labelValues(name: string, label: string, metric: string): Variable {
  return {
    type: 'query',
    name,
    label,
    datasource: SOURCES.metrics,
    query: `label_values(${metric}, ${label})`,
    definition: `label_values(${metric}, ${label})`,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.+',
    current: { text: 'All', value: '$__all' },
  };
}

/** A text that a person types. */
export function typed(name: string, label: string, value = ''): Variable {
  return { type: 'textbox', name, label, query: value, current: { text: value, value } };
}

/** Alerts that fire, drawn over every graph. */
const FIRING = {
  name: 'Alerts',
  datasource: SOURCES.metrics,
  enable: true,
  iconColor: 'red',
  expr: 'ALERTS{alertstate="firing", severity=~"critical|warning"}',
  titleFormat: '{{alertname}}',
  textFormat: '{{service}} {{namespace}} {{pod}}',
  step: '60s',
} as const;

/** All dashboards, from everywhere. */
const ALL: Link = {
  title: 'Dashboards',
  type: 'dashboards',
  icon: 'external link',
  tooltip: 'All dashboards of the platform',
  tags: ['lighthouse'],
  asDropdown: true,
  targetBlank: false,
  includeVars: false,
  keepTime: true,
};

function placed(rows: readonly Row[], to: readonly Link[]): (Placed<Panel> | Heading)[] {
  let y = 0;
  let id = 0;
  return rows.flatMap(({ title, lines }) => {
    const heading: Heading = {
      type: 'row',
      id: ++id,
      title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: GRID, x: 0, y },
    };
    y += 1;
    const panels = lines.flatMap((line) => {
      const h = Math.max(...line.map(({ type }) => HEIGHTS[type]));
      const w = Math.floor(GRID / line.length);
      const made = line.map((panel, index) => ({
        ...panel,
        id: ++id,
        links: panel.links?.length ? panel.links : to,
        // The last one takes what does not divide.
        gridPos: { h, w: index === line.length - 1 ? GRID - index * w : w, x: index * w, y },
      }));
      y += h;
      return made;
    });
    return [heading, ...panels];
  });
}
