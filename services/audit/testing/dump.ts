import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { CHAIN_START, linkHash } from '../src/store/chain.ts';
import { dialectOf } from '../src/database/sql.ts';
import { AUDIT, PERSON, rowOf } from '../src/database/tables.ts';
import { renameRow } from '../src/persons/pseudonym.ts';

/** Every table's every column as text, and what lies in it in base64. */
export const dumpOf = async (database: DataSource): Promise<string> => {
  const tables = (await database.query(
    dialectOf(database) === 'sqlite'
      ? `SELECT name FROM sqlite_master WHERE type = 'table'`
      : `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  )) as { name: string }[];
  const rows: unknown[] = [];
  for (const { name } of tables) rows.push(name, ...((await database.query(`SELECT * FROM ${name}`)) as unknown[]));
  const letters = (await database.query('SELECT value FROM dead_letter')) as { value: string }[];
  return [JSON.stringify(rows), ...letters.map(({ value }) => Buffer.from(value, 'base64').toString())].join('\n');
};

/** An id as it may stand somewhere: itself, encoded, or as a digest that anybody can make of it. */
const formsOf = (id: string): string[] => [
  ...[id, JSON.stringify(id).slice(1, -1), encodeURIComponent(id)],
  ...(['hex', 'base64', 'base64url'] as const).map((encoding) => Buffer.from(id).toString(encoding).replaceAll('=', '')),
  ...['md5', 'sha1', 'sha256', 'sha512'].flatMap((name) =>
    (['hex', 'base64', 'base64url'] as const).map((encoding) => createHash(name).update(id).digest(encoding)),
  ),
];

/** The forms of an id that stand in a text. */
export const tracesOf = (id: string, text: string): string[] => formsOf(id).filter((form) => text.includes(form));

/** Makes rows what 0.1.0 wrote: with ids, and linked so. */
export const asBefore = async (database: DataSource, logId: string): Promise<void> => {
  const persons = ((await database.query('SELECT * FROM audit_person')) as Record<string, unknown>[]).map((raw) => rowOf(PERSON, raw));
  const ids = new Map(persons.map(({ pseudonym, userId }) => [pseudonym, userId ?? pseudonym]));
  const found = (await database.query(`SELECT * FROM audit_log WHERE log_id = '${logId}' ORDER BY sequence`)) as Record<string, unknown>[];
  const text = (value: string | null): string => (value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`);
  let hash = CHAIN_START;
  for (const raw of found) {
    const row = renameRow(rowOf(AUDIT, raw), (name) => ids.get(name) ?? name);
    hash = linkHash(hash, row);
    const at = `log_id = '${logId}' AND sequence = ${row.sequence}`;
    await database.query(`UPDATE audit_log SET user_id = ${text(row.userId)}, data = ${text(row.data)} WHERE ${at}`);
    await database.query(`UPDATE audit_chain SET hash = '${hash}' WHERE ${at}`);
  }
  await database.query(`UPDATE audit_head SET hash = '${hash}' WHERE log_id = '${logId}'`);
};
