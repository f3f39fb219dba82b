import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createMetrics } from '@runnel/kit';
import { topicOf, type AuditEvent, type AuditMessage } from '@runnel/protocol/audit';
import { createAuditApp } from '../../src/app.ts';
import { auditMetrics } from '../../src/metrics.ts';
import { createDirect } from '../../src/relay/direct.ts';
import type { AuditTables } from '../../src/audit-database.ts';
import { exchange, story, T0 } from '../../testing/events.ts';
import { verify } from '../../src/read/verify.ts';

/** All that somebody can do in a conversation, as its events would have been; ids of the owner's messages included. */
const everythingBy = (userId: string, at: number): AuditEvent[] => {
  const s = story('c1', { userId, logId: `log-${userId}-${at}`, at });
  const words: AuditMessage = {
    messageId: 'x2',
    parentId: null,
    role: 'user',
    text: 'mine now',
    status: 'complete',
    createdAt: at,
    author: userId,
  };
  return [
    s.started('Taken'),
    s.said('m-c1', 'another question'),
    s.said('x1', 'a question of mine'),
    s.began('r-c1', 'm-c1'),
    s.ended('r-c1', 'm-c1', 'another answer'),
    s.make('TITLE_CHANGED', { title: 'Taken' }),
    s.restored('r-c1', 'Taken', [words]),
    s.make('RECOVERY_ATTEMPT', { kind: 'rehydrate', count: 1 }),
    s.make('MESSAGE_DELETED', { messageId: 'm-c1' }),
    s.make('SESSION_DELETED', {}),
  ];
};

/** What the tables say to both persons. */
const seen = async (tables: AuditTables, userId: string) => ({
  history: await tables.reader.history({ conversationId: 'c1', userId, limit: 50 }),
  listed: await tables.reader.conversations({ userId, limit: 50 }),
  found: await tables.reader.search({ userId, text: 'question', limit: 50 }),
  replay: (await tables.replay('r-c1', userId))?.message.text,
  trail: (await tables.trail.page({ conversationId: 'c1', userId, limit: 99 })).events.map((e) => e.eventId),
});

const deliverer = (tables: AuditTables) => {
  const { deliver, deadLetters } = createDirect(tables, auditMetrics(createMetrics('audit', { processMetrics: false })));
  return {
    put: (events: readonly AuditEvent[]) =>
      deliver(
        events.map((event) => ({
          ...{ topic: topicOf(event.type), key: event.subject, value: new TextEncoder().encode(JSON.stringify(event)) },
          headers: { ce_id: event.id },
        })),
      ),
    aside: async () => (await deadLetters.list()).map(({ origin }) => origin),
  };
};

/** The database never changes an owner. */
export const ownershipContract = (open: () => Promise<AuditTables>): void => {
  test('S-1 whatever somebody else did at an id of hers, in whatever batches it comes, the owner finds everything as it was', async () => {
    const reference = await open();
    await deliverer(reference).put(exchange('c1', 'her question', 'her answer'));
    const [before, stranger] = [await seen(reference, 'ann'), await seen(reference, 'bob')];
    expect(stranger).toMatchObject({ history: { kind: 'forbidden' }, found: { found: [] }, trail: [] });
    const arbitrary = fc.record({ events: fc.shuffledSubarray(everythingBy('bob', T0 + 9_000), { minLength: 1 }), cut: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ events, cut }) => {
        const tables = await open();
        const { put, aside } = deliverer(tables);
        const [first, ...rest] = exchange('c1', 'her question', 'her answer');
        await put([first!]);
        // His and hers come in one batch, and some in another.
        const mixed = [...rest.slice(0, 1), ...events.slice(0, cut), ...rest.slice(1)];
        expect((await put(mixed)).every(({ outcome }) => outcome === 'stored')).toBe(true);
        await put(events);
        expect(await seen(tables, 'ann')).toEqual(before);
        expect(await seen(tables, 'bob')).toEqual(stranger);
        expect((await aside()).toSorted()).toEqual(events.map(({ id }) => id).toSorted());
        expect((await verify(tables.database)).problems).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });

  test('S-22 an id stays its owner’s after the deletion: she may make it again, nobody else', async () => {
    const tables = await open();
    const { put, aside } = deliverer(tables);
    const s = story('c1');
    await put([s.started('Hers'), s.said('m1', 'her question'), s.make('SESSION_DELETED', {})]);
    expect((await seen(tables, 'ann')).history).toEqual({ kind: 'none', deleted: { logId: 'log-c1', at: expect.any(Number) as number } });
    const his = everythingBy('bob', T0 + 9_000);
    await put(his);
    expect(await seen(tables, 'bob')).toMatchObject({
      history: { kind: 'forbidden' },
      listed: { conversations: [] },
      found: { found: [] },
    });
    expect(await aside()).toHaveLength(his.length);
    const again = story('c1', { logId: 'log-2', at: T0 + 20_000 });
    await put([again.started('Again'), again.said('m2', 'a second question')]);
    expect((await seen(tables, 'ann')).history).toMatchObject({ kind: 'page', title: 'Again', messages: [{ text: 'a second question' }] });
  });

  test('B5 S-1 its owner alone is told that a conversation was deleted, which log of it and when, also when it was made again', async () => {
    const tables = await open();
    const app = createAuditApp(tables);
    const ask = async (userId: string) => {
      const answer = await app.inject({ url: '/history/c1', headers: { 'x-runnel-user': userId } });
      return [answer.statusCode, answer.body === '' ? null : (answer.json() as unknown)];
    };
    const told = story('c1', { userId: 'ann', logId: 'log-1', at: T0 + 500 });
    const deletion = told.make('SESSION_DELETED', {});
    await tables.store.write([...exchange('c1', 'one', 'two'), deletion]);
    const at = T0 + 501;
    expect(await ask('ann')).toEqual([404, { deleted: { logId: 'log-1', at } }]);
    expect(await ask('bob')).toEqual([403, null]);
    const again = story('c1', { userId: 'ann', logId: 'log-2', at: at + 1_000 });
    await tables.store.write([again.started('Again'), again.said('n1', 'three')]);
    // A store that went back may have the log that was deleted.
    expect(await ask('ann')).toMatchObject([200, { messages: [{ messageId: 'n1' }], deleted: { logId: 'log-1', at } }]);
    expect(await ask('bob')).toEqual([403, null]);
  });
};
