import { expect, test } from 'vitest';
import type { AuditTables } from '../../src/audit-database.ts';
import { story } from '../../testing/events.ts';

const PAGE_BYTES = 512 * 1024;

/** What is answered is bounded in bytes, whatever the texts are. */
export const boundsContract = (open: () => Promise<AuditTables>): void => {
  test('S-6 S-9 history pages are bounded in bytes, and every message is read by paging on', async () => {
    const tables = await open();
    const s = story();
    const sizes = [10, 300_000, 300_000, 10, 700_000, 10, 200_000, 200_000, 200_000];
    await tables.store.write([s.started(), ...sizes.map((size, i) => s.said(`m${i}`, 'x'.repeat(size)))]);
    const read: string[] = [];
    let before: string | undefined;
    for (let pages = 0; pages < 20; pages++) {
      const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 50, ...(before !== undefined && { before }) });
      if (page.kind !== 'page') throw new Error(page.kind);
      const bytes = page.messages.reduce((sum, { text }) => sum + text.length, 0);
      expect(page.messages.length === 1 || bytes <= PAGE_BYTES).toBe(true);
      read.unshift(...page.messages.map(({ messageId }) => messageId));
      before = page.messages[0]!.messageId;
      if (!page.hasMore) break;
    }
    expect(read).toEqual(sizes.map((_, i) => `m${i}`));
  });

  test('B17 a thread is read from its root to a message, bounded in bytes and in turns, by its owner alone', async () => {
    const tables = await open();
    const s = story();
    const turns = Array.from({ length: 230 }, (_, i) => s.said(`t${i}`, `text ${i}`, i === 0 ? null : `t${i - 1}`));
    await tables.store.write([s.started(), ...turns, s.said('b1', 'x'.repeat(300_000), 't3'), s.said('b2', 'y'.repeat(300_000), 'b1')]);
    const read = async (messageId: string, userId = 'ann') => {
      const page = await tables.reader.thread({ conversationId: 'c1', userId, messageId });
      return page.kind === 'page' ? [page.hasMore, ...page.messages.map((message) => message.messageId)] : page.kind;
    };
    expect(await read('t2')).toEqual([false, 't0', 't1', 't2']);
    expect(await read('b1')).toEqual([false, 't0', 't1', 't2', 't3', 'b1']);
    expect(await read('b2')).toEqual([true, 'b2']);
    expect((await read('t229')).slice(0, 2)).toEqual([true, 't30']);
    expect(await read('t199')).toHaveLength(201);
    expect([await read('nothing'), await read('t2', 'bob')]).toEqual(['none', 'forbidden']);
    await tables.store.write([s.sessionDeleted()]);
    expect(await read('t2')).toBe('none');
  });

  test('S-9 search answers an excerpt around the match, never a whole long text', async () => {
    const tables = await open();
    const s = story();
    const long = `${'a '.repeat(5000)}needle ${'b '.repeat(500_000)}`;
    await tables.store.write([s.started(), s.said('m1', long), s.said('m2', 'a short needle')]);
    const { found } = await tables.reader.search({ userId: 'ann', text: 'needle', limit: 9 });
    expect(found.map(({ message }) => message.messageId)).toEqual(['m2', 'm1']);
    expect(found[0]!.message.text).toBe('a short needle');
    expect(found[1]!.message.text).toContain('needle');
    expect(found[1]!.message.text.length).toBeLessThan(1100);
  });
};
