import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findPromtool } from '../scripts/promtool.mjs';
import { RULE_TESTS, RULES } from './build.ts';
import { DASHBOARDS } from './dashboards/index.ts';
import { toGrafana } from './lib/grafana.ts';

const promtool = (...args: string[]) => {
  const path = findPromtool();
  if (path === undefined) throw new Error('There is no promtool: node scripts/system.mjs promtool');
  const { status, stdout, stderr } = spawnSync(path, args, { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', timeout: 470_000 });
  return { status, output: stdout + stderr };
};

test('Prometheus takes the rules', () => {
  expect(promtool('check', 'rules', RULES)).toMatchObject({ status: 0 });
});

test('every alert fires on its cause and is silent just below it', () => {
  expect(promtool('test', 'rules', RULE_TESTS)).toMatchObject({ status: 0, output: expect.stringContaining('SUCCESS') });
});

test('every query of a panel is PromQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-panels-'));
  try {
    const boards = DASHBOARDS.flatMap((board) => toGrafana(board).panels as { targets?: { expr: string }[] }[]);
    const exprs = boards.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const rules = exprs.map((expr, i) => ({ record: `panel:query:${i}`, expr: expr.replaceAll('$__rate_interval', '1m') }));
    const file = join(folder, 'panels.json');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    expect(promtool('check', 'rules', file)).toMatchObject({ status: 0, output: expect.stringContaining(`${exprs.length} rules found`) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
