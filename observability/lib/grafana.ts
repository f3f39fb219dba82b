import type { GrafanaDashboard, GrafanaPanel, StatPanel, TimeseriesPanel, Variable } from './grafana-types.ts';
import { SCOPE, within } from './scope.ts';

/** A dashboard as we write it; `toGrafana` makes of it what Grafana imports. */
export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  rows: readonly Row[];
}
export interface Row {
  title: string;
  panels: readonly Panel[];
}
export interface Target {
  expr: string;
  legend: string;
}
export interface Panel {
  kind: 'timeseries' | 'stat';
  title: string;
  /** What it says and when to worry: the reader may be new here, at night. */
  description: string;
  unit: Unit;
  targets: readonly Target[];
  /** Drawn as a line: the promise. */
  limit?: number;
  /** Columns of 24. */
  width?: number;
  stacked?: boolean;
}
/** Grafana's names of units. */
export type Unit = 'short' | 's' | 'bytes' | 'percentunit' | 'ops' | 'reqps' | 'dateTimeFromNow' | 'bool_on_off' | 'Bps';

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** What the reader chose; `.*` also where Prometheus puts no such label on. */
const CHOSEN = SCOPE.map((label) => `${label}=~"$${label}"`).join(', ');
const scopeVariable = (name: string): Variable => ({
  name,
  type: 'query',
  datasource: DATASOURCE,
  definition: `label_values(runnel_process_start_time_seconds, ${name})`,
  query: { query: `label_values(runnel_process_start_time_seconds, ${name})`, refId: name },
  includeAll: true,
  allValue: '.*',
  multi: true,
  current: { text: 'All', value: '$__all' },
  refresh: 2,
  sort: 1,
  hide: 0,
});
const PANEL_HEIGHT = 8;
const STAT_HEIGHT = 4;
const COLUMNS = 24;
const SCHEMA_VERSION = 39;

const thresholds = (limit: number | undefined): NonNullable<StatPanel['fieldConfig']['defaults']['thresholds']> => ({
  mode: 'absolute',
  steps: [{ color: 'green', value: null }, ...(limit === undefined ? [] : [{ color: 'red', value: limit }])],
});

const targets = (panel: Panel): StatPanel['targets'] =>
  panel.targets.map(({ expr, legend }, i) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + i),
    datasource: DATASOURCE,
    expr: within(expr, CHOSEN),
    legendFormat: legend,
  }));

// Every option of a panel is said, so that no version's default decides.

const statJson = (panel: Panel, id: number, gridPos: StatPanel['gridPos']): StatPanel => ({
  id,
  type: 'stat',
  title: panel.title,
  description: panel.description,
  datasource: DATASOURCE,
  gridPos,
  targets: targets(panel),
  fieldConfig: { defaults: { unit: panel.unit, min: 0, thresholds: thresholds(panel.limit) }, overrides: [] },
  options: {
    reduceOptions: { calcs: ['lastNotNull'] },
    colorMode: 'value',
    graphMode: 'area',
    justifyMode: 'auto',
    textMode: 'auto',
    orientation: 'auto',
    wideLayout: true,
    showPercentChange: false,
    percentChangeColorMode: 'standard',
  },
});

const timeseriesJson = (panel: Panel, id: number, gridPos: TimeseriesPanel['gridPos']): TimeseriesPanel => ({
  id,
  type: 'timeseries',
  title: panel.title,
  description: panel.description,
  datasource: DATASOURCE,
  gridPos,
  targets: targets(panel),
  fieldConfig: {
    defaults: {
      unit: panel.unit,
      min: 0,
      thresholds: thresholds(panel.limit),
      custom: {
        lineWidth: 1,
        fillOpacity: panel.stacked ? 20 : 5,
        showPoints: 'never',
        stacking: { mode: panel.stacked ? 'normal' : 'none' },
        thresholdsStyle: { mode: panel.limit === undefined ? 'off' : 'dashed' },
      },
    },
    overrides: [],
  },
  options: {
    legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
});

/** Rows from top to bottom, panels from left to right; a panel that does not fit begins a new line. */
export const toGrafana = ({ uid, title, description, rows }: Dashboard): GrafanaDashboard => {
  let id = 0;
  let y = 0;
  const panels: GrafanaPanel[] = [];
  for (const row of rows) {
    panels.push({ id: ++id, type: 'row', title: row.title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: 1 }, panels: [] });
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? (panel.kind === 'stat' ? 4 : 8);
      const h = panel.kind === 'stat' ? STAT_HEIGHT : PANEL_HEIGHT;
      if (x + w > COLUMNS) {
        x = 0;
        y += lineHeight;
        lineHeight = 0;
      }
      panels.push((panel.kind === 'stat' ? statJson : timeseriesJson)(panel, ++id, { x, y, w, h }));
      x += w;
      lineHeight = Math.max(lineHeight, h);
    }
    y += lineHeight;
  }
  return {
    uid,
    title: `Runnel / ${title}`,
    description,
    tags: ['runnel'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: false,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0 }, ...SCOPE.map(scopeVariable)],
    },
    links: [
      {
        type: 'dashboards',
        title: 'Runnel',
        icon: 'external link',
        tooltip: '',
        tags: ['runnel'],
        asDropdown: true,
        targetBlank: false,
        includeVars: true,
        keepTime: true,
      },
    ],
    annotations: { list: [] },
    panels,
  };
};
