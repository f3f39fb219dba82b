import { expect, test } from 'vitest';
import { changedElsewhere, missingNow, seenAfter, type Seen } from './list-marks.ts';

const list = (items: Record<string, number>) => Object.entries(items).map(([conversationId, updatedAt]) => ({ conversationId, updatedAt }));

test('what changed since it was last read, and what is new, was changed elsewhere; the open one and what this page did were not', () => {
  const seen: Seen = seenAfter(new Map(), list({ a: 1, b: 1, c: 1 }));
  expect(changedElsewhere(seen, list({ a: 1, b: 2, d: 2 }), null)).toEqual(['b', 'd']);
  expect(changedElsewhere(seen, list({ b: 2, c: 2 }), 'b')).toEqual(['c']);
  const own: Seen = new Map([...seen, ['b', null]]);
  expect(changedElsewhere(own, list({ b: 2 }), null)).toEqual([]);
  expect(changedElsewhere(seenAfter(own, list({ b: 2 })), list({ b: 3 }), null)).toEqual(['b']);
});

test('what the server had and has not is missing; what only this page knows of, or a later page of the list has, is not', () => {
  const seen: Seen = new Map([...seenAfter(new Map(), list({ a: 5, b: 4, c: 1 })), ['own', null]]);
  expect(missingNow(seen, list({ a: 5 }), false)).toEqual(['b', 'c']);
  expect(missingNow(seen, list({ a: 5, d: 2 }), true)).toEqual(['b']);
  expect(missingNow(seen, [], true)).toEqual([]);
});
