import { expect, test } from 'vitest';
import { judge } from './judge.ts';

const judged = (alive: string[], reasons: Record<string, string>, stale: string[] = []) => {
  const lines: string[] = [];
  const code = judge({ tried: 3, alive, reasons, isStale: (name) => stale.includes(name) }, (line) => lines.push(line));
  return { code, lines };
};

test('who lives with a reason passes', () => {
  expect(judged(['a'], { a: 'the same' })).toEqual({
    code: 0,
    lines: ['3 mutants: 2 killed, 1 alive, 1 of them with a reason', '3 passed, 0 failed'],
  });
});

test('who lives without one is named and fails', () => {
  const { code, lines } = judged(['a', 'b'], { a: 'the same' });
  expect([code, lines[0], lines.at(-1)]).toEqual([1, 'no reason  b', '2 passed, 1 failed']);
});

test('a reason for a mutant that there is no longer fails', () => {
  const { code, lines } = judged([], { old: 'the same' }, ['old']);
  expect([code, lines[0], lines.at(-1)]).toEqual([1, 'no mutant  old', '3 passed, 1 failed']);
});
