import type { ParkedRun } from '@runnel/protocol/http';
import { fromStored, type Sql } from '../database/sql.ts';
import { PARKED, rowOf } from '../database/tables.ts';
import { readBody } from './reader.ts';

type Raw = Record<string, unknown>;
/** What `RUN_WAITING` says, as `rows.ts` keeps it. */
type Body = Omit<ParkedRun, 'runId' | 'epoch' | 'claims' | 'parts'> & { parts: number };

/** Nothing that has an end, or was deleted, waits any more. */
const OPEN = 'NOT EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = parked.conversation_id AND m.message_id = parked.run_id)';

/**
 * The answer that waits for a person, or waited and has not ended, with its parts as they stand now. Null: there is none, or not all of its
 * parts are here yet.
 */
export const readParked = async (sql: Sql, conversationId: string, userId: string): Promise<ParkedRun | null> => {
  const [found] = await sql.query<Raw>(
    `SELECT * FROM parked WHERE conversation_id = $1 AND user_id = $2 AND ${OPEN} ORDER BY position DESC LIMIT 1`,
    [conversationId, userId],
  );
  if (!found) return null;
  const { runId, epoch, body } = rowOf(PARKED, found);
  const { parts: count, ...facts } = JSON.parse(fromStored(body)) as Body;
  const rows = await sql.query<Raw>('SELECT body FROM part WHERE conversation_id = $1 AND run_id = $2 AND ordinal < $3 ORDER BY position', [
    ...[conversationId, runId, count],
  ]);
  // What came after it began to wait stands behind a text that only the store had. Of two at one place the later one counts.
  const byIndex = new Map(rows.flatMap((raw) => readBody(raw['body']).map((part) => [part.index, part] as const)));
  const parts = [...byIndex.values()].toSorted((a, b) => a.index - b.index);
  if (parts.length < count || parts.some(({ index }, place) => index !== place)) return null;
  const [run] = await sql.query<Raw>('SELECT epoch FROM run WHERE conversation_id = $1 AND run_id = $2', [conversationId, runId]);
  return { ...facts, runId, epoch, claims: Math.max(epoch, Number(run?.['epoch'] ?? 0)), parts };
};

/** How many answers wait for a person, over all conversations. */
export const countParked = async (sql: Sql): Promise<number> => {
  const [row] = await sql.query<Raw>(`SELECT count(*) AS count FROM parked WHERE ${OPEN}`);
  return Number(row?.['count'] ?? 0);
};
