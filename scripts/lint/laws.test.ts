import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCENARIOS } from '../../e2e/scenarios/index.ts';
import { root } from '../lib/command.ts';

interface Row {
  id: string;
  enforcedBy: string;
}

const rows: Row[] = [...readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| ([LP]-\d+) \|.*\| ([^|]*) \|$/gm)].map(
  ([, id, enforcedBy]) => ({ id: id!, enforcedBy: enforcedBy! }),
);

/** Whether a test of the file begins its name with the id, alone or among others; a load test names it where its thresholds are. */
const namesTest = (file: string, id: string): boolean => {
  if (!existsSync(join(root, file))) return false;
  const source = readFileSync(join(root, file), 'utf8');
  if (file.startsWith('loadtest/')) return new RegExp(`\\b${id}\\b`).test(source);
  return new RegExp(`(?:test|describe)\\b[\\s\\S]{0,400}?['"\`](?:[A-Z]+-?\\d+ )*${id} `).test(source);
};

const isPromisedBy = (scenario: string, id: string): boolean =>
  SCENARIOS.some(({ name, promise }) => name === scenario && promise.split(/[ ,]+/).includes(id));

/** What a row names that does not check its law or promise. */
const idle = ({ id, enforcedBy }: Row): string[] => {
  const named = [...enforcedBy.matchAll(/`([^` ]+)`/g)].map(([, name]) => name!).filter((name) => name !== 'bench');
  const wrong = named.filter((name) => !(name.includes('/') ? namesTest(name, id) : isPromisedBy(name, id)));
  return named.length === 0 ? [`${id} names no test`] : wrong;
};

test('every law and every promise has its row', () => {
  const ids = (letter: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${letter}-${index + 1}`);
  expect(rows.map(({ id }) => id)).toEqual([...ids('L', 6), ...ids('P', 10)]);
});

test.each(rows)('$id is checked by the tests and scenarios that its row names', (row) => {
  expect(idle(row)).toEqual([]);
});

test('a row that names no test, a file without one, or another promise’s scenario is found', () => {
  expect(idle({ id: 'L-1', enforcedBy: 'careful people' })).toEqual(['L-1 names no test']);
  for (const name of ['services/gateway/src/follow/hub.ts', 'services/gateway/src/nothing.test.ts', 'drain-ai', 'no-such-scenario'])
    expect(idle({ id: 'L-1', enforcedBy: `\`${name}\`` })).toEqual([name]);
});
