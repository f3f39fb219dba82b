import { expect, test } from 'vitest';
import { CHAIN_START, extend, fillsHole, isStored, newHead } from './chain.ts';
import type { AuditRow } from '../database/tables.ts';

const row = (sequence: number): AuditRow => ({
  ...{ eventId: `l:a${sequence}`, time: sequence, conversationId: 'c', logId: 'l', sequence },
  ...{ type: 'CHAT_MESSAGE', userId: 'ann', runId: null, data: '{}' },
});

test('P-9 a log’s head tells what is stored; only between its end and the highest event seen must the trail be asked', () => {
  const head = { ...newHead(row(1)), sequence: 3, seen: 6 };
  expect([1, 3, 4, 6, 7].map((sequence) => isStored(head, row(sequence)))).toEqual([true, true, 'ask', 'ask', false]);
  expect(isStored(newHead(row(1)), row(1))).toBe(false);
  expect([fillsHole(head, [row(7)]), fillsHole(head, [row(5), row(4)]), fillsHole({ ...head, seen: 3 }, [row(4)])]).toEqual([
    false,
    true,
    false,
  ]);
});

test('a chain goes on up to the first hole, and remembers what it saw behind it', () => {
  const first = extend(newHead(row(1)), [row(1), row(2), row(4)]);
  expect(first.links.map((link) => link.sequence)).toEqual([1, 2]);
  expect(first.head).toMatchObject({ sequence: 2, seen: 4, hash: first.links[1]!.hash });
  const second = extend(first.head, [row(3), row(4)]);
  expect(second.head).toMatchObject({ sequence: 4, seen: 4 });
  const whole = extend(newHead(row(1)), [row(1), row(2), row(3), row(4)]);
  expect([...first.links, ...second.links]).toEqual(whole.links);
  expect(extend(newHead(row(2)), [row(2)])).toEqual({ head: { ...newHead(row(2)), hash: CHAIN_START, seen: 2 }, links: [] });
});
