import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import type * as stat from '@grafana/grafana-foundation-sdk/stat';
import type * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

// What Grafana takes, in the types that Grafana's own schemas are made into; without its enums and its `any`.

type IsAny<T> = 0 extends 1 & T ? true : false;

/** As JSON writes it: an enum of words is its words; what only builders have is gone; `any` is nobody's: it takes nothing but null. */
type Json<T> =
  IsAny<T> extends true
    ? null
    : T extends string
      ? `${T}`
      : T extends readonly (infer Item)[]
        ? Json<Item>[]
        : T extends object
          ? { [key in keyof T as T[key] extends (...args: never) => unknown ? never : key]: Json<T[key]> }
          : T;

type Place = Required<Pick<dashboard.GridPos, 'x' | 'y' | 'w' | 'h'>>;
type Query = Json<prometheus.Dataquery> & { refId: string };
type Fields<Custom> = Omit<Json<dashboard.FieldConfigSource>, 'defaults'> & {
  defaults: Omit<Json<dashboard.FieldConfig>, 'custom'> & Custom;
};
type PanelOf<Kind extends string, Options, Custom> = Omit<
  Json<dashboard.Panel>,
  'type' | 'targets' | 'options' | 'fieldConfig' | 'gridPos'
> & {
  type: Kind;
  id: number;
  gridPos: Place;
  targets: Query[];
  options: Json<Options>;
  fieldConfig: Fields<Custom>;
};
export type TimeseriesPanel = PanelOf<'timeseries', timeseries.Options, { custom: Json<timeseries.FieldConfig> }>;
export type StatPanel = PanelOf<'stat', stat.Options, unknown>;
export type RowPanel = Omit<Json<dashboard.RowPanel>, 'panels' | 'gridPos'> & { gridPos: Place; panels: [] };
export type GrafanaPanel = TimeseriesPanel | StatPanel | RowPanel;

/** Our variables ask Prometheus, in its own words. */
export type Variable = Omit<Json<dashboard.VariableModel>, 'query'> & { query: string | { query: string; refId: string } };

export type GrafanaDashboard = Omit<Json<dashboard.Dashboard>, 'panels' | 'templating'> & {
  uid: string;
  templating: { list: Variable[] };
  panels: GrafanaPanel[];
};
