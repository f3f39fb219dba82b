import { expect, onTestFinished, test } from 'vitest';
import type { AuditEvent } from '@runnel/protocol/audit';
import { openTables } from '../../src/audit-database.ts';
import { story } from '../../testing/events.ts';

/** What both databases keep of the receipts of answers. */
export const receiptsContract = (fresh: () => Promise<string>): void => {
  test('W-10 the receipt of an answer is in history, of an older end there is none, and a deletion takes it', async () => {
    const tables = await openTables(await fresh());
    onTestFinished(() => tables.close());
    const s = story();
    const whole = s.ended('r1', 'm1', 'Đi thôi', 'complete', 'stop');
    const receipt = { sha256: whole.data.sha256, bytes: whole.data.bytes, firstWordMs: 4, durationMs: 2_000, nodes: ['ai-1', 'ai-2'] };
    const proved: AuditEvent = { ...whole, data: { ...whole.data, receipt } };
    await tables.store.write([s.started(), s.said('m1', 'hỏi'), s.began('r1', 'm1'), proved, s.ended('r0', 'm1', 'of 0.1.0')]);
    const answers = async () => {
      const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 9 });
      return page.kind === 'page' ? page.messages.filter(({ role }) => role === 'assistant').map((message) => message.receipt) : [];
    };
    expect(await answers()).toEqual([receipt, undefined]);
    expect((await tables.verify('c1')).problems).toEqual([]);
    await tables.store.write([s.make('MESSAGE_DELETED', { messageId: 'r1' })]);
    expect(await answers()).toEqual([undefined, undefined]);
    expect((await tables.verify('c1')).problems).toEqual([]);
  });

  test.each([['as it happened'], ['the other way round']])(
    'B4 an end that was written again without its receipt leaves it, and verify finds nothing (%s)',
    async (order) => {
      const tables = await openTables(await fresh());
      onTestFinished(() => tables.close());
      const s = story();
      const before = [s.started(), s.said('m1', 'hỏi'), s.began('r1', 'm1')];
      const whole = s.ended('r1', 'm1', 'Đi thôi', 'complete', 'stop');
      const again = s.ended('r1', 'm1', 'Đi thôi', 'complete', 'stop');
      const receipt = { sha256: whole.data.sha256, bytes: whole.data.bytes, durationMs: 2_000, nodes: ['ai-1'] };
      const proved: AuditEvent = { ...whole, data: { ...whole.data, receipt } };
      const same = { ...again, data: { ...again.data, startedAt: whole.data.startedAt } } as AuditEvent;
      await tables.store.write(before);
      for (const end of order === 'as it happened' ? [proved, same] : [same, proved]) await tables.store.write([end]);
      const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 9 });
      expect(page.kind === 'page' && page.messages.at(-1)?.receipt).toEqual(receipt);
      expect((await tables.verify('c1')).problems).toEqual([]);
    },
  );
};
