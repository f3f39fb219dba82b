import { expect, test } from 'vitest';
import type { AuditEvent } from '@runnel/protocol/audit';

import { createGroupWriter } from './group-writer.ts';
import { exchange } from './testing/events.ts';

const ids = (events: readonly AuditEvent[]): string[] => events.map(({ id }) => id);

test('P-9 lanes write at the same time, each one transaction after the other, and a conversation keeps its order', async () => {
  const gates: (() => void)[] = [];
  const written: string[][] = [];
  const writer = createGroupWriter(
    async (events) => {
      written.push(ids(events));
      await new Promise<void>((resolve) => gates.push(resolve));
    },
    (conversationId) => Number(conversationId.slice(1)) % 2,
  );
  const [a, b] = [exchange('c1', 'q', 'a'), exchange('c2', 'q', 'a')];
  const first = writer.write([a[0]!, b[0]!, a[1]!]);
  const second = writer.write([a[2]!, b[1]!]);
  const third = writer.write([a[3]!]);
  expect(written).toEqual([ids([a[0]!, a[1]!]), ids([b[0]!])]);
  while (gates.length > 0) {
    for (const open of gates.splice(0)) open();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all([first, second, third]);
  expect(written.slice(2).toSorted()).toEqual([ids([a[2]!, a[3]!]), ids([b[1]!])].toSorted());
});

test('P-9 a lane that fails rejects its callers, and the next try is written', async () => {
  let fails = true;
  const writer = createGroupWriter(async () => {
    if (fails) throw new Error('down');
  });
  await expect(writer.write(exchange('c1', 'q', 'a'))).rejects.toThrow('down');
  fails = false;
  await writer.write(exchange('c1', 'q', 'a'));
  await writer.write([]);
});
