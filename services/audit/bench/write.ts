import { randomUUID } from 'node:crypto';
import { createKafkaBus, type EventBus, type EventRecord } from '@runnel/events';
import { createMetrics, delay, silentLog } from '@runnel/kit';
import { type AuditEvent, CHAT_TOPIC, DEAD_LETTER_TOPIC, STREAM_TOPIC, topicOf } from '@runnel/protocol/audit';
import { auditMetrics } from '../src/metrics.ts';
import { dialectOf, Sql } from '../src/database/sql.ts';
import { AUDIT } from '../src/database/tables.ts';
import { writeBoth } from '../src/relay/direct.ts';
import { createIngest } from '../src/ingest/ingest.ts';
import { auditRow } from '../src/store/rows.ts';
import { openTables, type AuditTables } from '../src/audit-database.ts';
import { exchange } from '../testing/events.ts';
import { percentile, timed, type Figure } from './figures.ts';
import { nodeUs, postgresUs } from './processor.ts';

export const TOPICS = [CHAT_TOPIC, STREAM_TOPIC];
export const SETTINGS = { partitions: 3, retentionMs: 86_400_000 };
const BATCH = 1_000;
const nobody = { put: async () => {}, list: async () => [], retry: async () => ({ stored: 0, left: 0 }) };

const ANSWER = 'A river bends because a straight line is unstable, and the smallest bump sets it off. '.repeat(3);
export const makeEvents = (count: number): AuditEvent[] =>
  Array.from({ length: count / 4 }, () => exchange(randomUUID(), 'Why does a river never run straight?', ANSWER, 'ann', Date.now())).flat();

const encoder = new TextEncoder();
export const toRecord = (event: AuditEvent): EventRecord => ({
  ...{ topic: topicOf(event.type), key: event.subject, value: encoder.encode(JSON.stringify(event)) },
});
const publishAll = async (bus: EventBus, events: readonly AuditEvent[]): Promise<void> => {
  for (let i = 0; i < events.length; i += BATCH) await bus.publish(events.slice(i, i + BATCH).map(toRecord));
};

/** The same rows of the trail into a table without any key or index: what the database takes at best. */
const plainInsert = async ({ database }: AuditTables, events: readonly AuditEvent[]): Promise<number> => {
  await database.query('CREATE TABLE plain (LIKE audit_log)');
  const sql = new Sql(dialectOf(database), database);
  const rows = events.map((event) => auditRow(event)!);
  return timed(async () => {
    for (let i = 0; i < rows.length; i += BATCH) await sql.insert('plain', AUDIT, rows.slice(i, i + BATCH), 'DO NOTHING');
  });
};

const ingestOf = (tables: AuditTables, write: (events: readonly AuditEvent[]) => Promise<unknown>, group: string) =>
  createIngest({ write, deadLetters: nobody, metrics: auditMetrics(createMetrics('audit', { processMetrics: false })), group });

export const measureWriting = async (
  brokers: readonly string[],
  database: () => Promise<string>,
  { events: count, rounds }: { events: number; rounds: number },
): Promise<Figure[]> => {
  const bus = createKafkaBus({ brokers, clientId: 'bench', log: silentLog });
  await bus.ensureTopics([...TOPICS, DEAD_LETTER_TOPIC], SETTINGS);
  const figures = new Map<string, Figure>();
  const note = (name: string, value: number, unit: string): void => {
    const figure = figures.get(name) ?? { name, values: [], unit };
    figures.set(name, figure);
    figure.values.push(value);
  };
  try {
    let published = 0;
    for (let round = 0; round < rounds; round++) {
      const events = makeEvents(count);
      const tables = await openTables(await database());
      const plain = count / (await plainInsert(tables, events));
      note('plain batch insert of the same rows', plain, 'events/s');
      // Two batches at a time, as two partitions bring them.
      const direct = await timed(async () => {
        for (let i = 0; i < events.length; i += 2 * BATCH)
          await Promise.all([tables.writer.write(events.slice(i, i + BATCH)), tables.writer.write(events.slice(i + BATCH, i + 2 * BATCH))]);
      });
      note('trail and messages, without Kafka', count / direct, 'events/s');
      note('Kafka, published (acks=all)', count / (await timed(() => publishAll(bus, events))), 'events/s');
      published += count;
      const fresh = await openTables(await database());
      const handle = ingestOf(fresh, (batch) => fresh.writer.write(batch), 'audit-trail');
      const [node, postgres] = [nodeUs(), postgresUs()];
      const consumed = published / (await timed(() => bus.readToEnd({ topics: TOPICS, handle })));
      note('the consumer: processor time in Node', (nodeUs() - node) / published, 'µs/event');
      note('the consumer: processor time in PostgreSQL', (postgresUs() - postgres) / published, 'µs/event');
      note('Kafka → trail and messages (the consumer)', consumed, 'events/s');
      note('the consumer, as part of the plain insert', (100 * consumed) / plain, '%');
      const rebuilt = await openTables(await database());
      const both = ingestOf(rebuilt, writeBoth(rebuilt), 'rebuild');
      note(
        'rebuild: Kafka → trail, messages, statistics',
        published / (await timed(() => bus.readToEnd({ topics: TOPICS, handle: both }))),
        'events/s',
      );
      for (const each of [tables, fresh, rebuilt]) await each.close();
    }
    const seen = await measureVisible(bus, await database(), 10);
    for (const p of [50, 99]) note(`published → stored at 1,000 events/s, p${p}`, percentile(seen, p), 'ms');
    return [...figures.values()];
  } finally {
    await bus.close();
  }
};

/** For so many seconds 1,000 events a second; milliseconds from `publish` being called to its row being committed. */
const measureVisible = async (bus: EventBus, url: string, seconds: number): Promise<number[]> => {
  const tables = await openTables(url);
  const began = new Map<string, number>();
  const took: number[] = [];
  const store = ingestOf(tables, (batch) => tables.writer.write(batch), 'visible');
  const consumption = await bus.consume({
    ...{ group: `bench-${randomUUID()}`, topics: TOPICS, fromBeginning: false, onError: () => {}, onFatal: () => {} },
    async handle(records) {
      await store(records);
      const now = performance.now();
      for (const { value } of records) {
        const from = began.get((JSON.parse(Buffer.from(value ?? []).toString()) as AuditEvent).id);
        if (from !== undefined) took.push(now - from);
      }
    },
  });
  // The first batches of a group that joins would be measured as its joining.
  await delay(5_000);
  const TICK_MS = 20;
  for (let tick = 0, from = performance.now(); tick < (seconds * 1_000) / TICK_MS; tick++) {
    const events = makeEvents(TICK_MS);
    for (const { id } of events) began.set(id, performance.now());
    void bus.publish(events.map(toRecord));
    await delay(Math.max(0, from + (tick + 1) * TICK_MS - performance.now()));
  }
  for (let i = 0; took.length < began.size && i < 100; i++) await delay(100);
  await consumption.stop();
  await tables.close();
  return took;
};
