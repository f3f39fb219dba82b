import type { CalledPart } from '@runnel/protocol/http';
import { toStored, type Sql } from '../database/sql.ts';

const OPEN = `state IN ('waiting', 'approved', 'running', 'unknown')`;

/**
 * A call that a person approved is about to be made, and the events that say so are on their way: should the store be lost with its owner
 * before they are here, nobody who comes back to this database makes it again (W-19). What comes by the events stands over it. False: the part
 * is not here yet.
 */
export const markCalled = async (sql: Sql, userId: string, { conversationId, runId, part }: CalledPart): Promise<boolean> => {
  const key = [conversationId, runId, part.partId, userId];
  const mine = 'conversation_id = $1 AND run_id = $2 AND part_id = $3 AND user_id = $4';
  await sql.query(`UPDATE part SET state = 'running', body = $5 WHERE ${mine} AND ${OPEN}`, [...key, toStored(JSON.stringify(part))]);
  const [found] = await sql.query<{ state: unknown }>(`SELECT state FROM part WHERE ${mine}`, key);
  return found !== undefined;
};
