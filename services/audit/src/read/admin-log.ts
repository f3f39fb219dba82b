import { appendTrail } from '../store/append-trail.ts';
import { lock, onDisk } from '../database/locks.ts';
import type { Sql } from '../database/sql.ts';
import { HEAD, rowOf, type AuditRow } from '../database/tables.ts';

/** A log of its own, under a name that no conversation can have. */
export const ADMIN_LOG = '$admin';

export type AdminEvent =
  | 'ADMIN_READ'
  | 'USER_ERASED'
  | 'KEY_MADE'
  | 'KEY_ENDED'
  | 'SIGNED_IN'
  | 'SIGNED_OUT'
  | 'USER_FORGOTTEN'
  | 'TRAIL_CUT'
  | 'TEXTS_CUT'
  | 'RUNS_CUT'
  | 'HOLD_SET'
  | 'HOLD_ENDED';

/** Takes the next place of the log until the transaction ends. */
export const nextAct = async (sql: Sql): Promise<number> => {
  await onDisk(sql);
  await lock(sql, [ADMIN_LOG]);
  const [head] = (await sql.query<Record<string, unknown>>('SELECT * FROM audit_head WHERE log_id = $1', [ADMIN_LOG])).map((raw) =>
    rowOf(HEAD, raw),
  );
  return (head?.seen ?? 0) + 1;
};

/** Adds an event to the log, at the place that was taken. Its month is there. */
export const appendAct = async (
  sql: Sql,
  sequence: number,
  { type, userId, data, time }: { type: AdminEvent; userId: string | null; data: object; time: number },
): Promise<void> => {
  const row: AuditRow = {
    ...{ eventId: `${ADMIN_LOG}:a${sequence}`, time, conversationId: ADMIN_LOG, logId: ADMIN_LOG, sequence, type },
    ...{ userId, runId: null, data: JSON.stringify(data) },
  };
  await appendTrail(sql, [row]);
};
