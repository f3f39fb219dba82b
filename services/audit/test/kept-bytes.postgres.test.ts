import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { fromOutbox, type AuditEvent } from '@runnel/protocol/audit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTables } from '../src/audit-database.ts';
import { startPostgres, story, T0, type TestPostgres } from '../testing/index.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const ANSWER_WORDS = 300;
/** Prose that somebody wrote, so that it is as alike itself as an answer is. */
const PROSE = readFileSync(new URL('../../../docs/user-guide.md', import.meta.url), 'utf8').split(/\s+/);
const proseAt = (place: number, words: number): string =>
  Array.from({ length: words }, (_, i) => PROSE[(place * 37 + i) % PROSE.length]).join(' ');

/** A batch of an answer at 20 words a second, four batches a second, as the outbox has it. */
const batchOf = (conversation: string, runId: string, batch: number, startedAt: number): AuditEvent =>
  fromOutbox({
    id: `log-${conversation}:t${runId}.1.${batch}`,
    type: 'CHUNK_RECEIVED',
    conversation,
    time: String(startedAt + 250 * (batch + 1)),
    data: JSON.stringify({
      ...{ userId: 'ann', runId, model: 'count', epoch: 1, startedAt, batch, at: batch * 35 },
      chunks: Array.from({ length: 5 }, (_, i) => [5 * batch + i + 2, 250 * batch + 50 * i + ((batch * 7 + i * 3) % 9), 7]),
    }),
  });

const EXCHANGES = 5;
const AT_ONCE = 25;
const WAVES = 4;
/** One transaction for each second, as a consumer that follows a busy topic writes them. */
const conversation = (n: number): AuditEvent[][] => {
  const id = randomUUID();
  const s = story(id, { logId: randomUUID().replaceAll('-', ''), userId: `person-${n % 20}@example.com`, at: T0 + n * 1_000_000 });
  const steps: AuditEvent[][] = [[s.started(proseAt(n, 6))]];
  let parent: string | null = null;
  for (let i = 0; i < EXCHANGES; i++) {
    const [messageId, runId] = [randomUUID(), randomUUID()];
    steps.push([s.said(messageId, proseAt(n * 31 + i, 12), parent), s.began(runId, messageId)]);
    for (let batch = 0; batch < ANSWER_WORDS / 5; batch += 4) steps.push([0, 1, 2, 3].map((n) => batchOf(id, runId, batch + n, T0)));
    steps.push([s.ended(runId, messageId, proseAt(n * 31 + i * 11, ANSWER_WORDS), 'complete', 'stop')]);
    parent = runId;
  }
  return steps;
};

test('an answer of 300 words keeps less than 11 kB of PostgreSQL with its question, and less than 1 kB of that is its timeline', async () => {
  const tables = await openTables(await postgres.database());
  const answers = WAVES * AT_ONCE * EXCHANGES;
  for (let wave = 0; wave < WAVES; wave++) {
    const stories = Array.from({ length: AT_ONCE }, (_, n) => conversation(wave * AT_ONCE + n));
    for (let step = 0; step < stories[0]!.length; step++) {
      const events = stories.flatMap((steps) => steps[step]!);
      await tables.store.write(events);
      await tables.analytics.write(events);
    }
  }
  // Without the room of older versions of its rows, which others use again.
  await tables.database.query('VACUUM FULL');
  // Nor what a table has whatever its size: the maps that autovacuum may make meanwhile, and summaries of blocks (48 kB).
  const sizes = (await tables.database.query(
    `SELECT coalesce(p.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid) - pg_relation_size(c.oid, 'fsm')
         - pg_relation_size(c.oid, 'vm') - coalesce(summaries.bytes, 0)) AS bytes FROM pg_class c
       LEFT JOIN (SELECT i.indrelid, sum(pg_total_relation_size(i.indexrelid)) AS bytes FROM pg_index i JOIN pg_class s ON s.oid = i.indexrelid
         JOIN pg_am a ON a.oid = s.relam AND a.amname = 'brin' GROUP BY 1) summaries ON summaries.indrelid = c.oid
       LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1`,
  )) as { name: string; bytes: string }[];
  await tables.close();
  const kept = new Map(sizes.map(({ name, bytes }) => [name, Number(bytes) / answers]));
  expect(kept.get('stream_chunk')).toBeLessThan(1_000);
  expect([...kept.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(11_000);
}, 240_000);
