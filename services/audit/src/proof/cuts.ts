import { createHash } from 'node:crypto';
import { ADMIN_LOG, appendAct, nextAct } from '../read/admin-log.ts';
import type { Sql } from '../database/sql.ts';
import { scanById } from './heads.ts';

const RETIRED = 'retired-before';

/** What the trail says of itself when retention cuts it. */
export interface CutNote {
  /** Times before this go, ms. */
  before: number;
  /** How many logs were cut, ever, and the digest of where. */
  logs: number;
  sha256: string;
}

/** Times before this were removed by retention; 0: never. */
export const markOf = async (sql: Sql): Promise<number> => {
  const [found] = await sql.query<{ value: string }>('SELECT value FROM audit_state WHERE name = $1', [RETIRED]);
  return Number(found?.value ?? 0);
};

/** What there is to say of the cuts as they are. In a transaction. */
export const cutsNow = async (sql: Sql): Promise<CutNote> => {
  const digest = createHash('sha256');
  let logs = 0;
  await scanById<{ log_id: string; sequence: string | number }>(sql, 'SELECT log_id, sequence FROM audit_cut', (found) => {
    for (const { log_id, sequence } of found) digest.update(`${JSON.stringify([log_id, Number(sequence)])}\n`);
    logs += found.length;
  });
  return { before: await markOf(sql), logs, sha256: digest.digest('hex') };
};

/** An event that somebody changed says nothing. Pure. */
const noteOf = (data: string): CutNote | undefined => {
  try {
    return JSON.parse(data) as CutNote;
  } catch {
    return undefined;
  }
};

/** The newest that was said. */
const lastNote = async (sql: Sql): Promise<CutNote | undefined> => {
  const [found] = await sql.query<{ data: string }>(
    `SELECT data FROM audit_log WHERE log_id = $1 AND type = 'TRAIL_CUT' ORDER BY sequence DESC LIMIT 1`,
    [ADMIN_LOG],
  );
  return found && noteOf(found.data);
};

/** Notes where the trail is cut at this month, and says so in the trail. In a transaction. */
export const cutAt = async (sql: Sql, from: number, now: number): Promise<void> => {
  const sequence = await nextAct(sql);
  const before = await lastNote(sql);
  const [old] = await sql.query('SELECT 1 FROM audit_log WHERE time < $1 LIMIT 1', [from]);
  if (before?.before === from && old === undefined) return;
  await sql.query(`INSERT INTO audit_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, [
    RETIRED,
    String(from),
  ]);
  await sql.query(
    `INSERT INTO audit_cut (log_id, sequence) SELECT log_id, max(sequence) FROM audit_log WHERE time < $1 GROUP BY log_id
     ON CONFLICT (log_id) DO UPDATE SET sequence = excluded.sequence`,
    [from],
  );
  await appendAct(sql, sequence, { type: 'TRAIL_CUT', userId: null, data: await cutsNow(sql), time: now });
};

/** Whether the cuts are those that the trail tells of. In a transaction. */
export const checkCuts = async (sql: Sql): Promise<string[]> => {
  const [note, found] = [await lastNote(sql), await cutsNow(sql)];
  if (found.before === 0 && found.logs === 0 && note === undefined) return [];
  const isTold = note !== undefined && note.before === found.before && note.logs === found.logs && note.sha256 === found.sha256;
  return isTold ? [] : ['where retention is said to have cut the trail is not what the trail tells'];
};
