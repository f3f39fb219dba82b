import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAuditApp } from '../../src/app.ts';
import { toCursor } from '../../src/read/cursor.ts';
import type { AuditTables } from '../../src/audit-database.ts';
import { exchange } from '../../testing/events.ts';
import { verify } from '../../src/read/verify.ts';

const PATHS = [
  '/trail',
  '/trail/c1',
  '/search',
  '/conversations',
  '/history/c1',
  '/history/c1/thread/q-c1',
  '/verify/c1',
  '/runs/r-c1/replay',
  '/analytics',
];
const NAMES = ['after', 'before', 'limit', 'from', 'to', 'user', 'conversation', 'q', 'bucket'];

const part = fc.oneof(
  fc.constantFrom<string | number>(1e308, -1e308, 1.5, -1, 2 ** 53, 2 ** 63, 1e20, '\0', '\uD800', 'a\0b', 'x'.repeat(390), 'c1', 0),
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const cursor = fc.array(part, { maxLength: 4 }).map(toCursor);
const value = fc.oneof(
  cursor,
  part.map(String),
  fc.constantFrom(
    '99999999999999999999',
    '9'.repeat(300),
    '1e308',
    '1.5',
    '-1',
    'NaN',
    '',
    '0',
    '1',
    '60000',
    '8640000000000001',
    '%00',
    '\uFFFF',
  ),
  fc.string({ unit: 'binary' }),
);
const query = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 4 });

/** What asks the audit service may be made by hand: it is refused, and is no outage. */
export const queriesContract = (open: () => Promise<AuditTables>): void => {
  test(
    'S-20 S-16 whatever a query says, the answer is never 5xx; what admins do is recorded, each act once',
    { timeout: 60_000 },
    async () => {
      const tables = await open();
      await tables.store.write(exchange('c1', 'hỏi', 'đáp'));
      const app = createAuditApp(tables);
      const refused: string[] = [];
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...PATHS), query, fc.oneof(fc.constant('ann'), value), async (path, given, user) => {
          const search = new URLSearchParams(Object.entries(given).map(([name, text]): [string, string] => [name, text.toWellFormed()]));
          const raw = fc.stringify([path, given, user]);
          const headers = { 'x-runnel-user': encodeURIComponent(user.toWellFormed()) };
          const { statusCode } = await app.inject({ url: `${path}?${search.toString()}`, headers });
          if (statusCode >= 500) refused.push(raw);
          expect([raw, statusCode < 500]).toEqual([raw, true]);
        }),
        { numRuns: 500 },
      );
      expect(refused).toEqual([]);
      const after = toCursor([1e308, 'log-c1', 1]);
      expect((await app.inject({ url: `/trail?after=${after}` })).statusCode).toBe(400);
      expect((await app.inject({ url: '/trail?from=99999999999999999999' })).statusCode).toBe(400);
      expect((await app.inject({ url: '/conversations', headers: { 'x-runnel-user': '%ff' } })).statusCode).toBe(400);
      const act = (payload: object) => app.inject({ method: 'POST', url: '/trail', payload }).then(({ statusCode }) => statusCode);
      for (const payload of [{}, { type: 'SESSION_DELETED', admin: 'root' }, { type: 'ADMIN_READ' }, { type: 'ADMIN_READ', admin: 'a\0' }])
        expect(await act(payload)).toBe(400);
      await Promise.all(
        Array.from({ length: 5 }, async (_, i) => expect(await act({ type: 'ADMIN_READ', admin: 'root', target: `t${i}` })).toBe(204)),
      );
      const { events } = await tables.trail.page({ userId: 'root', limit: 9 });
      expect(events.map(({ sequence, hash }) => [sequence, hash !== null]).toSorted()).toEqual([1, 2, 3, 4, 5].map((n) => [n, true]));
      expect((await verify(tables.database)).problems).toEqual([]);
      await app.close();
    },
  );
};
