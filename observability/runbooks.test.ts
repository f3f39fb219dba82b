import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CAUSES } from './alerts.ts';
import { DASHBOARDS } from './dashboards/index.ts';
import { alertsOf, buildRules } from './lib/rules.ts';
import { readSlos } from './lib/slo.ts';

const folder = join(import.meta.dirname, '../docs/runbooks');
const alerts = alertsOf(buildRules(readSlos(), CAUSES));
const pages = readdirSync(folder).filter((name) => name !== 'README.md');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const SECTIONS = ['Symptom', 'First look', 'Causes', 'Fixes', 'How it was tested'];

test('every alert links to a page that is there, and every page is of an alert', () => {
  const wanted = new Set(alerts.map(({ annotations }) => annotations.runbook_url.split('/docs/runbooks/')[1]));
  expect(pages.toSorted()).toEqual([...wanted].toSorted());
});

test.each(pages)('%s answers the five questions in order', (page) => {
  const headings = [...read(page).matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(SECTIONS);
  expect(read(page).split('\n', 1)[0]).toBe(`# ${page.replace('.md', '')}`);
});

test('a runbook that a panel names is there, and the other way round a panel that a runbook names', () => {
  const panels = DASHBOARDS.flatMap((board) => board.rows.flatMap((row) => row.panels));
  const named = panels.flatMap(({ description }) => [...description.matchAll(/runbook (\w+)/g)].map(([, name]) => `${name}.md`));
  expect(named.filter((name) => !pages.includes(name))).toEqual([]);

  const titles = new Set(
    DASHBOARDS.flatMap((board) => board.rows.flatMap((row) => row.panels.map(({ title }) => `${board.title}: ${title}`))),
  );
  const pointed = pages.flatMap((page) => [...read(page).matchAll(/\*\*([^*]+: [^*]+)\*\*/g)].map(([, title]) => title!));
  expect(pointed.filter((title) => !titles.has(title))).toEqual([]);
});

test('the overview lists every runbook', () => {
  const overview = read('README.md');
  expect(pages.filter((page) => !overview.includes(`(${page})`))).toEqual([]);
});
