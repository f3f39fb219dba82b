import { expect, test } from 'vitest';
import { createMetrics } from '@runnel/kit';
import type { AuditEvent } from '@runnel/protocol/audit';
import { auditMetrics } from '../metrics.ts';
import type { DeadLetters } from './dead-letters.ts';
import { createGroupWriter } from './group-writer.ts';
import { createIngest } from './ingest.ts';
import { exchange } from '../../testing/events.ts';

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

test('B3 an event that the database refuses takes nobody with it who only waited beside it', async () => {
  const isPoison = (event: AuditEvent): boolean => event.subject.startsWith('p');
  const stored: string[] = [];
  const writer = createGroupWriter(async (events) => {
    await Promise.resolve();
    if (events.some(isPoison)) throw Object.assign(new Error('invalid byte sequence'), { driverError: { code: '22021' } });
    stored.push(...ids(events));
  });
  const put: string[] = [];
  const deadLetters: DeadLetters = {
    put: async (letters) => void put.push(...letters.map(({ origin }) => origin)),
    list: async () => [],
    retry: async () => ({ stored: 0, left: 0 }),
  };
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const ingest = createIngest({ write: (events) => writer.write(events), deadLetters, metrics, group: 'g' });
  const batches = ['p1', 'c1', 'p2', 'c2', 'c3'].map((id) => exchange(id, 'q', 'a'));
  const record = (event: AuditEvent) => ({
    ...{
      topic: 't',
      key: event.subject,
      value: new TextEncoder().encode(JSON.stringify(event)),
      headers: {},
      partition: 0,
      kafkaOffset: '0',
    },
  });
  // Alone, in pairs and whole, all at the same time.
  const calls = batches.flatMap(([a, b, ...rest]) => [[a!], [b!], rest]);
  await Promise.all(calls.map((events) => ingest(events.map(record))));
  const all = batches.flat();
  expect(put.toSorted()).toEqual(ids(all.filter(isPoison)).toSorted());
  expect(stored.toSorted()).toEqual(ids(all.filter((event) => !isPoison(event))).toSorted());
});
