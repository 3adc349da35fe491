import type { Drawing, Field, Link, Override, Panel, Query, Thresholds, Unit } from './model';
import { DASHBOARDS, Uid } from './uids';

/** From where on a value is worth a look, and from where on it is bad. */
export interface Bounds {
  readonly side: 'above' | 'below';
  readonly warning?: number;
  readonly critical?: number;
}

/** What a value stands for. */
export type States = Readonly<Record<string, { readonly text: string; readonly color: Color }>>;

type Color = 'green' | 'orange' | 'red' | 'blue' | 'text';

export interface PanelProps {
  /** What is seen, what good looks like, and what to do where it is not. */
  readonly about: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /**
   * From where on the value turns orange and red; from the same settings as the alerts.
   * @default - no colour
   */
  readonly bounds?: Bounds;
  /**
   * Where to look next.
   * @default - where its dashboard says
   */
  readonly to?: readonly Link[];
  /** @default - as many as the unit wants */
  readonly decimals?: number;
  /**
   * The end of the scale, such as 1 for a share.
   * @default - the largest value
   */
  readonly max?: number;
}

/** Good is below; the line itself still is. */
export function above(warning: number, critical?: number): Bounds {
  return { side: 'above', warning, ...(critical === undefined ? {} : { critical }) };
}

/** Good is above; the line itself already is. */
export function below(warning: number, critical?: number): Bounds {
  return { side: 'below', warning, ...(critical === undefined ? {} : { critical }) };
}

/** Anything but none is bad. */
export const NONE: Bounds = { side: 'above', critical: 1e-9 };

/** A link to another dashboard, with the same time and its variables set. */
export function see(uid: Uid, variables: Readonly<Record<string, string>> = {}): Link {
  const values = Object.entries(variables).map(([name, value]) => `var-${name}=${value}`);
  return {
    title: DASHBOARDS[uid],
    type: 'link',
    icon: 'dashboard',
    tooltip: `Go to ${DASHBOARDS[uid]}`,
    url: `/d/${uid}${values.length > 0 ? `?${values.join('&')}` : ''}`,
    tags: [],
    asDropdown: false,
    targetBlank: false,
    includeVars: false,
    keepTime: true,
  };
}

/** One figure, the newest, coloured by its bounds. */
export function stat(title: string, props: PanelProps & { readonly states?: States }): Panel {
  return panel(title, props, {
    type: 'stat',
    options: {
      graphMode: 'area',
      colorMode: 'value',
      justifyMode: 'center',
      textMode: props.queries.length > 1 ? 'value_and_name' : 'auto',
      wideLayout: true,
      showPercentChange: false,
      percentChangeColorMode: 'standard',
      orientation: 'auto',
      reduceOptions: { calcs: ['lastNotNull'], values: false, fields: '' },
    },
  });
}

/** Lines over time, the largest named first. Bounds are drawn as dashed lines. */
export function graph(title: string, props: PanelProps & { readonly stacked?: boolean }): Panel {
  return panel(title, props, {
    type: 'timeseries',
    options: {
      legend: {
        displayMode: 'table',
        placement: 'bottom',
        showLegend: true,
        calcs: ['mean', 'max', 'lastNotNull'],
        sortBy: 'Max',
        sortDesc: true,
      },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    custom: {
      lineWidth: 1,
      fillOpacity: props.stacked ? 40 : 8,
      // A missing scrape is a gap; a pod that is gone is no line to zero.
      spanNulls: false,
      showPoints: 'never',
      thresholdsStyle: { mode: props.bounds ? 'dashed' : 'off' },
      stacking: { mode: props.stacked ? 'normal' : 'none', group: 'A' },
      axisSoftMin: 0,
    },
  });
}

/** Which state each thing was in, over time. */
export function timeline(title: string, props: PanelProps & { readonly states: States }): Panel {
  return panel(title, props, {
    type: 'state-timeline',
    options: {
      showValue: 'never',
      rowHeight: 0.8,
      mergeValues: true,
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'single', sort: 'none' },
    },
    custom: { lineWidth: 0, fillOpacity: 80 },
  });
}

export interface Column {
  readonly name: string;
  /** @default - the panel's */
  readonly unit?: Unit;
}

export interface TableProps extends PanelProps {
  /** Columns that are shown: Grafana's name (a label; `Value #A` is the first query's value) → what is written above it. */
  readonly columns: Readonly<Record<string, string | Column>>;
  /**
   * Where a row leads to; `${__data.fields.NAME}` is the row's value in a column.
   * @default - nowhere
   */
  readonly row?: Link;
}

/** A row per series of one or more queries; the last column is sorted by, the largest first. */
export function table(title: string, props: TableProps): Panel {
  const columns = Object.entries(props.columns).map(([field, column]) => ({
    field,
    ...(typeof column === 'string' ? { name: column } : column),
  }));
  const made = panel(title, props, {
    type: 'table',
    options: {
      frameIndex: 0,
      showHeader: true,
      sortBy: [{ displayName: columns.at(-1)?.name ?? '', desc: true }],
    },
  });
  return {
    ...made,
    transformations: [
      { id: 'merge', options: {} },
      { id: 'filterFieldsByName', options: { include: { names: columns.map(({ field }) => field) } } },
      {
        id: 'organize',
        options: {
          indexByName: Object.fromEntries(columns.map(({ field }, index) => [field, index])),
          renameByName: Object.fromEntries(columns.map(({ field, name }) => [field, name])),
        },
      },
    ],
    fieldConfig: {
      defaults: { ...made.fieldConfig.defaults, ...(props.row ? { links: [props.row] } : {}) },
      overrides: columns.flatMap(({ name, unit }): Override[] =>
        unit === undefined
          ? []
          : [{ matcher: { id: 'byName', options: name }, properties: [{ id: 'unit', value: unit }] }],
      ),
    },
  };
}

/** Log lines, the newest first; a line with a trace links to it. */
export function lines(title: string, props: Omit<PanelProps, 'unit'>): Panel {
  return panel(
    title,
    { ...props, unit: 'none' },
    {
      type: 'logs',
      options: {
        showLabels: false,
        showCommonLabels: false,
        showTime: true,
        showLogContextToggle: true,
        wrapLogMessage: true,
        prettifyLogMessage: false,
        enableLogDetails: true,
        sortOrder: 'Descending',
        dedupStrategy: 'none',
      },
    },
  );
}

/** Traces as a table; a row opens its trace. */
export function found(title: string, props: Omit<PanelProps, 'unit'>): Panel {
  return panel(
    title,
    { ...props, unit: 'none' },
    { type: 'table', options: { frameIndex: 0, showHeader: true } },
  );
}

function panel(
  title: string,
  props: PanelProps & { readonly states?: States },
  { custom, ...drawing }: Drawing,
): Panel {
  const { about, unit, queries, bounds, states, to = [], decimals, max } = props;
  const defaults: Field = {
    unit,
    ...(decimals === undefined ? {} : { decimals }),
    ...(max === undefined ? {} : { min: 0, max }),
    color: { mode: bounds || states ? 'thresholds' : 'palette-classic' },
    thresholds: thresholds(bounds),
    ...(states ? { mappings: [mapping(states)] } : {}),
    ...(custom ? { custom } : {}),
  };
  // Lines of several series are told apart by their colours; bounds are lines of their own there.
  const field = drawing.type === 'timeseries' ? { ...defaults, color: PALETTE } : defaults;
  return {
    ...drawing,
    title,
    description: about,
    datasource: queries[0]?.datasource,
    links: to,
    targets: queries.map((query, index) => ({ ...query, refId: String.fromCharCode(65 + index) })),
    fieldConfig: { defaults: field, overrides: [] },
  };
}

const PALETTE = { mode: 'palette-classic' } as const;

function thresholds(bounds: Bounds | undefined): Thresholds {
  if (!bounds) return { mode: 'absolute', steps: [{ value: null, color: 'text' }] };
  const { side, warning, critical } = bounds;
  const [first, last] = side === 'above' ? ['green', 'red'] : ['red', 'green'];
  const steps =
    side === 'above'
      ? [
          { value: warning, color: 'orange' },
          { value: critical, color: last },
        ]
      : [
          { value: critical, color: 'orange' },
          { value: warning, color: last },
        ];
  const start = side === 'below' && critical === undefined ? 'orange' : first;
  return {
    mode: 'absolute',
    steps: [
      { value: null, color: start ?? 'text' },
      ...steps.flatMap(({ value, color = 'text' }) => (value === undefined ? [] : [{ value, color }])),
    ],
  };
}

function mapping(states: States) {
  const options = Object.entries(states).map(([value, { text, color }], index) => [
    value,
    { text, color, index },
  ]);
  return { type: 'value', options: Object.fromEntries(options) as Record<string, object> } as const;
}
