import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { growParts, mayGrow, pieceOf, type Grown } from './growing.ts';

/** All that was settled, in order, and the tail, from steps at these places. */
const run = (text: string, cuts: readonly number[]): { state: Grown | null; settled: string; rendered: number } => {
  let state: Grown | null = null;
  let settled = '';
  let rendered = 0;
  for (const at of [...cuts, text.length]) {
    state = growParts(state, text.slice(0, at));
    if (state === null) return { state, settled, rendered };
    if (state.anew) settled = '';
    settled += state.fresh;
    rendered += state.fresh.length + state.tail.length;
  }
  return { state, settled, rendered };
};
const items = (count: number): string => Array.from({ length: count }, (_, i) => `- item **${i}** of many\n`).join('');
const rows = (count: number): string => `| a | b |\n| --- | ---: |\n${Array.from({ length: count }, (_, i) => `| ${i} | x |\n`).join('')}`;

const item = fc.constantFrom('- a\n', '- **b** c\n  - inner\n', '- d\n  more of it\n', '- e\n\n', '1. no\n', '-', '- ');
test('whatever the steps, settled items and the tail together are the text, each once', () => {
  const texts = fc.array(item, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(texts, fc.array(fc.nat(200), { maxLength: 8 }), (text, at) => {
      const cuts = at.map((n) => n % (text.length + 1)).toSorted((a, b) => a - b);
      const { state, settled } = run(text, cuts);
      if (state === null) return;
      const whole = settled + state.tail;
      expect(text.trimStart().startsWith(whole)).toBe(true);
      // Only what may still become an item is held back.
      expect(text.trimStart().slice(whole.length)).toMatch(/^(?:[-*+]|\d{1,9}[.)]?)?$/);
    }),
  );
});

describe('the cost of one more word is that of its item', () => {
  test.each([
    ['a list', items(500)],
    ['a table', rows(500)],
  ])('%s of 500', (_name, text) => {
    const steps = Array.from({ length: text.length / 10 }, (_, i) => (i + 1) * 10);
    expect(run(text, steps).rendered).toBeLessThan(text.length * 8);
  });
});

test('a blank line between items makes all of them loose, at once and for good', () => {
  const tight = growParts(null, '- a\n- b\n');
  expect(tight).toMatchObject({ loose: false, fresh: '- a\n', tail: '- b\n' });
  const loose = growParts(tight, '- a\n- b\n\n- c');
  expect(loose).toMatchObject({ loose: true, anew: true, fresh: '- a\n- b\n\n', tail: '- c' });
  expect(pieceOf(loose!, loose!.tail)).toBe('- c\n\n- x\n');
  expect(growParts(loose, '- a\n- b\n\n- c\n- d')).toMatchObject({ loose: true, anew: false, fresh: '- c\n', tail: '- d' });
});

test('a piece of a table is a table', () => {
  const first = growParts(null, '| a |\n| - |\n| 1 |\n');
  const next = growParts(first, '| a |\n| - |\n| 1 |\n| 2 |\n| 3');
  expect(next).toMatchObject({ anew: false, fresh: '| 1 |\n| 2 |\n', tail: '| 3' });
  expect(pieceOf(next!, next!.fresh)).toBe('| a |\n| - |\n| 1 |\n| 2 |\n');
});

test.each([
  ['a paragraph', 'words'],
  ['lines that lean on an item', '- a\nlazy'],
  ['another kind of mark', '- a\n* b'],
  ['a fence in an item', '- a\n  ```\n- no item\n'],
  ['a table whose rows have no bar in front', '| a |\n| - |\n1 |'],
  ['a rule that is not whole', '| a |\n| -'],
])('%s is rendered whole', (_name, text) => {
  expect(growParts(null, text)).toBeNull();
});

test.each([
  ['- a', true],
  ['\n12) a', true],
  ['| a |\n|---|\n', true],
  ['word - a', false],
  ['-a', false],
  ['| a |', false],
])('a cheap look knows what may grow: %j', (text, may) => {
  expect(mayGrow(text)).toBe(may);
});
