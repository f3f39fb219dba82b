import { hash } from 'node:crypto';
import { openTables, type AuditTables } from '../src/audit-database.ts';
import { exchange } from '../testing/index.ts';
import { percentile, timed } from './figures.ts';
import { postgresUs } from './processor.ts';

const DAY_MS = 86_400_000;
const DAYS = 90;
/** What is older goes: a ninth of all, ten days at once. */
const TERM_DAYS = 80;
const USERS = 1_000;
/** How often as much comes as went. */
const TURNS = 5;
const STEP = 50_000;
const PAGE = 30;

/** Message i at its time; the last two of eight come in a conversation of a week before, as people come back to what they had begun. */
const FILL = `
  INSERT INTO message (conversation_id, message_id, user_id, position, parent_id, role, text, status, created_at, search)
  SELECT md5(c::text), md5('m' || i), 'u' || c % ${USERS}, at, NULL, r, repeat(words || '. ', 8), 'complete', at / 1000,
    array_to_tsvector(string_to_array(words, ' ') || ('=u' || c % ${USERS})) FROM (
    SELECT i, CASE WHEN i % 8 > 5 AND i > $4 THEN (i - $4) / 8 ELSE i / 8 END AS c, ($3::bigint + i::bigint * $5::bigint) AS at,
      CASE WHEN i % 2 = 0 THEN 'user' ELSE 'assistant' END AS r,
      (SELECT string_agg('w' || floor(random() * random() * 20000)::int, ' ') FROM generate_series(1, 12) WHERE i >= 0) AS words
    FROM generate_series($1::int, $2::int) AS i) AS made`;
const OF_ANSWERS = `FROM message WHERE role = 'assistant' AND position >= $1 AND position < $2`;
const RUNS = `INSERT INTO run (conversation_id, run_id, model, started_at, first_ms, ended_at, reason, epoch, input_tokens, output_tokens)
  SELECT conversation_id, message_id, 'count', created_at, 200, created_at + 4000, 'complete', 1, 100, 300 ${OF_ANSWERS}`;
const TIMELINES = `INSERT INTO stream_chunk (conversation_id, run_id, epoch, batch, started_at, at, chunks, packed, last_batch)
  SELECT conversation_id, message_id, 1, 0, created_at, created_at, '[]', repeat(md5(message_id), 12), 0 ${OF_ANSWERS}`;
const SESSIONS = `INSERT INTO chat_session (conversation_id, user_id, log_id, title, created_at, updated_at, deleted)
  SELECT conversation_id, min(user_id), 'l', 't', min(created_at), max(created_at), 0 FROM message WHERE position >= $1 GROUP BY 1
  ON CONFLICT (conversation_id) DO UPDATE SET updated_at = excluded.updated_at`;

type Row = Record<string, string | number>;
interface Bench {
  tables: AuditTables;
  messages: number;
  /** µs between two messages, and of the first one. */
  step: number;
  start: number;
}

const ask = async ({ tables }: Bench, sql: string, values: readonly unknown[] = []): Promise<Row[]> => {
  let found: Row[] = [];
  await tables.database.transaction(async (tx) => {
    await tx.query('SET LOCAL statement_timeout = 0');
    found = (await tx.query(sql, [...values])) as Row[];
  });
  return found;
};
const say = (name: string, value: number, unit: string): void =>
  void process.stdout.write(`${name.padEnd(64)} ${value.toFixed(2)} ${unit}\n`);

/** Messages, runs and timelines from the i-th on, as if the days in which they were said had gone by. */
const fill = async (bench: Bench, from: number, count: number): Promise<void> => {
  const week = Math.floor((bench.messages * 7) / DAYS / 8) * 8;
  const at = (i: number): number => bench.start + i * bench.step;
  for (let i = from; i < from + count; i += STEP) {
    const next = Math.min(i + STEP, from + count);
    await ask(bench, FILL, [i, next - 1, bench.start, week, bench.step]);
    for (const sql of [RUNS, TIMELINES]) await ask(bench, sql, [at(i), at(next)]);
  }
  await ask(bench, SESSIONS, [at(from)]);
};

/** Pages of history as the reader asks for them, planned anew each time, in the database's own process: elsewhere the machine's other work is timed. */
const PAGES = `
  CREATE FUNCTION bench_pages(pages int, conversations int) RETURNS SETOF float8 LANGUAGE plpgsql AS $$
  DECLARE c int; ids text[]; began timestamptz;
  BEGIN
    FOR i IN 1..pages LOOP
      c := conversations * (0.9 + 0.09 * random());
      began := clock_timestamp();
      EXECUTE 'SELECT array_agg(message_id) FROM (SELECT message_id, octet_length(text) FROM message
        WHERE conversation_id = $1 AND user_id = $2 AND role <> '''' ORDER BY position DESC, message_id DESC LIMIT ${PAGE}) p'
        INTO ids USING md5(c::text), 'u' || c % ${USERS};
      EXECUTE 'SELECT count(text) FROM message WHERE conversation_id = $1 AND message_id = ANY($2)' USING md5(c::text), ids;
      RETURN NEXT 1000 * extract(epoch FROM clock_timestamp() - began);
    END LOOP;
  END $$`;
const pages = async (bench: Bench, count: number): Promise<number[]> =>
  (await ask(bench, 'SELECT ms FROM bench_pages($1::int, $2::int) AS ms', [count, Math.floor(bench.messages / 8)])).map(({ ms }) =>
    Number(ms),
  );

const MIB = 1_048_576;
const sayRoom = async (bench: Bench, when: string): Promise<void> => {
  for (const table of ['message', 'run', 'stream_chunk']) {
    const [row] = await ask(bench, `SELECT pg_table_size('${table}') AS rows, pg_indexes_size('${table}') AS indexes`);
    say(`${table} ${when}: rows`, Number(row!['rows']) / MIB, 'MiB');
    say(`${table} ${when}: indexes`, Number(row!['indexes']) / MIB, 'MiB');
  }
};
const written = async (bench: Bench): Promise<number> =>
  Number((await ask(bench, `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes`))[0]!['bytes']);

/** Pages of history, one after another, as ms, until told; beside a writer of an exchange each 50 ms. */
const readWhile = async (bench: Bench, name: string, work: () => Promise<unknown>): Promise<void> => {
  const took: number[] = [];
  const wrote: number[] = [];
  let isDone = false;
  const reading = async (): Promise<void> => {
    while (!isDone) took.push(...(await pages(bench, 20)));
  };
  const writing = async (): Promise<void> => {
    for (let i = 0; !isDone; i++) {
      wrote.push(
        (await timed(() => bench.tables.writer.write(exchange(`${name.replaceAll(' ', '-')}-${i}`, 'q', 'a', 'ann', Date.now())))) * 1_000,
      );
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const others = [reading(), writing()];
  await work().finally(() => (isDone = true));
  await Promise.all(others);
  for (const p of [50, 99]) say(`page of history, ${name}: p${p} of ${took.length}`, percentile(took, p), 'ms');
  for (const p of [50, 99]) say(`an exchange stored, ${name}: p${p} of ${wrote.length}`, percentile(wrote, p), 'ms');
};
const quietly = (ms: number) => (): Promise<unknown> => new Promise((done) => setTimeout(done, ms));

/** As `service.ts` does it: a batch, and as long a pause. */
const cut = async (bench: Bench, before: number): Promise<void> => {
  const { cutter } = bench.tables;
  const counted = { texts: 0, runs: 0 };
  const busy = { texts: 0, runs: 0 };
  const batches: number[] = [];
  const round = async (what: 'texts' | 'runs', one: () => Promise<number | null>): Promise<void> => {
    for (;;) {
      let rows: number | null = 0;
      const seconds = await timed(async () => (rows = await one()));
      batches.push(seconds * 1_000);
      busy[what] += seconds;
      if (rows === null) return;
      counted[what] += rows;
      await quietly(Math.min(1_000, 10 + seconds * 1_000))();
    }
  };
  const from = await written(bench);
  const fromUs = postgresUs();
  let position = 0;
  await round('texts', async () => {
    const done = (await cutter.texts(before, position, Date.now()))!;
    position = done.next ?? 0;
    return done.next === null ? null : done.messages;
  });
  const texts = await written(bench);
  const textsUs = postgresUs();
  await round('runs', async () => {
    const done = (await cutter.runs(before, Date.now()))!;
    return done.runs + done.timelines === 0 ? null : done.runs + done.timelines;
  });
  say('messages cut', counted.texts, '');
  say('messages cut in a second of work', counted.texts / busy.texts, '/s');
  say('write-ahead log for a message that goes ', (texts - from) / counted.texts, 'bytes');
  say('processor time in PostgreSQL for a message that goes', (textsUs - fromUs) / counted.texts, 'µs');
  say('… for a run or a timeline', (postgresUs() - textsUs) / counted.runs, 'µs');
  say('runs and timelines cut', counted.runs, '');
  say('runs and timelines cut in a second of work', counted.runs / busy.runs, '/s');
  say('write-ahead log for one of those', ((await written(bench)) - texts) / counted.runs, 'bytes');
  say('longest batch', Math.max(...batches), 'ms');
};

const vacuum = async (bench: Bench): Promise<void> => {
  for (const table of ['message', 'run', 'stream_chunk'])
    say(`VACUUM ${table}`, await timed(() => bench.tables.database.query(`VACUUM ${table}`)), 's');
};

interface Buffers {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
}
const touched = (of: Buffers): number => of['Shared Hit Blocks'] + of['Shared Read Blocks'];

const INDEXES = [
  'CREATE INDEX ON NAME (conversation_id, position)',
  'CREATE INDEX ON NAME (user_id, position)',
  'CREATE INDEX ON NAME (position)',
  'CREATE INDEX ON NAME USING gin (search)',
];

/** The same rows divided by time, under the same name, so that the same code reads them; then a part that is past its time goes whole. */
const divided = async (bench: Bench, days: number): Promise<void> => {
  const name = `message_by_${days}`;
  await ask(
    bench,
    `CREATE TABLE ${name} (LIKE message, PRIMARY KEY (conversation_id, message_id, position)) PARTITION BY RANGE (position)`,
  );
  const of = days * DAY_MS * 1_000;
  const end = Date.now() * 1_000 + of;
  const parts: string[] = [];
  for (let from = bench.start; from < end; from += of) {
    parts.push(`${name}_${parts.length}`);
    await ask(bench, `CREATE TABLE ${parts.at(-1)} PARTITION OF ${name} FOR VALUES FROM (${from}) TO (${from + of})`);
  }
  await ask(bench, `INSERT INTO ${name} SELECT * FROM message WHERE position >= $1 AND position < $2`, [bench.start, end - of]);
  for (const index of INDEXES) await ask(bench, index.replace('NAME', name));
  await bench.tables.database.query(`VACUUM ANALYZE ${name}`);
  await ask(bench, `ALTER TABLE message RENAME TO message_whole`);
  await ask(bench, `ALTER TABLE ${name} RENAME TO message`);
  const named = `SELECT count(*) FROM message WHERE (conversation_id, message_id) IN (SELECT md5((i / 8)::text), md5('m' || i) FROM generate_series($1::int, $1::int + 99) AS i)`;
  const look = async (which: string): Promise<void> => {
    const found = await ask(bench, `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${named}`, [Math.floor(bench.messages * 0.95)]);
    const [{ Plan, Planning }] = found[0]!['QUERY PLAN'] as unknown as [{ Plan: Buffers; Planning: Buffers }];
    say(`100 messages found by name, ${which}: blocks touched`, touched(Plan) + touched(Planning), '');
  };
  const read = async (which: string): Promise<void> => {
    const from = postgresUs();
    const took = await pages(bench, 1_000);
    say(`page of history, ${which}: processor time`, (postgresUs() - from) / 1_000, 'µs');
    for (const p of [50, 99]) say(`page of history alone, ${which}: p${p}`, percentile(took, p), 'ms');
  };
  const which = `${parts.length} parts of ${days} days`;
  await read(which);
  await look(which);
  const [room] = await ask(
    bench,
    `SELECT sum(pg_table_size(relid)) AS rows, sum(pg_indexes_size(relid)) AS indexes FROM pg_partition_tree('message') WHERE isleaf`,
  );
  say(`message in ${which}: rows`, Number(room!['rows']) / MIB, 'MiB');
  say(`message in ${which}: indexes`, Number(room!['indexes']) / MIB, 'MiB');
  // The first ones are empty or half so by now.
  const oldest = parts[Math.floor(parts.length / 2)]!;
  const from = await written(bench);
  const fromUs = postgresUs();
  let rows = 0;
  // What is held must be found and set aside, and the trail be told of each conversation, before a part may go.
  const seconds = await timed(async () => {
    const [count] = await ask(bench, `SELECT count(*) AS n FROM ${oldest}`);
    rows = Number(count!['n']);
    await ask(
      bench,
      `CREATE TABLE held_of_${days} AS SELECT m.* FROM ${oldest} m JOIN chat_session s USING (conversation_id)
      WHERE EXISTS (SELECT 1 FROM legal_hold h WHERE (h.kind = 'user' AND h.subject = s.user_id) OR h.subject = m.conversation_id)`,
    );
    await ask(bench, `INSERT INTO text_cut SELECT conversation_id, $1, max(position), 0 FROM ${oldest} GROUP BY 1`, [1_000_000 + days]);
    await ask(bench, `DROP TABLE ${oldest}`);
  });
  const [held] = await ask(bench, `SELECT count(*) AS n FROM held_of_${days}`);
  say(`a part of ${days} days goes (${rows} messages, ${held!['n']} of them held)`, seconds, 's');
  say('processor time in PostgreSQL for a message that goes with its part', (postgresUs() - fromUs) / rows, 'µs');
  say('write-ahead log for a message that goes with its part', ((await written(bench)) - from) / rows, 'bytes');
  const spread = await ask(
    bench,
    `SELECT count(DISTINCT m.tableoid) AS n FROM message m JOIN chat_session s USING (conversation_id) JOIN legal_hold h
       ON (h.kind = 'user' AND h.subject = s.user_id) OR h.subject = m.conversation_id`,
  );
  say(`parts of ${days} days with something held, of ${parts.length - 1}`, Number(spread[0]!['n']), '');
  await ask(bench, `DROP TABLE message`);
  await ask(bench, `ALTER TABLE message_whole RENAME TO message`);
  await read('not divided');
  await look('not divided');
};

/** Deletes in batches against parts that go whole, over so many messages, half as many runs and as many timelines as runs. */
export const measureRetention = async (url: string, messages: number): Promise<void> => {
  const tables = await openTables(url);
  const start = (Date.now() - DAYS * DAY_MS) * 1_000;
  const bench: Bench = { tables, messages, start, step: Math.floor((DAYS * DAY_MS * 1_000) / messages) };
  try {
    await ask(bench, 'DROP INDEX message_search');
    await ask(bench, PAGES);
    say('filled', await timed(() => fill(bench, 0, messages)), 's');
    await ask(bench, 'CREATE INDEX message_search ON message USING gin (search)');
    await tables.database.query('VACUUM ANALYZE');
    for (let i = 0; i < 10; i++) await tables.holds.set({ admin: 'root', user: `u${i}`, matter: 'bench' });
    for (let i = 0; i < 20; i++)
      await tables.holds.set({ admin: 'root', conversation: hash('md5', String(Math.floor((i * messages) / 160))), matter: 'bench' });
    await sayRoom(bench, 'before');
    await readWhile(bench, 'nothing beside', quietly(10_000));
    const before = Math.floor((Date.now() - TERM_DAYS * DAY_MS) / DAY_MS) * DAY_MS;
    await cut(bench, before);
    await vacuum(bench);
    await sayRoom(bench, 'after the cut and VACUUM');
    // Ten days go by, again and again: as much comes as went. What has no room in what was freed makes the table longer.
    const ninth = Math.floor((messages * (DAYS - TERM_DAYS)) / DAYS);
    for (let turn = 1; turn <= TURNS; turn++) {
      await fill(bench, messages + (turn - 1) * ninth, ninth);
      await sayRoom(bench, `when as much has come, ${turn}`);
      if (turn === TURNS) break;
      const work = (): Promise<void> => cut(bench, before + turn * (DAYS - TERM_DAYS) * DAY_MS);
      await (turn === 1 ? readWhile(bench, 'beside the next cut', work) : work());
      await vacuum(bench);
    }
    await tables.database.query('VACUUM ANALYZE');
    await divided(bench, 30);
    await divided(bench, 7);
  } finally {
    await tables.close();
  }
};
