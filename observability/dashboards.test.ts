import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DASHBOARDS } from './dashboards/index.ts';
import { staleFiles } from './build.ts';
import { toGrafana } from './lib/grafana.ts';
import { SCOPE } from './lib/scope.ts';

test('what is checked in is what would be written', async () => {
  expect(await staleFiles()).toEqual([]);
});

test('the chart holds these dashboards and no others', () => {
  const files = readdirSync(join(import.meta.dirname, '../helm/runnel/dashboards'));
  expect(files.toSorted()).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`).toSorted());
});

// The rules of Grafana's dashboard linter that matter to us.
describe.each(DASHBOARDS)('$title', (board) => {
  const panels = board.rows.flatMap((row) => row.panels);
  const grafana = toGrafana(board);

  test('asks the data source that the reader chose', () => {
    expect(grafana.templating.list.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'datasource datasource',
      ...SCOPE.map((label) => `${label} query`),
    ]);
    expect(JSON.stringify(grafana).match(/"uid":"(?!\$\{datasource\}|runnel-)[^"]*"/g)).toBeNull();
  });

  test('every metric of ours is narrowed to what the reader chose', () => {
    for (const { targets = [] } of grafana.panels as { targets?: { expr: string }[] }[])
      for (const { expr } of targets)
        for (const [metric] of expr.matchAll(/\b(?:runnel_|gen_ai_client_)\w+(?:\{[^}]*\})?/g))
          for (const label of SCOPE) expect(metric).toContain(`${label}=~"$${label}"`);
  });

  test('every panel has a title of its own, a description, a unit and legends', () => {
    const titles = panels.map(({ title }) => title);
    expect(titles).toEqual([...new Set(titles)]);
    for (const panel of panels) {
      expect(panel.description, panel.title).toMatch(/^[A-Z\d].{20,}[.)]$/i);
      expect(panel.unit, panel.title).not.toBe('');
      expect(panel.targets.map(({ legend }) => legend).filter((legend) => legend === '')).toEqual([]);
    }
  });

  test('a rate is taken over what the resolution asks for', () => {
    const ranges = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/\[[^\]]*\]/g) ?? []));
    expect(ranges.filter((range) => range !== '[$__rate_interval]')).toEqual([]);
  });

  test('a histogram is summed by le before its quantile is taken', () => {
    const quantiles = panels
      .flatMap(({ targets }) => targets.map(({ expr }) => expr))
      .filter((expr) => expr.includes('histogram_quantile'));
    for (const expr of quantiles) expect(expr).toMatch(/^histogram_quantile\(0\.\d+, sum by \(le[,)].*rate\(\w+_bucket/);
  });

  test('panels lie in the grid and on nobody else', () => {
    const taken = new Set<string>();
    for (const { gridPos } of grafana.panels as { gridPos: { x: number; y: number; w: number; h: number } }[]) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), `${x},${y}`).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});
