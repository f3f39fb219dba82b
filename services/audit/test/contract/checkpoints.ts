import { generateKeyPairSync } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMetrics, silentLog, waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { auditMetrics } from '../../src/metrics.ts';
import { CHAIN_START, linkHash } from '../../src/store/chain.ts';
import { holdAgainst, readCheckpoints } from '../../src/checkpoints/check.ts';
import { makeCheckpoint } from '../../src/checkpoints/make.ts';
import { startCheckpoints } from '../../src/checkpoints/service.ts';
import { AUDIT, rowOf } from '../../src/database/tables.ts';
import { sha256Of } from '../../src/store/rows.ts';
import type { AuditTables } from '../../src/audit-database.ts';
import { exchange, story, T0 } from '../../testing/events.ts';
import { verify } from '../../src/read/verify.ts';

const { privateKey: key } = generateKeyPairSync('ed25519');
const HOUR_MS = 3_600_000;

const linesOf = async (database: DataSource): Promise<string[]> =>
  ((await database.query('SELECT line FROM audit_checkpoint ORDER BY number')) as { line: string }[]).map(({ line }) => line);

/** What somebody does who may write everywhere and knows how links are made: the log is linked anew, and is whole in itself. */
const linkAnew = async (database: DataSource, logId: string): Promise<void> => {
  const rows = (
    (await database.query(`SELECT * FROM audit_log WHERE log_id = '${logId}' ORDER BY sequence`)) as Record<string, unknown>[]
  ).map((raw) => rowOf(AUDIT, raw));
  let hash = CHAIN_START;
  for (const row of rows) {
    hash = linkHash(hash, row);
    await database.query(`UPDATE audit_chain SET hash = '${hash}' WHERE log_id = '${logId}' AND sequence = ${row.sequence}`);
  }
  await database.query(`UPDATE audit_head SET hash = '${hash}' WHERE log_id = '${logId}'`);
};

/** What checkpoints of an earlier moment find in the tables of today. */
export const checkpointsContract = (open: () => Promise<AuditTables>): void => {
  const filled = async (): Promise<AuditTables> => {
    const tables = await open();
    await tables.store.write(['c1', 'c2', 'c3', 'c4'].flatMap((id) => exchange(id, `hỏi ${id}`, `đáp ${id}`)));
    return tables;
  };

  test('S-15 rewrites that are whole in themselves are found by an earlier checkpoint: a text, a conversation, an end', async () => {
    const { database, store } = await filled();
    expect(await makeCheckpoint(database, key, HOUR_MS, T0)).toBe(T0);
    // Younger than an hour: none is made.
    expect(await makeCheckpoint(database, key, HOUR_MS, T0 + HOUR_MS - 1)).toBe(T0);
    const later = story('c1', { logId: 'later', at: T0 + 60_000 });
    await store.write([later.make('TITLE_CHANGED', { title: 'Mới' })]);
    expect(await makeCheckpoint(database, key, HOUR_MS, T0 + HOUR_MS)).toBe(T0 + HOUR_MS);
    const lines = await linesOf(database);
    const told = await readCheckpoints(lines, key);
    expect(told).toMatchObject({ checkpoints: 2, problems: [] });
    expect(told.ends.size).toBe(5);
    expect(await holdAgainst(database, told)).toEqual([]);
    // What is said later is no finding.
    await store.write(exchange('c5', 'mới', 'mới'));
    expect(await holdAgainst(database, told)).toEqual([]);

    const other = sha256Of('giả');
    await database.query(`UPDATE message SET text = 'giả' WHERE message_id = 'm-c1'`);
    await database.query(`UPDATE audit_log SET data = replace(data, '${sha256Of('hỏi c1')}', '${other}') WHERE log_id = 'log-c1'`);
    await linkAnew(database, 'log-c1');
    for (const table of ['audit_log', 'audit_head', 'chat_session', 'message'])
      await database.query(`DELETE FROM ${table} WHERE conversation_id = 'c2'`);
    await database.query(`DELETE FROM audit_chain WHERE log_id = 'log-c2'`);
    for (const table of ['audit_log', 'audit_chain']) await database.query(`DELETE FROM ${table} WHERE log_id = 'log-c3' AND sequence = 4`);
    await database.query(
      `UPDATE audit_head SET sequence = 3, seen = 3, hash = (SELECT hash FROM audit_chain WHERE log_id = 'log-c3' AND sequence = 3) WHERE log_id = 'log-c3'`,
    );
    await database.query(`DELETE FROM message WHERE message_id = 'r-c3'`);
    await database.query(`UPDATE chat_session SET updated_at = updated_at - 2 WHERE conversation_id = 'c3'`);
    expect((await verify(database)).problems).toEqual([]);
    expect((await holdAgainst(database, told)).toSorted()).toEqual([
      'log log-c1: event 4, of the checkpoint of 2026-07-01T00:00:00.000Z, was rewritten, or one before it',
      'log log-c2: event 4, of the checkpoint of 2026-07-01T00:00:00.000Z, was removed',
      'log log-c3: event 4, of the checkpoint of 2026-07-01T00:00:00.000Z, was removed',
    ]);
  });

  test('S-15 a checkpoint that was changed, left out, moved or signed by another is none', async () => {
    const { database, store } = await filled();
    for (let i = 0; i < 3; i++) {
      await store.write(exchange(`d${i}`, 'q', 'a'));
      await makeCheckpoint(database, key, HOUR_MS, T0 + i * HOUR_MS);
    }
    const [a, b, c] = (await linesOf(database)) as [string, string, string];
    const problemsOf = async (lines: string[], by = key): Promise<number> => (await readCheckpoints(lines, by)).problems.length;
    expect(await problemsOf([a, b, c])).toBe(0);
    for (const lines of [[b, c], [a, c], [b, a, c], [a, a, b], [a, b.replace('log-d1', 'log-d9'), c], [a, 'null', c], [`${a}x`]])
      expect([lines, await problemsOf(lines)]).toEqual([lines, 1]);
    expect(await problemsOf([a], generateKeyPairSync('ed25519').privateKey)).toBe(1);
    // Somebody who may write says of a log that it is told already: the signed root tells.
    await store.write(exchange('e1', 'q', 'a'));
    await database.query(`INSERT INTO audit_checked (log_id, sequence) VALUES ('log-e1', 4)`);
    await makeCheckpoint(database, key, HOUR_MS, T0 + 9 * HOUR_MS);
    expect((await readCheckpoints(await linesOf(database), key)).problems).toEqual([
      'checkpoint 4: its root is not that of what it and those before it tell',
    ]);
  });

  test('S-15 the file has every checkpoint once, also after a crash in the middle of a line', async () => {
    const { database, store } = await filled();
    const folder = await mkdtemp(join(tmpdir(), 'runnel-checkpoints-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'checkpoints.jsonl');
    let now = T0;
    const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
    const start = () => startCheckpoints({ database, key, file, metrics, log: silentLog, lookMs: 1, now: () => now });
    const first = start();
    const told = async () => readCheckpoints((await readFile(file, 'utf8').catch(() => '')).split('\n'), key);
    await waitFor(async () => (await told()).checkpoints === 1, { what: 'the first' });
    now += HOUR_MS - 1_000;
    await waitFor(async () => (await metrics.checkpointAge.get()).values[0]!.value === 3_599, { what: 'its age' });
    await first.close();
    await appendFile(file, '{"body":"{\\"vers');
    now += 1_000;
    await store.write(exchange('d1', 'q', 'a'));
    const second = start();
    await waitFor(async () => (await told()).checkpoints === 2, { what: 'the second' });
    await second.close();
    expect(await told()).toMatchObject({ problems: [] });
  });
};
