import { expect, test } from 'vitest';
import { checkIds, pathTo, runOfMessages } from './messages.ts';
import type { StoredMessage } from './run-log/run-log.ts';

const message = (messageId: string, parentId: string | null, role: StoredMessage['role'] = 'user'): StoredMessage => ({
  messageId,
  parentId,
  role,
  text: messageId,
  status: 'complete',
  createdAt: 0,
});
const idsOf = (messages: readonly StoredMessage[]): string[] => messages.map((one) => one.messageId);

test('the path to a message leaves other branches out, and begins where the store does', () => {
  const messages = [
    message('a', null),
    message('b', 'a', 'assistant'),
    message('c', 'b'),
    message('other', 'a', 'assistant'),
    message('late', 'gone'),
  ];
  expect(idsOf(pathTo(messages, 'c'))).toEqual(['a', 'b', 'c']);
  expect(idsOf(pathTo(messages, 'other'))).toEqual(['a', 'other']);
  expect(idsOf(pathTo(messages, 'late'))).toEqual(['late']);
  expect(pathTo(messages, null)).toEqual([]);
  expect(pathTo(messages, 'nobody')).toEqual([]);
});

test('a damaged history with a circle ends', () => {
  expect(pathTo([message('a', 'b'), message('b', 'a')], 'a')).toHaveLength(2);
});

test('a prompt belongs to the answer after it, the last one to the run', () => {
  const path = [message('p1', null), message('r1', 'p1', 'assistant'), message('p2', 'r1'), message('p3', 'p2')];
  const runs = runOfMessages(path, { runId: 'r3', parentId: 'p3' }).map(({ madeRun }) => madeRun);
  expect(runs).toEqual(['r1', 'r1', 'p2', 'r3']);
});

test('ids are checked at this border', () => {
  expect(() => checkIds('ok', null, undefined)).not.toThrow();
  for (const bad of ['', 'a b', '{1}', 'a:b', 'a"']) expect(() => checkIds(bad)).toThrow(expect.objectContaining({ code: 'bad-frame' }));
});
