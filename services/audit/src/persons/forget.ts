import { createHash, randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { ADMIN_LOG, appendAct, nextAct } from '../read/admin-log.ts';
import { linkHash } from '../store/chain.ts';
import { lockAlone } from '../database/locks.ts';
import { Partitions } from '../database/partitions.ts';
import { dialectOf, Sql, upsert } from '../database/sql.ts';
import { AUDIT, LINK, PERSON, REDACTED, rowOf, type PersonRow, type RedactedRow } from '../database/tables.ts';
import { forgetLetters } from '../ingest/dead-letters.ts';
import { isHeld } from '../retention/holds.ts';
import { lateDigest, makePerson, renameRow } from './pseudonym.ts';
import { forgetRecords } from './records.ts';
import { lateKey } from './resolve.ts';

type Raw = Record<string, unknown>;

/** What the trail says of somebody who was forgotten. */
export interface ForgetNote {
  /** The pseudonym. */
  target: string;
  /** Their last deletion, ms. */
  at: number;
  /** Rows of 0.1.0 that lost the id, and the digest of what they are now. */
  redacted: number;
  sha256: string;
}

/** Of the redactions of one act. Pure. */
export const digestOfRedacted = (rows: readonly RedactedRow[]): string => {
  const digest = createHash('sha256');
  const order = (a: RedactedRow, b: RedactedRow): number => (a.logId === b.logId ? a.sequence - b.sequence : a.logId < b.logId ? -1 : 1);
  for (const { logId, sequence, hash } of rows.toSorted(order)) digest.update(`${JSON.stringify([logId, sequence, hash])}\n`);
  return digest.digest('hex');
};

/** Rows in which the id itself stands: 0.1.0 wrote it. */
const plainRows = async (sql: Sql, userId: string) => {
  const find = sql.dialect === 'postgres' ? 'strpos' : 'instr';
  const found = [
    ...(await sql.query<Raw>('SELECT * FROM audit_log WHERE user_id = $1', [userId])),
    ...(await sql.query<Raw>(
      `SELECT * FROM audit_log WHERE conversation_id IN (SELECT conversation_id FROM chat_session WHERE user_id = $1 UNION SELECT '${ADMIN_LOG}')
       AND (user_id IS NULL OR user_id <> $1) AND ${find}(data, $2) > 0`,
      [userId, JSON.stringify(userId)],
    )),
  ];
  return found.map((raw) => rowOf(AUDIT, raw));
};

/** Takes the id out of those rows. Their links stay as they are; what the rows are from now on is noted beside them. */
const redact = async (sql: Sql, userId: string, pseudonym: string, act: number): Promise<RedactedRow[]> => {
  const rows = await plainRows(sql, userId);
  const pairs = rows.map(({ logId, sequence }) => [logId, sequence] as const);
  const found = (await sql.amongPairs<Raw>('audit_chain', ['log_id', 'sequence'], pairs)).map((raw) => rowOf(LINK, raw));
  const links = new Map(found.map(({ eventId, hash }) => [eventId, hash]));
  const redacted: RedactedRow[] = [];
  for (const row of rows) {
    const renamed = renameRow(row, (name) => (name === userId ? pseudonym : name));
    await sql.query('UPDATE audit_log SET user_id = $1, data = $2 WHERE log_id = $3 AND sequence = $4 AND time = $5', [
      ...[renamed.userId, renamed.data, row.logId, row.sequence, row.time],
    ]);
    const link = links.get(row.eventId);
    // What has no link yet gets it from what it is now.
    if (link !== undefined) redacted.push({ logId: row.logId, sequence: row.sequence, act, hash: linkHash(link, renamed) });
  }
  await sql.insert('audit_redacted', REDACTED, redacted);
  return redacted;
};

const keyForLate = async (sql: Sql): Promise<string> => {
  const key = await lateKey(sql);
  if (key !== '') return key;
  const made = randomBytes(32).toString('base64url');
  await sql.query('INSERT INTO audit_late_key (key) VALUES ($1)', [made]);
  return made;
};

/** In a transaction that nobody else who writes of persons has part in. */
const forgetAlone = async (sql: Sql, userId: string, now: number): Promise<boolean> => {
  const [left] = await sql.query('SELECT 1 FROM chat_session WHERE user_id = $1 AND deleted = 0 LIMIT 1', [userId]);
  if (left !== undefined || (await isHeld(sql, userId))) return false;
  await forgetRecords(sql, userId);
  await forgetLetters(sql, userId);
  const [known] = (await sql.query<Raw>('SELECT * FROM audit_person WHERE user_id = $1', [userId])).map((raw) => rowOf(PERSON, raw));
  const [last] = await sql.query<{ at: string | number | null }>('SELECT max(deleted_at) AS at FROM chat_session WHERE user_id = $1', [
    userId,
  ]);
  const isNobody = known === undefined && last?.at == null && (await plainRows(sql, userId)).length === 0;
  if (isNobody) return true;
  const at = Number(last?.at ?? 0);
  const { pseudonym } = known ?? makePerson(userId);
  const act = await nextAct(sql);
  const redacted = await redact(sql, userId, pseudonym, act);
  await sql.query('UPDATE chat_session SET user_id = $1 WHERE user_id = $2', [pseudonym, userId]);
  // What they said in conversations that were never theirs.
  await sql.query(
    `UPDATE message SET user_id = $1, author = CASE WHEN author = $2 THEN $1 ELSE author END
       ${sql.dialect === 'postgres' ? ', search = NULL' : ''} WHERE user_id = $2`,
    [pseudonym, userId],
  );
  const row: PersonRow = { pseudonym, userId: null, key: null, erasedAt: at, digest: lateDigest(await keyForLate(sql), userId) };
  await sql.insert('audit_person', PERSON, [row], upsert(PERSON, 'pseudonym'));
  const note: ForgetNote = { target: pseudonym, at, redacted: redacted.length, sha256: digestOfRedacted(redacted) };
  await appendAct(sql, act, { type: 'USER_FORGOTTEN', userId: null, data: note, time: now });
  return true;
};

/** Makes a person nameless, unless something of theirs lives or is held. The caller has its turn. Resolves to whether they are nobody now. */
export const forgetIn = async (database: DataSource, userId: string): Promise<boolean> => {
  const now = Date.now();
  await new Partitions(database).ensure([now]);
  const dialect = dialectOf(database);
  const done = await database.transaction(async (tx) => {
    const sql = new Sql(dialect, tx);
    await lockAlone(sql);
    return forgetAlone(sql, userId, now);
  });
  // The journal of SQLite still has the pages as they were before.
  if (dialect === 'sqlite') await database.query('PRAGMA wal_checkpoint(TRUNCATE)');
  return done;
};

/** Nothing late can come any more of whoever was erased before `before` (ms): what would recognise it goes. */
export const forgetDigests = (sql: Sql, before: number): Promise<unknown> =>
  sql.query('UPDATE audit_person SET digest = NULL WHERE digest IS NOT NULL AND erased_at < $1', [before]);
