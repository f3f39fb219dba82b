import type { AuditEventOf, AuditMessage } from '@runnel/protocol/audit';
import { expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { dialectOf, place } from '../../src/database/sql.ts';
import type { AuditTables } from '../../src/audit-database.ts';
import { asBefore } from '../../testing/dump.ts';
import { exchange, story, T0 } from '../../testing/events.ts';
import { verify } from '../../src/read/verify.ts';

type Row = Record<string, string | number | null>;

/** Columns that prove nothing, each with the reason; `*` is a whole table. */
const FREE: Record<string, string> = {
  'dead_letter.*': 'what was put aside is read and checked anew before it is stored',
  'stream_chunk.*': 'the timeline of an answer is best effort, and no text comes from it',
  'message.id': 'the key of SQLite’s search index, which is made of the text',
  'message.search': 'the words of the search, made of the text',
  'run.first_ms': 'measured by the pod, in no event',
  'audit_late_key.*': 'recognises late events of erased persons, and is in no proof',
  'audit_person.digest': 'recognises late events of an erased person, and goes after some days',
  'audit_checked.*': 'what the next checkpoint has to say; the signed root tells if it says too little',
  'legal_hold.matter': 'what the lawyers call it',
  'audit_checkpoint.*': 'signed; held against the copies outside of the database',
};
const TABLES = [
  'audit_log',
  'audit_chain',
  'audit_head',
  'audit_cut',
  'audit_state',
  'audit_person',
  'audit_redacted',
  'audit_late_key',
  'text_cut',
  'legal_hold',
  'chat_session',
  'message',
  'run',
  'stream_chunk',
  'dead_letter',
];
/** Rows whose absence is no finding. */
const MAY_LACK: Record<string, string> = {
  run: 'the statistics are counted by a reader of their own, which may be behind',
  stream_chunk: FREE['stream_chunk.*']!,
  audit_late_key: FREE['audit_late_key.*']!,
  dead_letter: FREE['dead_letter.*']!,
};

const columnsOf = async (database: DataSource, table: string): Promise<string[]> => {
  const found = (await database.query(
    dialectOf(database) === 'sqlite'
      ? `SELECT name FROM pragma_table_info('${table}')`
      : `SELECT column_name AS name FROM information_schema.columns WHERE table_name = '${table}' AND table_schema = 'public'`,
  )) as { name: string }[];
  return found.map(({ name }) => name);
};

/** A conversation of each kind: alive, answered twice, retitled, one message deleted, deleted, made again, written again, half retired. */
const fill = async (tables: AuditTables): Promise<void> => {
  const alive = story('c1');
  const old = story('old', { at: Date.UTC(2026, 4, 31, 23, 59, 59, 998) });
  const gone = story('c2', { userId: 'bob' });
  const again = story('c2', { userId: 'bob', logId: 'second', at: T0 + 60_000 });
  const left = story('c3');
  const lost = story('c4', { logId: 'lost' });
  const restored: AuditMessage = {
    messageId: 'm0',
    parentId: null,
    role: 'user',
    text: 'trước đó',
    status: 'complete',
    createdAt: T0 - 9,
    author: 'ann',
  };
  const events = [
    ...[alive.started('Chào'), alive.said('m1', 'hỏi'), alive.began('r1', 'm1'), alive.ended('r1', 'm1', 'đáp')],
    ...[alive.said('m2', 'nữa', 'r1'), alive.began('r2', 'm2'), alive.ended('r2', 'm2', 'vâ', 'cancelled')],
    ...[alive.make('TITLE_CHANGED', { title: 'Mới' }), alive.make('MESSAGE_DELETED', { messageId: 'm2' })],
    ...[gone.started(), gone.said('m1', 'bí mật'), gone.began('r1', 'm1'), gone.ended('r1', 'm1', 'lộ'), gone.make('SESSION_DELETED', {})],
    ...[again.started('Lại'), again.said('m1', 'cùng tên'), again.began('r1', 'm1'), again.ended('r1', 'm1', 'khác', 'failed')],
    ...[left.started(), left.said('m1', 'x'), left.make('SESSION_DELETED', {})],
    lost.restored('r9', 'Cũ', [restored]),
    ...[old.started(), old.said('m1', 'a'), old.said('m2', 'b'), old.said('m3', 'c'), old.make('TITLE_CHANGED', { title: 'Vẫn đây' })],
  ];
  const chunks: AuditEventOf<'CHUNK_RECEIVED'> = {
    ...events[0]!,
    id: 'log-c1:t1',
    type: 'CHUNK_RECEIVED',
    data: { userId: 'ann', runId: 'r1', model: 'count', epoch: 1, batch: 0, startedAt: T0, at: 0, chunks: [[1, 5, 3]] },
  };
  await tables.store.write([...events, chunks]);
  await tables.analytics.write([...events, chunks]);
  await tables.recordAdminAct({ type: 'ADMIN_READ', admin: 'root', target: 'ann', query: '{}' });
  await tables.recordAdminAct({ type: 'USER_ERASED', admin: 'root', target: 'bob' });
  const first = story('c5', { userId: 'eva' });
  const second = story('c6', { userId: 'eva', at: T0 + 100 });
  await tables.store.write([first.started(), first.said('m1', 'của Eva')]);
  await asBefore(tables.database, 'log-c5');
  await tables.store.write([second.started(), second.make('SESSION_DELETED', {})]);
  await tables.store.write([first.make('SESSION_DELETED', { deletedBy: 'root', erased: true })]);
  await tables.partitions.retire(Date.UTC(2026, 5, 15));
  const cut = story('c7', { at: T0 - 5 * 86_400_000 });
  await tables.store.write([cut.started('Cũ'), cut.said('m1', 'đã cũ')]);
  await tables.holds.set({ admin: 'root', conversation: 'c1' });
  await tables.holds.set({ admin: 'root', user: 'ann2' });
  await tables.cutter.texts(T0 - 86_400_000, 0, Date.now());
};

const other = (column: string, value: string | number | null): string | number => {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value));
  if (column === 'deleted') return Number(value) === 1 ? 0 : 1;
  // Far enough from every other time and place.
  if (isNumber && column !== 'value') return Number(value) + 1_000_003;
  return value === null && /_at$|tokens$/.test(column) ? 7 : `${value ?? ''}x`;
};

/** What verify must find, and what it must not. */
export const proofContract = (name: string, open: () => Promise<AuditTables>): void => {
  test('verify tells what was changed, removed, doubled or replaced', async () => {
    const tables = await open();
    const tamper = async (statement: string): Promise<string[]> => {
      await tables.database.query(statement);
      return (await verify(tables.database)).problems;
    };
    await tables.store.write([...exchange('c1', 'một', 'hai'), ...exchange('c2', 'ba', 'bốn'), ...exchange('c3', 'năm', 'sáu')]);
    const clean = await verify(tables.database);
    expect(clean.problems).toEqual([]);
    expect(await tamper(`UPDATE message SET text = 'khác' WHERE message_id = 'r-c1'`)).toEqual([
      'log log-c1: event 4: the stored text was changed',
    ]);
    expect(await tamper(`UPDATE audit_log SET user_id = 'eve' WHERE event_id = 'log-c2:a2'`)).toContain('log log-c2: event 2 was changed');
    expect(await tamper(`DELETE FROM audit_log WHERE event_id = 'log-c3:a2'`)).toContain('log log-c3: event 2 is missing');
    expect(await tamper(`DELETE FROM audit_log WHERE event_id = 'log-c3:a4'`)).toContain('log log-c3: events after 3 were removed');
    expect(
      await tamper(
        `INSERT INTO audit_log SELECT event_id, time + 1, conversation_id, log_id, sequence, type, user_id, run_id, data FROM audit_log WHERE event_id = 'log-c1:a1'`,
      ),
    ).toContain('log log-c1: event 1 is there twice');
    // A whole conversation taken out with its chain leaves no trace but another root.
    for (const table of ['audit_log', 'audit_chain', 'audit_head'])
      await tables.database.query(`DELETE FROM ${table} WHERE log_id = 'log-c2'`);
    expect((await verify(tables.database)).root).not.toBe(clean.root);
  });

  test(
    'B9 S-15 each column of each row of each table, changed in turn, is a finding; so is each row removed, and each added',
    { timeout: 120_000 },
    async () => {
      const tables = await open();
      const { database } = tables;
      await fill(tables);
      const dialect = dialectOf(database);
      const run = (sql: string, values: unknown[]): Promise<unknown> => database.query(place(dialect, sql), values);
      const problems = async (): Promise<string[]> => (await verify(database)).problems;
      expect(await problems()).toEqual([]);
      const unnoticed: string[] = [];
      let mutations = 0;
      for (const table of TABLES) {
        const columns = await columnsOf(database, table);
        const isFree = (column: string): boolean => FREE[`${table}.*`] !== undefined || FREE[`${table}.${column}`] !== undefined;
        // A server in a process of its own takes longer for each.
        const every = dialect === 'sqlite' ? 1 : 5;
        const rows = ((await database.query(`SELECT * FROM ${table}`)) as Row[]).filter((_, i) => i % every === 0);
        for (const row of rows) {
          const where = (changed: Row): [string, unknown[]] => {
            const known = columns.filter((column) => column !== 'search' && changed[column] !== null);
            return [known.map((column, i) => `${column} = $${i + 1}`).join(' AND '), known.map((column) => changed[column])];
          };
          const note = async (what: string): Promise<void> => {
            mutations++;
            if ((await problems()).length === 0) unnoticed.push(`${table} ${what}: ${JSON.stringify(row)}`);
          };
          for (const column of columns.filter((c) => !isFree(c))) {
            const changed = { ...row, [column]: other(column, row[column]!) };
            // A null column is found by the others.
            const set = async (from: Row, to: Row): Promise<void> => {
              const [condition, values] = where({ ...from, ...(row[column] === null && { [column]: null }) });
              await run(`UPDATE ${table} SET ${column} = $${values.length + 1} WHERE ${condition}`, [...values, to[column]]);
            };
            await set(row, changed);
            await note(column);
            await set(changed, row);
          }
          const names = columns.filter((column) => column !== 'search');
          const add = (added: Row): Promise<unknown> =>
            run(
              `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
              names.map((c) => added[c]),
            );
          if (MAY_LACK[table] === undefined) {
            const [condition, values] = where(row);
            await run(`DELETE FROM ${table} WHERE ${condition}`, values);
            await note('removed');
            await add(row);
          }
        }
        expect([table, await problems()]).toEqual([table, []]);
      }
      expect(unnoticed).toEqual([]);
      expect(mutations).toBeGreaterThan(dialect === 'sqlite' ? 300 : 60);

      const surplus: [string, string][] = [
        ['message', `SELECT * FROM message WHERE message_id = 'm1' AND conversation_id = 'c1'`],
        ['chat_session', `SELECT * FROM chat_session WHERE conversation_id = 'c1'`],
        ['run', `SELECT * FROM run WHERE run_id = 'r1' AND conversation_id = 'c1'`],
        ['audit_head', `SELECT * FROM audit_head WHERE log_id = 'second'`],
        ['audit_chain', `SELECT * FROM audit_chain WHERE log_id = 'second' AND sequence = 1`],
      ];
      for (const [table, select] of surplus) {
        const [{ search: _search, id: _id, ...row }] = (await database.query(select)) as [Row];
        const key = { message: 'message_id', chat_session: 'conversation_id', run: 'run_id', audit_head: 'log_id', audit_chain: 'log_id' }[
          table
        ]!;
        const added = { ...row, [key]: 'surplus' };
        await run(
          `INSERT INTO ${table} (${Object.keys(added).join(', ')}) VALUES (${Object.keys(added)
            .map((_, i) => `$${i + 1}`)
            .join(', ')})`,
          Object.values(added),
        );
        expect([table, (await problems()).length > 0]).toEqual([table, true]);
        await run(`DELETE FROM ${table} WHERE ${key} = 'surplus'`, []);
      }
      expect(await problems()).toEqual([]);
    },
  );
};
