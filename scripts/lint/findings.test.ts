import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCENARIOS } from '../../e2e/scenarios/index.ts';
import { root } from '../lib/command.ts';

const read = (document: string): string => readFileSync(join(root, 'docs', document), 'utf8');
/** Cells of the rows of a table, without its head, from the heading on. */
const tableUnder = (document: string, heading: string): string[][] => {
  const lines = read(document).split('\n');
  const from = lines.indexOf(heading);
  const head = lines.findIndex((line, index) => index > from && /^\| -/.test(line));
  const end = lines.findIndex((line, index) => index > head && !line.startsWith('| '));
  return lines.slice(head + 1, end).map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));
};

const tests = globSync('{packages,services,web,e2e,scripts,helm,observability,k8s,loadtest,nginx-ingress}/**/*.ts', {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path),
}).filter((path) => /\.test\.ts$|\.contract\.ts$|\/contract\/[\w-]+\.ts$|^e2e\/releases\//.test(path));
const scenarios = SCENARIOS.map(({ name }) => name);
/** A file of tests by its name or the end of its path, a folder of them, or a scenario, perhaps only how its name begins (`trust-…`). */
const isThere = (name: string): boolean =>
  name.endsWith('…')
    ? scenarios.some((scenario) => scenario.startsWith(name.slice(0, -1)))
    : scenarios.includes(name) || tests.some((path) => path.endsWith(`/${name}`) || path.startsWith(`${name}/`));
const namesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
/** Names of tests: with an ending, or of several words joined; what else stands in the cells is settings and commands. */
const claimed = (cell: string): string[] =>
  namesIn(cell).filter((name) => /^[\w./-]+(\.ts|…)$|^[a-z0-9]+(-[a-z0-9]+)+$|^e2e\/\w+$/.test(name));

const CLASSES = new Set(
  [
    ...['ownership', 'input', 'budgets', 'inner doors', 'tokens', 'the trail', 'the page', 'supply'],
    ...['queues', 'time', 'the end', 'a store that went back', 'a store that forgot'],
  ].values(),
);
const FINDINGS = [
  ['security.md', '## Findings', 'S-', 24],
  ['faults.md', '# Faults', 'B', 20],
] as const;

describe.each(FINDINGS)('%s', (document, heading, prefix, count) => {
  const rows = tableUnder(document, heading);

  test('has a row for each finding, in order', () => {
    const ids = rows.map(([id]) => id!).filter((id) => id.startsWith(prefix));
    expect(ids).toEqual(Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`));
  });

  test.each(rows)('%s names its class, how it was mended, and tests that are there', (...cells) => {
    const [, seen, kind, mended, held] = cells;
    expect(cells).toHaveLength(5);
    for (const cell of [seen, mended]) expect(cell!.length).toBeGreaterThan(5);
    expect(CLASSES).toContain(kind);
    expect(claimed(held!).length).toBeGreaterThan(0);
    expect(claimed(held!).filter((name) => !isThere(name))).toEqual([]);
  });
});

describe('threat-model.md', () => {
  test.each(tableUnder('threat-model.md', '## Doors, defences, tests'))(
    '%s has a threat, a defence and a test that is there',
    (...cells) => {
      expect(cells).toHaveLength(4);
      expect(claimed(cells[3]!).length).toBeGreaterThan(0);
      expect(claimed(cells[3]!).filter((name) => !isThere(name))).toEqual([]);
    },
  );
});

test.each([
  ['security.md', '### The second reader', 3],
  ['security.md', '### What nobody had named', 3],
  ['faults.md', '## Queues', 3],
] as const)('%s: what stands below "%s" names tests that are there', (document, heading, column) => {
  const cells = tableUnder(document, heading).map((row) => row[column]!);
  expect(cells.length).toBeGreaterThan(5);
  expect(cells.flatMap(claimed).filter((name) => !isThere(name))).toEqual([]);
});

test('every chapter of ASVS is answered', () => {
  const rows = tableUnder('security.md', '## OWASP ASVS 4.0.3, level 2');
  expect(rows.map(([chapter]) => chapter!.split(' ')[0])).toEqual(Array.from({ length: 14 }, (_, index) => `V${index + 1}`));
  for (const [chapter, state, why] of rows) {
    expect([chapter, /met|partly|delegated/.test(state!)]).toEqual([chapter, true]);
    expect(why!.length).toBeGreaterThan(20);
  }
});

test('a test that is not there, and a scenario that is not, are found', () => {
  expect(isThere(basename(import.meta.filename))).toBe(true);
  expect(['no-such.test.ts', 'contract/no-such.ts', 'no-such-scenario', 'nothing-…'].filter(isThere)).toEqual([]);
  expect(claimed('`no-such.test.ts` (`MAX_X` of 3), `trust-attack-…`, `contract/a.ts`; `npm test`')).toEqual([
    'no-such.test.ts',
    'trust-attack-…',
    'contract/a.ts',
  ]);
});
