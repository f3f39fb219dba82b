import { expect, test } from 'vitest';
import { root } from '../lib/command.ts';
import { readDecision, readDecisions, renderIndex } from '../lib/decisions.ts';

const decisions = readDecisions(root);

test.each(decisions)('docs/decisions/$file says its number, its title, its state and its date', ({ file, number, title, state, date }) => {
  expect(number).toBe(file.slice(0, 4));
  expect(title).not.toBe('');
  expect(state, 'the third line is *Accepted, 2026-11-21.*').not.toBe('');
  expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
});

test('no number is given twice, and what a decision is changed by is there', () => {
  const numbers = decisions.map(({ number }) => number);
  expect(new Set(numbers).size).toBe(numbers.length);
  const later = decisions.flatMap(({ state }) => /by (\d{4})/.exec(state)?.[1] ?? []);
  expect(later.filter((number) => !numbers.includes(number))).toEqual([]);
});

test('a page that says it in another way is found', () => {
  const page = (heading: string, state: string) => readDecision('docs/decisions/0007-x.md', `${heading}\n\n${state}\n`);
  expect(page('# 0007 Title', '*Accepted, 2026-11-21.*')).toMatchObject({
    number: '0007',
    title: 'Title',
    state: 'accepted',
    date: '2026-11-21',
  });
  expect(page('# 0007 Title', '*Accepted, 2026-11-21. Changed by [0010](0010-y.md).*')).toMatchObject({ state: 'changed by 0010' });
  for (const heading of ['# 7. Title', '# 0007 — Title', '# 0007: Title'])
    expect(page(heading, '')).toMatchObject({ title: '', state: '' });
  expect(renderIndex([page('# 0007 Title', '*Accepted, 2026-11-21.*')])).toContain('| [0007](0007-x.md) | Title | accepted | 2026-11-21 |');
});
