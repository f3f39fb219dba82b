import { fromOutbox, type AuditEvent } from '@runnel/protocol/audit';
import { describe, expect, test } from 'vitest';
import type { AuditTables } from '../../src/audit-database.ts';
import { story } from '../../testing/events.ts';

const ANN = `ann.o'neil+"chat"%_\\é@example.org`;
const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 6, 1);

/** An event as the store's scripts write it. */
const record = (version: number, change: { name?: string; text?: string; erased?: boolean; userId?: string; kind?: string }): AuditEvent =>
  fromOutbox({
    id: `0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33:t${change.kind ?? 'place'}.${version}`,
    type: 'RECORD_CHANGED',
    conversation: '0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33',
    time: String(version),
    data: JSON.stringify({ userId: ANN, kind: 'place', version, ...change }),
  });
const pinned = JSON.stringify({ pinned: '1' });
const inFolder = (folder: string): string => JSON.stringify({ folder });

/** What people set for themselves: by version, whatever the order; gone with the person; nothing in the trail. */
export const recordsContract = (open: () => Promise<AuditTables>): void => {
  describe('records', () => {
    test('in whatever order events come and however often, the highest version stays', async () => {
      const events = [
        record(NOW, { name: 'c1', text: pinned }),
        record(NOW + 1, { name: 'c1', text: inFolder('Việc\0 nhà') }),
        record(NOW + 2, { name: 'c2', text: pinned }),
        record(NOW + 3, { name: 'c2' }),
      ];
      const orders = [events, events.toReversed(), [events[1]!, events[3]!, events[0]!, events[2]!]];
      for (const order of orders) {
        const tables = await open();
        for (const event of order) await tables.writer.write([event]);
        await tables.writer.write([...order, ...order]);
        expect(await tables.records(ANN, 'place')).toEqual({
          records: [
            { name: 'c1', version: NOW + 1, fields: { folder: 'Việc\0 nhà' } },
            { name: 'c2', version: NOW + 3, fields: null },
          ],
        });
        expect(await tables.records('bob', 'place')).toEqual({ records: [] });
        expect(await tables.records(ANN, 'prompt')).toEqual({ records: [] });
        expect((await tables.trail.page({ limit: 9 })).events).toEqual([]);
      }
    });

    test('they come beside the events of conversations, in one batch', async () => {
      const tables = await open();
      await tables.writer.write([record(NOW, { name: 'c1', text: pinned }), story('c9').started('T')]);
      expect((await tables.records(ANN, 'place')).records).toHaveLength(1);
      expect((await tables.reader.conversations({ userId: 'ann', limit: 9 })).conversations).toHaveLength(1);
    });

    test('S-17 of who is erased every record goes, and what is written later stays', async () => {
      const tables = await open();
      await tables.writer.write([
        record(NOW, { name: 'c1', text: pinned }),
        record(NOW, { name: 'p', text: '{"text":"x"}', kind: 'prompt' }),
      ]);
      await tables.writer.write([record(NOW + 5, { erased: true }), record(NOW + 9, { name: 'c3', text: pinned })]);
      expect((await tables.records(ANN, 'place')).records.map(({ name }) => name)).toEqual(['c3']);
      expect((await tables.records(ANN, 'prompt')).records).toHaveLength(1);
      expect(await tables.forget(ANN)).toBe(true);
      for (const kind of ['place', 'prompt']) expect(await tables.records(ANN, kind)).toEqual({ records: [] });
    });

    test('conversations are listed by name, those that are asked for alone', async () => {
      const tables = await open();
      for (const id of ['c1', 'c2', 'c3']) await tables.writer.write([story(id).started(id)]);
      const { conversations } = await tables.reader.conversations({ userId: 'ann', limit: 9, only: ['c1', 'c3', 'c4'] });
      expect(conversations.map(({ conversationId }) => conversationId).toSorted()).toEqual(['c1', 'c3']);
    });

    test('that something was taken away is known for a month', async () => {
      const tables = await open();
      await tables.writer.write([record(NOW, { name: 'c1' })]);
      await tables.writer.write([record(NOW + 31 * DAY_MS, { erased: true, userId: 'bob' })]);
      expect(await tables.records(ANN, 'place')).toEqual({ records: [] });
    });
  });
};
