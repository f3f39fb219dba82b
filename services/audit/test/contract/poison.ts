import { createMetrics } from '@runnel/kit';
import { expect, test } from 'vitest';
import { topicOf } from '@runnel/protocol/audit';
import { auditMetrics } from '../../src/metrics.ts';
import { tableDeadLetters, type DeadLetter } from '../../src/ingest/dead-letters.ts';
import { createDirect } from '../../src/relay/direct.ts';
import type { AuditTables } from '../../src/audit-database.ts';
import { exchange, story, T0 } from '../../testing/events.ts';

/** What becomes of events that a database cannot store, and of those beside them. */
export const poisonContract = (name: string, open: () => Promise<AuditTables>): void => {
  test('B3 an event that the database refuses, or that has another shape, is put aside; those beside it are stored', async () => {
    const tables = await open();
    const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
    const { deliver, deadLetters } = createDirect(tables, metrics);
    const odd = story('c0');
    // PostgreSQL has no U+0000 in a text; SQLite takes it.
    const refused = name === 'PostgreSQL' ? [odd.ended('r\0', 'm1', 'x')] : [];
    const shapeless = [
      ...[null, 7, [], {}, { messageId: 'm', text: 'x', role: 'user', status: 'complete', parentId: {}, createdAt: 1 }],
      { messageId: 'm', text: 'x', role: 'user', status: 'complete', parentId: null, createdAt: 1.5 },
    ].flatMap((message) => [odd.odd('CHAT_MESSAGE', { message }), odd.odd('RECOVERY_ATTEMPT', { kind: 'restore', messages: [message] })]);
    const end = odd.ended('r2', 'm1', 'x');
    // Numbers that no column takes, and a field that its writer calls by another name: the reason says which.
    const misread = [
      ...[{ startedAt: -1e300 }, { endedAt: 1e300 }, { epoch: 1.5 }, { usage: { promptTokens: 1e99, completionTokens: 0 } }],
      ...[{ usage: { inputTokens: 3, outputTokens: 7 } }, { runId: undefined }, { userId: '' }, { reason: 'done' }],
    ].map((wrong) => odd.odd('STREAM_COMPLETED', { ...end.data, ...wrong }));
    const good = Array.from({ length: 5 }, (_, i) => exchange(`g${i}`, 'hỏi', 'đáp', 'ann', T0 + i)).flat();
    const records = [...refused, ...shapeless, ...misread, ...good].map((event) => ({
      ...{ topic: topicOf(event.type), key: event.subject, value: new TextEncoder().encode(JSON.stringify(event)) },
      headers: { ce_id: event.id },
    }));
    expect((await deliver(records)).every(({ outcome }) => outcome === 'stored')).toBe(true);
    const aside = refused.length + shapeless.length + misread.length;
    const letters = await deadLetters.list();
    expect(letters).toHaveLength(aside);
    for (const field of ['startedAt', 'endedAt', 'epoch', 'usage/promptTokens', 'promptTokens', 'runId', 'userId', 'reason'])
      expect(letters.map(({ reason }) => reason).join('\n')).toMatch(new RegExp(`^data.*${field}`, 'm'));
    expect((await tables.trail.page({ userId: 'ann', limit: 99 })).events).toHaveLength(good.length);
    expect(await deadLetters.retry(async ({ origin }) => Promise.reject(new Error(origin)))).toEqual({
      ...{ stored: 0, left: aside },
    });
  });

  test('B3 a letter of any texts is put aside, beside others, and comes back as it was', async () => {
    const tables = await open();
    const deadLetters = tableDeadLetters(tables.database);
    const odd = ['', 'a\0b', '\ue000', '\ue0000', 'x'.repeat(20_000), '\ud800', 'ắ😀'];
    const value = new Uint8Array([0, 255, 0]);
    const letters = odd.map((text): DeadLetter => ({ topic: text, key: text, value, reason: text, origin: `outbox ${text} 1-0` }));
    const last: DeadLetter = { topic: 't', key: 'k', value, reason: 'r', origin: 'last' };
    await deadLetters.put([...letters, last]);
    // A second time is no second letter.
    await deadLetters.put([...letters, last]);
    const found = await deadLetters.list();
    expect(found).toHaveLength(letters.length + 1);
    const keysOf = (all: readonly DeadLetter[]): string[] => all.map(({ key }) => key.toWellFormed().slice(0, 1_000)).toSorted();
    expect(keysOf(found)).toEqual(keysOf([...letters, last]));
    for (const letter of found) expect(Buffer.from(letter.value)).toEqual(Buffer.from(value));
    // One that fails again, with a reason of any text, stops none of the others.
    const again = async ({ key }: DeadLetter): Promise<void> => {
      if (key !== 'k') throw new Error(`\0${key}`);
    };
    expect(await deadLetters.retry(again)).toEqual({ stored: 1, left: letters.length });
  });
};
