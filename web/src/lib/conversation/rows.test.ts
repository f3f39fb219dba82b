import { expect, test } from 'vitest';
import type { Entry } from './entries.ts';
import { guessHeight, messageRows } from './rows.ts';

const steps = Array.from({ length: 100 }, (_, i) => ({
  node: { messageId: `m${i}`, role: i % 2 ? 'assistant' : 'user', text: `text ${i}` } as Entry,
  siblings: [`m${i}`],
  index: 0,
}));

test('what is awake is a row of its own, the rest is together, twenty at most; all are there, in order', () => {
  const rows = messageRows(steps, (id, fromEnd) => fromEnd <= 8 || id === 'm30', new Map());
  expect(rows.map((row) => (row.kind === 'awake' ? 1 : row.ids.length))).toEqual([
    20,
    10,
    1,
    20,
    20,
    20,
    1,
    ...Array.from({ length: 8 }, () => 1),
  ]);
  const ids = rows.flatMap((row) => (row.kind === 'awake' ? [row.step.node.messageId] : row.ids));
  expect(ids).toEqual(steps.map(({ node }) => node.messageId));
});

test('a row is as tall as its messages were, or are thought to be', () => {
  const [row] = messageRows(steps.slice(0, 3), () => false, new Map([['m0', 500]]));
  expect(row).toMatchObject({
    kind: 'resting',
    height: 500 + guessHeight('text 1') + guessHeight('text 2'),
    roles: ['user', 'assistant', 'user'],
  });
});

test('a longer text is taller, line by line', () => {
  expect(guessHeight('a\nb')).toBeGreaterThan(guessHeight('a'));
  expect(guessHeight('x'.repeat(300))).toBe(guessHeight('a\n'.repeat(4)));
});
