import type { AuditEvent } from '@runnel/protocol/audit';
import { createMetrics } from '@runnel/kit';
import { expect, test } from 'vitest';
import { auditMetrics } from '../../src/metrics.ts';
import { tableDeadLetters } from '../../src/ingest/dead-letters.ts';
import { createIngest } from '../../src/ingest/ingest.ts';
import type { AuditTables } from '../../src/audit-database.ts';
import { asBefore, dumpOf, tracesOf } from '../../testing/dump.ts';
import { exchange, story, T0 } from '../../testing/events.ts';
import { verify } from '../../src/read/verify.ts';

/** With what JSON, SQL, patterns and Unicode make of an id. */
const ANN = `ann.o'neil+"chat"%_\\é@example.org`;
const BOB = 'bob@example.org';
const ROOT = 'root@example.org';

const erasedBy = (deletedBy: string) => ({ deletedBy, erased: true });

/** After an erasure nothing names the person, and the trail still holds. */
export const erasingContract = (open: () => Promise<AuditTables>): void => {
  const tracesIn = async (tables: AuditTables, id = ANN): Promise<string[]> => tracesOf(id, await dumpOf(tables.database));
  const problems = async (tables: AuditTables): Promise<string[]> => (await verify(tables.database)).problems;
  /** Puts aside what cannot be stored, as the service does. */
  const ingest = (tables: AuditTables, events: readonly AuditEvent[]): Promise<void> =>
    createIngest({
      write: (batch) => tables.writer.write(batch),
      deadLetters: tableDeadLetters(tables.database),
      metrics: auditMetrics(createMetrics('audit', { processMetrics: false })),
      group: 'test',
    })(
      events.map((event) => ({
        ...{ topic: 't', key: event.subject, value: Buffer.from(JSON.stringify(event)), headers: {}, partition: 0, kafkaOffset: event.id },
      })),
    );
  const ann = (conversationId: string, at = T0, logId = `log-${conversationId}`) => story(conversationId, { userId: ANN, at, logId });

  test('S-17 an erasure leaves no id of the person in any table, whatever they did, and verify says whole before and after', async () => {
    const tables = await open();
    const one = ann('c1');
    const asked = [one.started('Chào'), one.said('m1', 'hỏi'), one.began('r1', 'm1'), one.ended('r1', 'm1', 'đáp')];
    const cancelled = one.ended('r2', 'm1', 'n', 'cancelled');
    await tables.store.write([
      ...asked,
      { ...cancelled, data: { ...cancelled.data, cancelledBy: ANN } } as AuditEvent,
      ...exchange('c2', 'q', 'a', BOB),
    ]);
    await tables.recordAdminAct({ type: 'ADMIN_READ', admin: ROOT, target: ANN, query: JSON.stringify({ user: ANN }) });
    await tables.recordAdminAct({ type: 'USER_ERASED', admin: ROOT, target: ANN });
    const of = async (userId: string) => (await tables.trail.page({ userId, limit: 99 })).events;
    expect((await of(ANN)).map(({ userId }) => userId)).toEqual(Array(5).fill(ANN));
    expect((await of(ROOT)).map(({ data }) => JSON.parse(data).target as string)).toEqual([ANN, ANN]);
    expect(await problems(tables)).toEqual([]);
    // Something of theirs lives: their last deletion does it.
    expect(await tables.forget(ANN)).toBe(false);
    expect(await tracesIn(tables)).not.toEqual([]);
    await tables.store.write([one.make('SESSION_DELETED', erasedBy(ROOT))]);
    expect(await tracesIn(tables)).toEqual([]);
    expect(await problems(tables)).toEqual([]);
    expect(await of(ANN)).toEqual([]);
    expect((await of(ROOT)).map(({ data }) => JSON.parse(data).target as string)).toEqual(Array(2).fill(expect.stringMatching(/^~/)));
    // Who did it and what others did stays, and what was done is one person's still.
    const trail = (await tables.trail.page({ conversationId: 'c1', limit: 99 })).events;
    expect(new Set(trail.map(({ userId }) => userId)).size).toBe(1);
    expect(JSON.parse(trail.at(-1)!.data)).toMatchObject({ deletedBy: ROOT });
    expect((await of(BOB)).length).toBe(4);
  });

  test('S-17 erased twice, and by nobody’s name: nothing comes back, and nothing new is said', async () => {
    const tables = await open();
    const one = ann('c1');
    await tables.store.write([one.started(), one.make('SESSION_DELETED', erasedBy(ROOT))]);
    const count = async () => (await tables.trail.page({ limit: 99 })).events.length;
    const before = await count();
    for (const name of [ANN, ANN, 'nobody']) expect(await tables.forget(name)).toBe(true);
    expect(await count()).toBe(before);
    for (const name of [ANN, 'nobody'])
      await tables.recordAdminAct({ type: 'ADMIN_READ', admin: ROOT, target: name, query: JSON.stringify({ user: name }) });
    expect([await tracesIn(tables), await tracesIn(tables, 'nobody')]).toEqual([[], []]);
    expect(await problems(tables)).toEqual([]);
  });

  test('S-17 who comes again under an erased id is a new person; late events of the old one are not theirs', async () => {
    const tables = await open();
    const [one, late] = [ann('c1'), ann('c2', T0 + 10)];
    const early = late.started();
    await tables.store.write([one.started(), one.said('m1', 'hỏi'), one.make('SESSION_DELETED', erasedBy(ROOT))]);
    // A shard that stood still: began before the erasure, and unknown here.
    const after = ann('c3', T0 + 60_000);
    await tables.store.write([after.started(), after.said('m1', 'lại đây')]);
    await tables.store.write([{ ...early, time: new Date(T0 + 1).toISOString() }, one.ended('r1', 'm1', 'x', 'cancelled')]);
    expect((await tables.trail.page({ userId: ANN, limit: 9 })).events.map((e) => e.conversationId)).toEqual(['c3', 'c3']);
    expect((await tables.reader.conversations({ userId: ANN, limit: 9 })).conversations.map((c) => c.conversationId)).toEqual(['c3']);
    // Its deletion comes, too, and is not that of the new person's.
    await tables.store.write([late.make('SESSION_DELETED', erasedBy(ROOT))]);
    expect((await tables.reader.history({ conversationId: 'c3', userId: ANN, limit: 9 })).kind).toBe('page');
    expect(await problems(tables)).toEqual([]);
    await tables.store.write([after.make('SESSION_DELETED', erasedBy(ROOT))]);
    expect(await tracesIn(tables)).toEqual([]);
    expect(await problems(tables)).toEqual([]);
    const names = ((await tables.database.query('SELECT pseudonym FROM audit_person')) as unknown[]).length;
    expect(names).toBe(3);
  });

  test('S-17 events that still sit in the outbox or in Kafka bring no id back, in any order, also as dead letters', async () => {
    const tables = await open();
    const [one, two] = [ann('c1'), ann('c2', T0 + 100)];
    const all = [one.started(), one.said('m1', 'hỏi'), one.ended('r1', 'm1', 'đáp'), one.make('SESSION_DELETED', erasedBy(ROOT))];
    const others = [two.started(), two.said('m1', 'hỏi'), two.make('SESSION_DELETED', erasedBy(ROOT)), two.ended('r1', 'm1', 'đáp')];
    const bobs = exchange('c9', 'q', 'a', BOB);
    const foreign = story('c9', { userId: ANN, logId: 'foreign', at: T0 + 1 });
    await ingest(tables, [...bobs, foreign.said('x', 'not mine'), ...all.slice(0, 2)]);
    expect((await tableDeadLetters(tables.database).list()).length).toBe(1);
    await ingest(tables, all.slice(3));
    expect(await tracesIn(tables)).toEqual([]);
    // The other topic, a slower shard, and a letter of before.
    for (const event of [all[2]!, ...others, { ...foreign.said('y', 'nor this'), time: new Date(T0 + 2).toISOString() }, ...all])
      await ingest(tables, [event]);
    expect(await tracesIn(tables)).toEqual([]);
    expect(await problems(tables)).toEqual([]);
    // Also when what recognised them is gone.
    await tables.forgetDigests(Date.now());
    await ingest(tables, [...all, ...others]);
    expect(await tracesIn(tables)).toEqual([]);
    expect(await problems(tables)).toEqual([]);
  });

  test('S-17 rows of 0.1.0 lose the id, their links stay, and the trail says what became of them', async () => {
    const tables = await open();
    const one = ann('c1');
    await tables.store.write([one.started(), one.said('m1', 'hỏi'), one.ended('r1', 'm1', 'đáp'), ...exchange('c2', 'q', 'a', BOB)]);
    await tables.recordAdminAct({ type: 'ADMIN_READ', admin: ROOT, target: ANN });
    for (const log of ['log-c1', 'log-c2', '$admin']) await asBefore(tables.database, log);
    await tables.database.query('DELETE FROM audit_person');
    expect(await problems(tables)).toEqual([]);
    expect((await tables.trail.page({ userId: ANN, limit: 9 })).events).toHaveLength(3);
    const links = async () =>
      (await tables.database.query(`SELECT hash FROM audit_chain WHERE log_id = 'log-c1' ORDER BY sequence`)) as unknown[];
    const before = await links();
    await tables.store.write([one.make('SESSION_DELETED', erasedBy(ROOT))]);
    expect(await tracesIn(tables)).toEqual([]);
    expect((await links()).slice(0, 3)).toEqual(before);
    expect(await problems(tables)).toEqual([]);
    // The admin of then is erased as well: one of the rows changes again.
    expect(await tables.forget(ROOT)).toBe(true);
    expect(await tracesIn(tables, ROOT)).toEqual([]);
    expect(await problems(tables)).toEqual([]);
    await tables.database.query(
      `UPDATE audit_log SET data = replace(data, 'complete', 'completf') WHERE log_id = 'log-c1' AND sequence = 3`,
    );
    expect(await problems(tables)).toContain('log log-c1: event 3 was changed');
  });

  test('S-17 the id of an erased person’s conversation is anybody’s, whoever’s event comes first', async () => {
    for (const order of [1, -1]) {
      const tables = await open();
      const one = ann('c1');
      await tables.store.write([one.started(), one.said('m1', 'hỏi'), one.make('SESSION_DELETED', erasedBy(ROOT))]);
      expect(await tables.reader.history({ conversationId: 'c1', userId: BOB, limit: 9 })).toEqual({ kind: 'none' });
      const next = story('c1', { userId: BOB, logId: 'next', at: T0 + 60_000 });
      const events = [next.started(), next.said('m1', 'của Bob'), next.ended('r1', 'm1', 'đáp')];
      for (const event of order === 1 ? events : events.toReversed()) await ingest(tables, [event]);
      // What Ann said last, late.
      await ingest(tables, [one.ended('r9', 'm1', 'x', 'cancelled')]);
      expect(await tables.reader.history({ conversationId: 'c1', userId: BOB, limit: 9 })).toMatchObject({ messages: [{}, {}] });
      expect((await tables.reader.history({ conversationId: 'c1', userId: ANN, limit: 9 })).kind).toBe('forbidden');
      expect(await tracesIn(tables)).toEqual([]);
      expect(await problems(tables)).toEqual([]);
    }
  });

  test('S-17 an admin who erased others is erased', async () => {
    const tables = await open();
    const [one, own] = [ann('c1'), story('c2', { userId: ROOT, at: T0 + 50 })];
    await tables.store.write([one.started(), own.started(), own.said('m1', 'tôi')]);
    await tables.recordAdminAct({ type: 'USER_ERASED', admin: ROOT, target: ANN });
    await tables.store.write([one.make('SESSION_DELETED', erasedBy(ROOT)), own.make('SESSION_DELETED', erasedBy(BOB))]);
    expect([await tracesIn(tables), await tracesIn(tables, ROOT)]).toEqual([[], []]);
    expect(await problems(tables)).toEqual([]);
  });
};
