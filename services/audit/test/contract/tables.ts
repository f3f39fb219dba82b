import type { AuditMessage } from '@runnel/protocol/audit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openTables, type AuditTables } from '../../src/audit-database.ts';
import { exchange, story, T0 } from '../../testing/events.ts';
import { verify } from '../../src/read/verify.ts';
import { boundsContract } from './bounds.ts';
import { checkpointsContract } from './checkpoints.ts';
import { erasingContract } from './erasing.ts';
import { firstEndContract } from './first-end.ts';
import { receiptsContract } from './receipts.ts';
import { ownershipContract } from './ownership.ts';
import { partsContract } from './parts.ts';
import { poisonContract } from './poison.ts';
import { poisonedShardsContract } from './poisoned-shards.ts';
import { proofContract } from './proof.ts';
import { recordsContract } from './records.ts';
import { retentionContract } from './retention.ts';
import { queriesContract } from './queries.ts';

/** What both databases must do. `fresh` gives the address of an empty one. */
export const tablesContract = (name: string, fresh: () => Promise<string>): void => {
  const open = async (): Promise<AuditTables> => {
    const tables = await openTables(await fresh());
    onTestFinished(() => tables.close());
    return tables;
  };
  const textsOf = async (tables: AuditTables, conversationId = 'c1', userId = 'ann'): Promise<string[] | string> => {
    const page = await tables.reader.history({ conversationId, userId, limit: 50 });
    return page.kind === 'page' ? page.messages.map((m) => m.text) : page.kind;
  };
  poisonContract(name, open);
  poisonedShardsContract(open, name === 'PostgreSQL' ? 15 : 60);
  proofContract(name, open);
  queriesContract(open);
  checkpointsContract(open);
  describe(name, () => erasingContract(open));
  describe(name, () => ownershipContract(open));
  describe(name, () => partsContract(open));
  describe(name, () => firstEndContract(fresh));
  describe(name, () => receiptsContract(fresh));
  describe(name, () => boundsContract(open));
  describe(name, () => recordsContract(open));
  describe(name, () => retentionContract(open, name === 'PostgreSQL' ? 5 : 15));

  describe(name, () => {
    test('P-9 a batch that comes twice is there once, and the trail proves it', async () => {
      const tables = await open();
      const events = exchange('c1', 'Chào bạn', 'một hai ba');
      expect(await tables.store.write(events)).toBe(4);
      expect(await tables.store.write(events)).toBe(0);
      expect(await tables.store.write([events[3]!, events[3]!])).toBe(0);
      expect(await textsOf(tables)).toEqual(['Chào bạn', 'một hai ba']);
      expect(await textsOf(tables, 'c1', 'bob')).toBe('forbidden');
      expect(await verify(tables.database)).toMatchObject({ logs: 1, events: 4, texts: 2, problems: [] });
    });

    test('B15 how the model stopped is kept with the message, and nothing is made up for what does not say it', async () => {
      const tables = await open();
      const s = story();
      const words = ['stop', 'length', 'filter', 'tools', undefined, 'a word of later'];
      await tables.store.write([s.started(), ...words.map((word, i) => s.ended(`r${i}`, 'm1', 'đáp', 'complete', word))]);
      const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 9 });
      const told = page.kind === 'page' ? page.messages.map((m) => m.finish) : [];
      expect(told).toEqual([...words.slice(0, 4), undefined, undefined]);
      expect((await verify(tables.database)).problems).toEqual([]);
    });

    test('P-9 whatever the order in which two topics bring them, the end is the same', async () => {
      const s = story();
      const [started, said, began, ended] = [s.started(), s.said('m1', 'hỏi'), s.began('r1', 'm1'), s.ended('r1', 'm1', 'đáp')];
      const deleted = s.make('MESSAGE_DELETED', { messageId: 'r1' });
      for (const order of [
        [started, said, deleted, began, ended],
        [began, ended, started, said, deleted],
        [deleted, ended, said, began, started],
      ]) {
        const tables = await open();
        for (const event of order) await tables.store.write([event]);
        const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 9 });
        expect(page).toMatchObject({
          kind: 'page',
          title: 'Chào',
          messages: [
            { messageId: 'm1', text: 'hỏi', role: 'user' },
            { messageId: 'r1', text: '', status: 'deleted', role: 'assistant', parentId: 'm1' },
          ],
        });
        expect((await verify(tables.database)).problems).toEqual([]);
      }
    });

    test('P-9 what waits behind a hole may come again and again; when the hole is filled the chain goes on to its end', async () => {
      const tables = await open();
      const s = story();
      const [started, said, began, ended] = [s.started(), s.said('m1', 'hỏi'), s.began('r1', 'm1'), s.ended('r1', 'm1', 'đáp')];
      const linked = async () => (await tables.trail.page({ limit: 9 })).events.map((e) => [e.sequence, e.hash !== null]);
      expect(await tables.store.write([ended])).toBe(1);
      expect(await tables.store.write([started])).toBe(1);
      expect(await tables.store.write([ended, ended])).toBe(0);
      expect(await tables.store.write([ended, began])).toBe(1);
      expect(await linked()).toEqual([1, 3, 4].map((sequence) => [sequence, sequence === 1]));
      expect(await tables.store.write([said, ended])).toBe(1);
      expect(await linked()).toEqual([1, 2, 3, 4].map((sequence) => [sequence, true]));
      expect(await tables.store.write([ended, began, said, started])).toBe(0);
      expect(await verify(tables.database)).toMatchObject({ logs: 1, events: 4, texts: 2, problems: [] });
    });

    test('P-9 places that Redis gave twice, after it lost the end of a log: both events are there, each once', async () => {
      const first = exchange('c1', 'một', 'hai');
      const again = story('c1', { at: T0 + 60_000 });
      const second = [again.said('m2', 'ba'), again.began('r2', 'm2'), again.ended('r2', 'm2', 'bốn')];
      const [taken, next] = [again.said('m3', 'năm'), again.said('m4', 'sáu')];
      const batches = [
        [first, second, [taken, next]],
        [
          [...first, ...second, taken],
          [...second, taken, next],
        ],
      ];
      for (const order of batches) {
        const tables = await open();
        let stored = 0;
        for (const events of order) stored += await tables.store.write(events);
        expect(stored).toBe(9);
        expect(await tables.store.write(order.flat())).toBe(0);
        expect(await textsOf(tables)).toEqual(['một', 'hai', 'ba', 'bốn', 'năm', 'sáu']);
        expect(await verify(tables.database)).toMatchObject({ events: 9, texts: 6, problems: [] });
      }
    });

    test('pages of messages with one and the same place leave none out and bring none twice', async () => {
      const tables = await open();
      const s = story();
      const messages = ['d', 'b', 'e', 'a', 'c'].map((messageId): AuditMessage => ({
        ...{ messageId, parentId: null, role: 'user', text: messageId, status: 'complete', createdAt: T0 },
      }));
      await tables.store.write([s.restored('r1', 't', messages)]);
      // As two restores of one millisecond leave them.
      await tables.database.query('UPDATE message SET position = 7');
      const seen: string[] = [];
      for (let before: string | undefined; seen.length < 5; before = seen[0]) {
        const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 2, ...(before && { before }) });
        if (page.kind !== 'page' || page.messages.length === 0) break;
        seen.unshift(...page.messages.map((m) => m.messageId));
      }
      expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    test('a deleted conversation stays deleted when an answer comes late, and may be made again', async () => {
      const tables = await open();
      const s = story();
      const [started, said, ended] = [s.started(), s.said('m1', 'hỏi'), s.ended('r1', 'm1', 'đáp')];
      await tables.store.write([started, said, s.make('SESSION_DELETED', {})]);
      await tables.store.write([ended]);
      expect(await textsOf(tables)).toBe('none');
      expect((await tables.reader.search({ userId: 'ann', text: 'dap', limit: 9 })).found).toEqual([]);
      const again = story('c1', { logId: 'second', at: T0 + 60_000 });
      await tables.store.write([again.started('Mới'), again.said('m9', 'lại')]);
      expect(await textsOf(tables)).toEqual(['lại']);
      expect((await verify(tables.database)).problems).toEqual([]);
    });

    test('search finds Vietnamese with and without diacritics, both ways, and only one’s own', async () => {
      const tables = await open();
      await tables.store.write(exchange('c1', 'Đường đến thành phố Hà Nội', 'di duong vui ve', 'ann'));
      await tables.store.write(exchange('c2', 'khác', 'đường phố', 'bob', T0 + 9));
      const find = async (text: string, userId = 'ann') =>
        (await tables.reader.search({ userId, text, limit: 9 })).found.map((f) => f.message.text);
      expect(await find('duong')).toEqual(['di duong vui ve', 'Đường đến thành phố Hà Nội']);
      expect(await find('ĐƯỜNG')).toEqual(['di duong vui ve', 'Đường đến thành phố Hà Nội']);
      expect(await find('ha noi')).toEqual(['Đường đến thành phố Hà Nội']);
      expect(await find('Hà Nộ')).toEqual(['Đường đến thành phố Hà Nội']);
      expect(await find('duong', 'bob')).toEqual(['đường phố']);
      expect(await find(`' OR 1=1 -- "*" & !`)).toEqual([]);
      expect(await find('!!!')).toEqual([]);
    });

    test('search finds each word of an address, a path or a name with marks in it, and a user of any name', async () => {
      const tables = await open();
      const user = `o'neil \\ "=x" & ann`;
      const long = 'x'.repeat(3_000);
      await tables.store.write(exchange('c1', 'mail bob_b@mail.example.com', `/usr/local-bin/run.sh -5 3.14 ${long}`, user));
      await tables.store.write(exchange('c2', 'mail example', 'run', 'ann'));
      for (const text of ['bob', 'example', 'mail exam', 'usr', 'bin', 'run', '14', long]) {
        const { found } = await tables.reader.search({ userId: user, text, limit: 9 });
        expect([text, found.map((f) => f.conversationId)]).toEqual([text, ['c1']]);
      }
    });

    test('search, list and trail go on page by page without a gap or a repetition', async () => {
      const tables = await open();
      for (let i = 0; i < 7; i++) await tables.store.write(exchange(`c${i}`, `câu ${i}`, `trả lời ${i}`, 'ann', T0 + i * 10));
      const found: string[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const page = await tables.reader.search({ userId: 'ann', text: 'cau', limit: 3, ...(after && { after }) });
        found.push(...page.found.map((f) => f.message.text));
        after = page.next;
      }
      expect(found).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `câu ${i}`));
      const ids: string[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const page = await tables.trail.page({ userId: 'ann', limit: 5, ...(after && { after }) });
        ids.push(...page.events.map((e) => e.eventId));
        after = page.next;
      }
      expect([ids.length, new Set(ids).size]).toEqual([28, 28]);
      const first = await tables.reader.conversations({ userId: 'ann', limit: 4 });
      const second = await tables.reader.conversations({ userId: 'ann', after: first.conversations.at(-1)!.conversationId, limit: 4 });
      expect([...first.conversations, ...second.conversations].map((c) => c.conversationId)).toEqual([
        'c6',
        'c5',
        'c4',
        'c3',
        'c2',
        'c1',
        'c0',
      ]);
    });

    test('a text that no database likes comes back byte for byte', async () => {
      const tables = await open();
      const text = 'nul \0 private \uE000 \uE0000 quote \' " \\ emoji 🇻🇳 tail';
      const s = story();
      await tables.store.write([s.started(text), s.said('m1', text), s.ended('r1', 'm1', text)]);
      expect(await textsOf(tables)).toEqual([text, text]);
      // The conversation's row is read and written again, and its title stays as it is.
      await tables.store.write([s.said('m2', 'more')]);
      expect(await tables.reader.conversations({ userId: 'ann', limit: 1 })).toMatchObject({ conversations: [{ title: text }] });
      expect((await verify(tables.database)).problems).toEqual([]);
    });

    test('statistics of runs, however often an event comes', async () => {
      const tables = await open();
      for (let i = 0; i < 4; i++) {
        const events = exchange(`c${i}`, 'q', 'a', 'ann', T0 + i);
        await tables.analytics.write(events);
        await tables.analytics.write(events);
      }
      const [row, ...rest] = await tables.analytics.statistics({ from: T0, to: T0 + 60_000, bucketMs: 60_000 });
      expect(rest).toEqual([]);
      expect(row).toMatchObject({
        from: T0,
        model: 'count',
        runs: 4,
        complete: 4,
        cancelled: 0,
        takeovers: 0,
        inputTokens: 12,
        outputTokens: 28,
      });
      expect(row!.durationMs.p50).toBeGreaterThan(1_990);
      expect(row!.firstTextMs).toEqual({ p50: null, p95: null, p99: null });
    });

    test('B15 statistics say how the models stopped, where that is known', async () => {
      const tables = await open();
      for (const [i, finish] of ['stop', 'length', 'length', 'filter', 'tools', undefined].entries()) {
        const s = story(`c${i}`, { at: T0 + i });
        await tables.analytics.write([s.began('r', 'm'), s.ended('r', 'm', 'đáp', 'complete', finish)]);
      }
      const [row] = await tables.analytics.statistics({ from: T0, to: T0 + 60_000, bucketMs: 60_000 });
      expect(row).toMatchObject({ runs: 6, complete: 6, finishes: { stop: 1, length: 2, filter: 1, tools: 1, error: 0 } });
    });

    test('P-9 what an older schema holds is known after the migration, found by search, and goes on', async () => {
      const tables = await open();
      const s = story();
      const events = [s.started(), s.said('m1', 'hỏi đường'), s.began('r1', 'm1'), s.ended('r1', 'm1', 'đáp')];
      await tables.store.write([events[0]!, events[1]!, events[3]!]);
      const c2 = story('c2');
      const [c2Started, c2Began] = [c2.started(), c2.began('r2', 'm2')];
      await tables.store.write([c2Began]);
      // Down to where 0002 left it.
      for (let left = tables.database.migrations.length; left > 2; left--) await tables.database.undoLastMigration();
      // A log of which nothing was linked had no head then.
      await tables.database.query('DELETE FROM audit_head WHERE sequence = 0');
      if (name === 'PostgreSQL') await tables.database.query(`UPDATE message SET search = to_tsvector('simple', 'hoi duong')`);
      await tables.database.runMigrations();
      expect((await tables.reader.search({ userId: 'ann', text: 'duong', limit: 9 })).found).not.toEqual([]);
      expect(await tables.store.write(events)).toBe(1);
      expect(await tables.store.write([c2Started, c2Began])).toBe(1);
      expect((await verify(tables.database)).problems).toEqual([]);
    });

    test('old months go, and verify knows why', async () => {
      const tables = await open();
      const old = story('c1', { at: Date.UTC(2026, 4, 31, 23, 59, 59, 998) });
      await tables.store.write([old.started(), old.said('m1', 'a'), old.said('m2', 'b'), old.said('m3', 'c')]);
      expect(await tables.partitions.retire(Date.UTC(2026, 5, 15))).toBeGreaterThan(0);
      expect((await tables.trail.page({ conversationId: 'c1', limit: 9 })).events.map((e) => e.sequence)).toEqual([2, 3, 4]);
      expect((await tables.trail.page({ limit: 9 })).events.at(-1)!.type).toBe('TRAIL_CUT');
      expect((await verify(tables.database)).problems).toEqual([]);
    });
  });
};
