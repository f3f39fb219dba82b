import type { Panel, Unit } from '../lib/grafana.ts';
import type { Series } from './prometheus.ts';

export interface Drawn {
  panel: Panel;
  lines: { legend: string; points: Series['points'] }[];
}
export interface Picture {
  title: string;
  from: number;
  to: number;
  /** When it happened; null when nothing did. */
  at: number | null;
  rows: { title: string; panels: Drawn[] }[];
  alerts: string[];
}

const WIDTH = 420;
const HEIGHT = 150;
const COLOURS = ['#2a6fb0', '#c4561b', '#2f8a4b', '#8a4fa3', '#b08a1a', '#3a9a9a', '#b03a5b'];

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export const format = (value: number, unit: Unit): string => {
  if (unit === 'percentunit') return `${Number((value * 100).toFixed(2))} %`;
  const short = Number(value.toPrecision(3));
  if (unit === 's') return value < 1 ? `${Number((value * 1000).toPrecision(3))} ms` : `${short} s`;
  if (unit === 'bytes' && value < 1024) return `${Math.round(value)} B`;
  if (unit === 'bytes') return value < 1e6 ? `${Math.round(value / 1024)} KiB` : `${(value / 1048576).toFixed(1)} MiB`;
  return unit === 'ops' || unit === 'reqps' ? `${short}/s` : `${short}`;
};

const shown = (lines: Drawn['lines']): Drawn['lines'] => lines.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)));

const stat = ({ panel, lines }: Drawn): string =>
  shown(lines)
    .map(({ legend, points }) => {
      const last = points.findLast(([, value]) => Number.isFinite(value))![1];
      const colour = panel.limit === undefined ? '#222' : last > panel.limit ? '#c0392b' : '#2f8a4b';
      return `<span class="stat" style="color:${colour}">${format(last, panel.unit)}</span> <small>${escape(legend)}</small>`;
    })
    .join(' ');

const chart = ({ panel, lines }: Drawn, { from, to, at }: Picture): string => {
  const drawn = shown(lines);
  const values = drawn.flatMap(({ points }) => points.map(([, value]) => value).filter(Number.isFinite));
  const highest = Math.max(...values, 0);
  const top = (highest || 1) * 1.1;
  const x = (time: number): string => (((time - from) / (to - from)) * WIDTH).toFixed(1);
  const y = (value: number): string => (HEIGHT - (value / top) * (HEIGHT - 10)).toFixed(1);
  const paths = drawn.map(({ points }, i) => {
    const known = points.filter(([, value]) => Number.isFinite(value));
    return `<polyline points="${known.map(([time, value]) => `${x(time)},${y(value)}`).join(' ')}" fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1.5"/>`;
  });
  const limit =
    panel.limit === undefined || panel.limit > top
      ? ''
      : `<line x1="0" x2="${WIDTH}" y1="${y(panel.limit)}" y2="${y(panel.limit)}" stroke="#c0392b" stroke-dasharray="4 3"/>`;
  const moment = at === null ? '' : `<line x1="${x(at)}" x2="${x(at)}" y1="0" y2="${HEIGHT}" stroke="#888" stroke-dasharray="2 2"/>`;
  const keys = drawn.map(({ legend }, i) => `<span style="color:${COLOURS[i % COLOURS.length]}">▬</span> ${escape(legend)}`);
  return `<div class="top">${format(highest, panel.unit)}</div><svg width="${WIDTH}" height="${HEIGHT}">${moment}${limit}${paths.join('')}</svg><div class="key">${keys.join(' ')}</div>`;
};

/** The panels of a dashboard as a page; `at` is the dashed line. */
export const drawPage = (picture: Picture): string => {
  const panels = (row: Picture['rows'][number]): string =>
    row.panels
      .map((drawn) => {
        const body =
          shown(drawn.lines).length === 0 ? '<em>no data</em>' : drawn.panel.kind === 'stat' ? stat(drawn) : chart(drawn, picture);
        return `<section class="${drawn.panel.kind}"><h3>${escape(drawn.panel.title)}</h3>${body}</section>`;
      })
      .join('');
  const alerts = picture.alerts.length === 0 ? 'none' : picture.alerts.map(escape).join(', ');
  return `<!doctype html><meta charset="utf-8"><style>
body{font:13px system-ui,sans-serif;margin:16px;width:1340px;color:#222;background:#fff}h1{font-size:18px;margin:0}h2{font-size:13px;color:#666;margin:14px 0 4px}
h3{font-size:12px;margin:0 0 2px}.row{display:flex;flex-wrap:wrap;gap:8px}section{border:1px solid #ddd;border-radius:4px;padding:8px;width:420px}
section.stat{width:196px;min-height:44px}.stat .stat,span.stat{font-size:20px;font-weight:600}.top,.key,small{font-size:11px;color:#666}svg{border-bottom:1px solid #ccc}</style>
<h1>${escape(picture.title)}</h1><div>Alerts that were pending or firing: <b>${alerts}</b>. The dashed line is the moment.</div>
${picture.rows.map((row) => `<h2>${escape(row.title)}</h2><div class="row">${panels(row)}</div>`).join('')}`;
};
