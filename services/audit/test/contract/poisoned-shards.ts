import fc from 'fast-check';
import { createMetrics, silentLog, waitFor } from '@runnel/kit';
import type { AuditData, AuditEvent, OutboxEntry } from '@runnel/protocol/audit';
import { expect, test } from 'vitest';
import { auditMetrics } from '../../src/metrics.ts';
import { createDirect } from '../../src/relay/direct.ts';
import { RelayLoop } from '../../src/relay/relay-loop.ts';
import type { AuditTables } from '../../src/audit-database.ts';
import { exchange, story, T0 } from '../../testing/events.ts';

type Fields = OutboxEntry['fields'];

/** Also of what is no event any more. */
type Spoilt = Pick<AuditEvent, 'id' | 'type' | 'subject' | 'time'> & { data: object };

const fieldsOf = ({ id, type, subject, time, data }: Spoilt): Fields => ({
  ...{ id, type, conversation: subject, time: String(Date.parse(time)), data: JSON.stringify(data), trace: '' },
});

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\0', 'a\0b', '\ud800', '\ue000', '-1', '1e999', 'null', '[]', '{}', '{"a":', 'x'.repeat(5_000), '$admin'),
);
/** Values where an event has others. */
const oddValue = fc.oneof(oddText, fc.jsonValue(), fc.constantFrom(-1, 0.5, 2 ** 53, 1e300, null, true, [], {}, [{}], { text: {} }));

const poisonOf = (n: number): fc.Arbitrary<Fields> => {
  const make = (): AuditEvent[] => exchange(`p${n}`, 'hỏi', 'đáp', 'eve');
  const event = fc.nat(3).map((i) => make()[i]!);
  const spoiltField = fc
    .tuple(event, fc.constantFrom<keyof Fields>('id', 'type', 'conversation', 'time', 'data', 'trace'), oddText)
    .map(([from, name, value]) => ({ ...fieldsOf(from), [name]: value }));
  const lacking = fc
    .tuple(event, fc.constantFrom<keyof Fields>('id', 'type', 'conversation', 'time', 'data'))
    .map(([from, name]) => Object.fromEntries(Object.entries(fieldsOf(from)).filter(([key]) => key !== name)) as unknown as Fields);
  const spoiltData = fc
    .tuple(
      event,
      fc.constantFrom(
        'userId',
        'title',
        'message',
        'runId',
        'parentId',
        'model',
        'startedAt',
        'endedAt',
        'epoch',
        'usage',
        'text',
        'finish',
      ),
      oddValue,
    )
    .map(([from, name, value]) => fieldsOf({ ...from, data: { ...from.data, [name]: value } }));
  const spoiltMessage = fc
    .tuple(fc.constantFrom('messageId', 'parentId', 'role', 'text', 'status', 'createdAt', 'model', 'author', 'finish'), oddValue)
    .map(([name, value]) => {
      const [, said] = make();
      return fieldsOf({
        ...said!,
        data: { ...said!.data, message: { ...(said!.data as AuditData['CHAT_MESSAGE']).message, [name]: value } },
      });
    });
  const large = fc.constant(fieldsOf(story(`p${n}`).said('large', 'ắ'.repeat(600_000))));
  // The owner of a good conversation is somebody else.
  const foreign = fc.constant(fieldsOf(story(`g${n}`, { logId: `other-${n}`, userId: 'eve' }).said('foreign', 'x')));
  return fc.oneof(
    ...[spoiltField, lacking, spoiltData, spoiltMessage].map((arbitrary) => ({ arbitrary, weight: 4 })),
    ...[large, foreign].map((arbitrary) => ({ arbitrary, weight: 1 })),
  );
};

const SHARDS = 4;
type Shards = [Fields[], Fields[], Fields[], Fields[]];

const refused = (n: number): Fields[] =>
  [0, 1, 2]
    .map((i) => fieldsOf(story(`p${n}`, { logId: `p${n}-${i}` }).ended('r\0', 'm', 'x')))
    .concat({
      ...fieldsOf(story(`p${n}`).started()),
      conversation: 'a\0b',
    });

const poisonsOf = (n: number) => fc.array(poisonOf(n), { minLength: 1, maxLength: 3 });
const poisons: fc.Arbitrary<Shards> = fc.tuple(poisonsOf(0), poisonsOf(1), poisonsOf(2), poisonsOf(3));

/** Shards with a poison first, moved at the same time, so that batches of several meet in one transaction. */
export const poisonedShardsContract = (open: () => Promise<AuditTables>, numRuns: number): void => {
  test(
    'B3 whatever stands first in the outbox, what comes after it is stored, and nothing else is put aside',
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(poisons, async (poison) => {
          const tables = await open();
          const { deliver, deadLetters } = createDirect(tables, auditMetrics(createMetrics('audit', { processMetrics: false })));
          let entryId = 0;
          const good = Array.from({ length: SHARDS }, (_, n) => exchange(`g${n}`, 'hỏi', 'đáp', 'ann', T0 + n));
          // Whose a good conversation is stands in the database before somebody else's event comes.
          await tables.store.write(good.map(([started]) => started!));
          const shards = poison.map((fields, n) => [
            ...fields.map((one): OutboxEntry => ({ entryId: `${++entryId}-0`, fields: one })),
            ...good[n]!.map((event): OutboxEntry => ({ entryId: `${++entryId}-0`, fields: fieldsOf(event) })),
          ]);
          const relay = new RelayLoop({
            outbox: {
              heldShards: () => [...shards.keys()],
              read: async (shard, count) => shards[shard]!.slice(0, count),
              trim: async (shard, ids) => void (shards[shard] = shards[shard]!.filter((entry) => !ids.includes(entry.entryId))),
              balance: async () => {},
              release: async () => {},
            },
            ...{
              deliver,
              deadLetters,
              metrics: auditMetrics(createMetrics('relay', { processMetrics: false })),
              log: silentLog,
              idleMs: 1,
            },
          });
          relay.start();
          try {
            await waitFor(() => shards.flat().length === 0, { deadlineMs: 15_000, what: 'every shard is empty' });
          } finally {
            await relay.close();
          }
          for (const [n, events] of good.entries()) {
            const { events: stored } = await tables.trail.page({ conversationId: `g${n}`, userId: 'ann', limit: 99 });
            expect(stored.map(({ eventId }) => eventId).filter((id) => id.startsWith('log-g'))).toEqual(events.map(({ id }) => id));
          }
          const aside = (await deadLetters.list()).map(({ value }) => Buffer.from(value).toString());
          expect(aside.filter((letter) => /"log-g\d/.test(letter))).toEqual([]);
        }),
        // What PostgreSQL itself refuses, as an event and as a letter; it meets the others in one transaction.
        { numRuns, examples: [[Array.from({ length: SHARDS }, (_, n) => refused(n)) as Shards]] },
      );
    },
  );
};
