import { openTables, type AuditTables } from '../src/audit-database.ts';
import { percentile, timed, type Figure } from './figures.ts';

const USERS = 100;
const PER_CONVERSATION = 50;

/** Messages made by the database itself, with the words as `searchVector` makes them: 12 words of a vocabulary of 20,000, one of them frequent. */
const FILL = `
  INSERT INTO message (conversation_id, message_id, user_id, position, parent_id, role, text, status, created_at, search)
  SELECT c, m, u, at, NULL, r, words, 'complete', at / 1000, array_to_tsvector(string_to_array(words, ' ') || ('=' || u)) FROM (
    SELECT 'c' || i / ${PER_CONVERSATION} AS c, 'm' || i AS m, 'u' || (i / ${PER_CONVERSATION}) % ${USERS} AS u, 1700000000000000 + i::bigint * 1000 AS at,
      CASE WHEN i % 2 = 0 THEN 'user' ELSE 'assistant' END AS r,
      (SELECT string_agg('w' || floor(random() * random() * 20000)::int, ' ') || CASE WHEN i % 3 = 0 THEN ' river' ELSE '' END
        FROM generate_series(1, 12) WHERE i >= 0) AS words
    FROM generate_series($1::int, $2::int) AS i) AS made`;

const fill = async ({ database }: AuditTables, messages: number): Promise<void> => {
  await database.query('DROP INDEX message_search');
  const STEP = 50_000;
  for (let from = 0; from < messages; from += STEP) await database.query(FILL, [from, from + STEP - 1]);
  await database.transaction(async (tx) => {
    await tx.query('SET LOCAL statement_timeout = 0');
    await tx.query('CREATE INDEX message_search ON message USING gin (search) WITH (gin_pending_list_limit = 256)');
  });
  await database.query(
    `INSERT INTO chat_session (conversation_id, user_id, log_id, title, created_at, updated_at, deleted)
     SELECT conversation_id, min(user_id), 'l', 't', 0, max(created_at), 0 FROM message GROUP BY 1`,
  );
  await database.query('VACUUM ANALYZE');
};

/** History pages and searches over so many messages, one after another, as milliseconds. */
export const measureReading = async (url: string, messages: number): Promise<Figure[]> => {
  const tables = await openTables(url);
  try {
    const fillSeconds = await timed(() => fill(tables, messages));
    const random = (below: number): number => Math.floor(Math.random() * below);
    const many = async (count: number, one: () => Promise<unknown>): Promise<number[]> => {
      const took: number[] = [];
      for (let i = 0; i < count; i++) took.push((await timed(one)) * 1_000);
      return took;
    };
    const history = (): Promise<unknown> => {
      const i = random(messages);
      const c = Math.floor(i / PER_CONVERSATION);
      return tables.reader.history({ conversationId: `c${c}`, userId: `u${c % USERS}`, before: `m${i}`, limit: 50 });
    };
    const search = (text: () => string) => () => tables.reader.search({ userId: `u${random(USERS)}`, text: text(), limit: 20 });
    const figures: Figure[] = [{ name: `made and indexed ${messages.toLocaleString('en')} messages`, values: [fillSeconds], unit: 's' }];
    const measure = async (name: string, one: () => Promise<unknown>): Promise<void> => {
      await many(20, one);
      const took = await many(300, one);
      for (const p of [50, 95, 99]) figures.push({ name: `${name} p${p}`, values: [percentile(took, p)], unit: 'ms' });
    };
    await measure('history page of 50, database', history);
    await measure(
      'search, rare word',
      search(() => `w${10_000 + random(9_000)}`),
    );
    await measure(
      'search, frequent word (a third of all)',
      search(() => 'river'),
    );
    await measure(
      'search, frequent and rare word',
      search(() => `river w${random(3_000)}`),
    );
    await measure(
      'search, beginning of a word',
      search(() => `w${100 + random(80)}`),
    );
    return figures;
  } finally {
    await tables.close();
  }
};
