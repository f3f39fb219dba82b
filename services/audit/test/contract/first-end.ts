import { expect, onTestFinished, test } from 'vitest';
import type { AuditEvent } from '@runnel/protocol/audit';
import { openTables } from '../../src/audit-database.ts';
import { story, T0 } from '../../testing/events.ts';

/** What both databases must do with the ends of a run that a store made twice. `fresh` gives the address of an empty database. */
export const firstEndContract = (fresh: () => Promise<string>): void => {
  test('B4 an answer that ended stays as it was shown, whatever another end of its run says and whichever comes first', async () => {
    const shown = story('c1');
    const first = [shown.started(), shown.said('m1', 'hỏi'), shown.began('r1', 'm1'), shown.ended('r1', 'm1', 'as shown')];
    // The store went back, a new log began, and a model was asked again.
    const again = story('c1', { logId: 'log-2', at: T0 + 60_000 }).ended('r1', 'm1', 'another answer', 'failed');
    // It is the same run: it began when it began.
    const second: AuditEvent = { ...again, data: { ...again.data, startedAt: T0 } };
    for (const order of [
      [...first, second],
      [second, ...first],
    ]) {
      const tables = await openTables(await fresh());
      onTestFinished(() => tables.close());
      for (const event of order) await tables.store.write([event]);
      const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 9 });
      const answers = page.kind === 'page' ? page.messages.filter(({ role }) => role === 'assistant') : [];
      expect(answers).toMatchObject([{ messageId: 'r1', text: 'as shown', status: 'complete' }]);
      const { found } = await tables.reader.search({ userId: 'ann', text: 'shown', limit: 9 });
      expect(found.map(({ message }) => message.messageId)).toEqual(['r1']);
      // Both are in the trail.
      const { events } = await tables.trail.page({ limit: 20 });
      expect(events.filter(({ type }) => type.startsWith('STREAM_') && type !== 'STREAM_STARTED')).toHaveLength(2);
    }
  });
};
