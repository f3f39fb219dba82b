import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { tablesContract } from '../test/contract/tables.ts';
import { openToRead } from './database/data-source.ts';
import { SERVICE_RIGHTS } from './database/rights.ts';
import { openTables } from './audit-database.ts';
import { exchange, startPostgres, T0, type TestPostgres } from '../testing/index.ts';
import { verify } from './read/verify.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

tablesContract('PostgreSQL', () => postgres.database());

test('P-9 two pods that write the same conversations at once store each event once, and the chains hold', async () => {
  const url = await postgres.database();
  // Both bring the schema up to date at the same time.
  const pods = await Promise.all([openTables(url), openTables(url)]);
  const events = Array.from({ length: 40 }, (_, i) => exchange(`c${i}`, `q ${i}`, `a ${i}`, 'ann', T0 + i)).flat();
  const chat = events.filter((e) => !e.type.startsWith('STREAM_'));
  const streams = events.filter((e) => e.type.startsWith('STREAM_'));
  const writes = [
    pods[0].store.write(chat),
    pods[1].store.write(streams),
    pods[1].store.write(events.slice(0, 60)),
    pods[0].store.write(events.slice(40)),
  ];
  const stored = await Promise.all(writes);
  expect(stored.reduce((a, b) => a + b)).toBe(160);
  expect(await verify(pods[0].database)).toMatchObject({ logs: 40, events: 160, texts: 80, problems: [] });
  await Promise.all(pods.map((pod) => pod.close()));
});

test('P-10 the server goes away under a writer and comes back: the writer tries again and nothing is twice', async () => {
  // Of its own: one that has the databases of all tests takes half a minute to come back on a busy machine.
  const own = await startPostgres();
  onTestFinished(() => own.stop());
  const tables = await openTables(await own.database());
  await tables.writer.write(exchange('c1', 'q', 'a'));
  const many = Array.from({ length: 400 }, (_, i) => exchange(`d${i}`, 'q', 'a')).flat();
  const halfway = expect(tables.writer.write(many)).rejects.toThrow();
  await own.kill();
  await halfway;
  await expect(tables.writer.write(exchange('c2', 'q', 'a'))).rejects.toThrow();
  await own.restart();
  await tables.writer.write([...exchange('c1', 'q', 'a'), ...exchange('c2', 'q', 'a'), ...many]);
  expect(await verify(tables.database)).toMatchObject({ logs: 402, events: 1_608, problems: [] });
  await tables.close();
});

const asRole = (url: string, role: string): string => url.replace('//runnel@', `//${role}@`);

test('S-15 verify asks for the right to read only, and a database of an older schema is told', async () => {
  const url = await postgres.database();
  await expect(openToRead(url)).rejects.toThrow('migrate');
  const tables = await openTables(url);
  onTestFinished(() => tables.close());
  await tables.store.write(exchange('c1', 'hỏi', 'đáp'));
  await tables.database.query(`CREATE ROLE auditor LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor`);
  const reading = await openToRead(asRole(url, 'auditor'));
  onTestFinished(() => reading.destroy());
  expect(await verify(reading)).toMatchObject({ logs: 1, events: 4, texts: 2, problems: [] });
  await expect(reading.query(`DELETE FROM message`)).rejects.toThrow('permission denied');
  await expect(reading.query(`CREATE TABLE mine (a int)`)).rejects.toThrow('permission denied');
});

test('S-15 the service works with a role that may add to the trail and change or remove nothing of it', async () => {
  const url = await postgres.database();
  const owner = await openTables(url);
  onTestFinished(() => owner.close());
  await owner.partitions.makeAhead(T0, 2);
  await owner.database.query(`CREATE ROLE service LOGIN`);
  for (const statement of SERVICE_RIGHTS('service')) await owner.database.query(statement);
  const tables = await openTables(asRole(url, 'service'));
  onTestFinished(() => tables.close());
  const s = exchange('c1', 'hỏi', 'đáp');
  await tables.writer.write(s);
  await tables.writer.write(s);
  await tables.analytics.write(s);
  await tables.writer.write(exchange('c2', 'hỏi', 'đáp', 'ann', Date.UTC(2026, 7, 3)));
  expect(await verify(tables.database)).toMatchObject({ logs: 2, events: 8, problems: [] });
  for (const statement of [
    'UPDATE audit_log SET user_id = NULL',
    'DELETE FROM audit_log',
    'UPDATE audit_chain SET hash = NULL',
    'DELETE FROM audit_chain',
    'DELETE FROM audit_head',
    'DROP TABLE audit_log',
    'TRUNCATE audit_log',
    'DELETE FROM chat_session',
  ])
    await expect(tables.database.query(statement)).rejects.toThrow(/permission denied|must be owner/);
});

test('R-2 a role is rotated as docs/operations.md says: a second one writes beside the first, which then goes', async () => {
  const url = await postgres.database();
  const owner = await openTables(url);
  onTestFinished(() => owner.close());
  await owner.partitions.makeAhead(T0, 2);
  const write = async (role: string, conversation: string): Promise<void> => {
    const tables = await openTables(asRole(url, role));
    await tables.writer.write(exchange(conversation, 'hỏi', 'đáp')).finally(() => tables.close());
  };
  for (const role of ['runnel_a', 'runnel_b']) {
    await owner.database.query(`CREATE ROLE ${role} LOGIN`);
    for (const statement of SERVICE_RIGHTS(role)) await owner.database.query(statement);
    await write(role, `by-${role}`);
  }
  await owner.database.query('DROP OWNED BY runnel_a');
  await owner.database.query('DROP ROLE runnel_a');
  await write('runnel_b', 'after');
  await expect(write('runnel_a', 'never')).rejects.toThrow(/runnel_a/);
  expect(await verify(owner.database)).toMatchObject({ logs: 3, problems: [] });
});

test('R-3 retention waits for no writer and no writer waits long for it: what somebody has in hand is left for the next round', async () => {
  const url = await postgres.database();
  const tables = await openTables(url);
  onTestFinished(() => tables.close());
  await tables.store.write([...exchange('c1', 'một', 'hai'), ...exchange('c2', 'ba', 'bốn')]);
  const [before, now] = [T0 + 86_400_000, T0 + 3 * 86_400_000];
  // A writer in the middle of a conversation; nothing of it may be cut, all of the others may.
  const commit = await postgres.hold(url, `SELECT 1 FROM chat_session WHERE conversation_id = 'c1' FOR UPDATE`);
  expect(await tables.cutter.texts(before, 0, now)).toMatchObject({ messages: 2, conversations: 1 });
  await commit();
  // A writer that holds the admins' log: the batch gives way within its half second, and changed nothing.
  const release = await postgres.hold(url, `SELECT pg_advisory_xact_lock(7201, b) FROM generate_series(0, 63) AS b`);
  await expect(tables.cutter.texts(before, 0, now)).rejects.toThrow(/lock timeout/);
  await release();
  // Another pod that cuts: this one leaves it to it.
  const done = await postgres.hold(url, 'SELECT pg_advisory_xact_lock(7201107)');
  expect(await tables.cutter.texts(before, 0, now)).toBeNull();
  await done();
  expect(await tables.cutter.texts(before, 0, now)).toMatchObject({ messages: 2, conversations: 1 });
  expect((await verify(tables.database, undefined, now)).problems).toEqual([]);
});

test('B20 a batch is on disk when it is stored, whatever the server’s default; a stronger one stays', async () => {
  const url = await postgres.database();
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  onTestFinished(() => admin.end());
  const name = new URL(url).pathname.slice(1);
  for (const [is, becomes] of [
    ['off', 'on'],
    ['local', 'on'],
    ['remote_apply', 'remote_apply'],
  ]) {
    await admin.query(`ALTER DATABASE ${name} SET synchronous_commit = ${is}`);
    const tables = await openTables(url);
    const seen: string[] = [];
    await tables.database.query('CREATE TABLE IF NOT EXISTS seen (value text)');
    await tables.database.query(
      `CREATE OR REPLACE FUNCTION note() RETURNS trigger AS $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$ LANGUAGE plpgsql`,
    );
    await tables.database.query('CREATE OR REPLACE TRIGGER noting AFTER INSERT ON audit_head FOR EACH ROW EXECUTE FUNCTION note()');
    await tables.store.write(exchange(`c-${is}`, 'hỏi', 'đáp'));
    seen.push(...((await tables.database.query('SELECT value FROM seen')) as { value: string }[]).map(({ value }) => value));
    await tables.database.query('TRUNCATE seen');
    await tables.close();
    expect([is, seen]).toEqual([is, [becomes]]);
  }
});
