import type * as sdk from '@grafana/grafana-foundation-sdk/dashboard';
import type { Options as LogsOptions } from '@grafana/grafana-foundation-sdk/logs';
import type { dataquery as LogsQuery } from '@grafana/grafana-foundation-sdk/loki';
import type { Dataquery as MetricsQuery } from '@grafana/grafana-foundation-sdk/prometheus';
import type { Options as StatOptions } from '@grafana/grafana-foundation-sdk/stat';
import type {
  FieldConfig as TimelineFields,
  Options as TimelineOptions,
} from '@grafana/grafana-foundation-sdk/statetimeline';
import type { Options as TableOptions } from '@grafana/grafana-foundation-sdk/table';
import type { Dataquery as TracesQuery } from '@grafana/grafana-foundation-sdk/tempo';
import type {
  FieldConfig as SeriesFields,
  Options as SeriesOptions,
} from '@grafana/grafana-foundation-sdk/timeseries';
import type * as units from '@grafana/grafana-foundation-sdk/units';

/**
 * A type of Grafana's SDK as its JSON is written: members of enumerations by their text, no methods. So dashboards are
 * checked against Grafana's own schema, and none of the SDK's code (a megabyte) is loaded to make them.
 */
export type Model<T> = T extends string
  ? `${T}`
  : T extends readonly (infer E)[]
    ? readonly Model<E>[]
    : T extends object
      ? { readonly [K in keyof T as T[K] extends (...args: never) => unknown ? never : K]: Model<T[K]> }
      : T;

/** A unit as Grafana names it: `s`, `bytes`, `reqps` … or a text behind the figure. */
export type Unit = (typeof units)[keyof typeof units] | `suffix:${string}`;

export type Field = Model<sdk.FieldConfig>;
export type Link = Model<sdk.DashboardLink>;
export type Thresholds = Model<sdk.ThresholdsConfig>;
export type Variable = Model<sdk.VariableModel>;

/** A question to one of the stores. */
export type Query = (Model<MetricsQuery> | Model<LogsQuery> | Model<TracesQuery>) & {
  readonly datasource: Source;
};

/** One of Grafana's data sources, by type and uid. */
export interface Source {
  readonly type: 'prometheus' | 'loki' | 'tempo';
  readonly uid: string;
}

/** What a panel draws, with the options of that drawing. */
export type Drawing =
  | { readonly type: 'stat'; readonly options: Model<StatOptions>; readonly custom?: undefined }
  | {
      readonly type: 'timeseries';
      readonly options: Model<SeriesOptions>;
      readonly custom: Partial<Model<SeriesFields>>;
    }
  | {
      readonly type: 'state-timeline';
      readonly options: Model<TimelineOptions>;
      readonly custom: Partial<Model<TimelineFields>>;
    }
  | { readonly type: 'table'; readonly options: Model<TableOptions>; readonly custom?: undefined }
  | { readonly type: 'logs'; readonly options: Model<LogsOptions>; readonly custom?: undefined };

/** A panel before it has its place. */
export type Panel = Omit<
  Model<sdk.Panel>,
  'type' | 'options' | 'targets' | 'title' | 'description' | 'fieldConfig' | 'gridPos'
> &
  Pick<Drawing, 'type' | 'options'> & {
    readonly title: string;
    readonly description: string;
    readonly targets: readonly Query[];
    readonly fieldConfig: { readonly defaults: Field; readonly overrides: readonly Override[] };
  };

export interface Override {
  readonly matcher: { readonly id: 'byName' | 'byRegexp' | 'byFrameRefID'; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

export type Placed<T> = T & { readonly id: number; readonly gridPos: Model<sdk.GridPos> };

/** The heading of a row of panels. */
export type Heading = Model<sdk.RowPanel>;

/** A dashboard as Grafana reads it from a file. */
export type Dashboard = Omit<Model<sdk.Dashboard>, 'panels' | 'uid' | 'title' | 'description'> & {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly (Placed<Panel> | Heading)[];
};
