import { expect, test } from 'vitest';
import { summaryOf, type StrykerMutant } from './stryker-report.ts';

const mutant = (status: string, column = 1, replacement = 'false'): StrykerMutant => ({
  mutatorName: 'ConditionalExpression',
  replacement,
  status,
  location: { start: { line: 2, column } },
});
const reportOf = (...mutants: StrykerMutant[]) => ({ files: { 'a.ts': { source: 'const a = 1;\n  if (a > 1) b();\n', mutants } } });

test('a mutant that no test ran lives, one whose test file does not load is dead', () => {
  const { killed, alive } = summaryOf(
    reportOf(mutant('Killed'), mutant('Timeout'), mutant('RuntimeError'), mutant('NoCoverage', 7), mutant('Survived', 3)),
  );
  expect(killed).toBe(3);
  expect(alive).toEqual([
    { name: 'a.ts: if (a > 1) b();: a > 1) b(); → false', line: 2 },
    { name: 'a.ts: if (a > 1) b();: if (a > 1) b(); → false', line: 2 },
  ]);
});

test('a mutant that was not tried is an error, not a dead one', () => {
  expect(() => summaryOf(reportOf(mutant('Pending')))).toThrow('a.ts:2: Stryker says Pending');
});
