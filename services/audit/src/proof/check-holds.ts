import { ADMIN_LOG } from '../read/admin-log.ts';
import { HOLD, TEXT_CUT, type HoldRow, type TextCutRow } from '../database/retention-tables.ts';
import type { Sql } from '../database/sql.ts';
import { AUDIT, rowOf } from '../database/tables.ts';
import { personsNamed } from '../persons/resolve.ts';

type Raw = Record<string, unknown>;

/** A hold as the trail tells it: from which act to which. */
export interface ToldHold {
  holdId: string;
  target: string | undefined;
  conversation: string | undefined;
  set: number;
  since: number;
  ended: number;
}

interface HoldData {
  target?: string;
  conversation?: string;
  query?: string;
}

/** Pure. */
const holdsTold = (acts: readonly { sequence: number; time: number; type: string; data: string }[]): ToldHold[] => {
  const holds = new Map<string, ToldHold>();
  for (const { sequence, time, type, data } of acts) {
    try {
      const { target, conversation, query = '{}' } = JSON.parse(data) as HoldData;
      const { hold: holdId = '' } = JSON.parse(query) as { hold?: string };
      if (type === 'HOLD_SET') holds.set(holdId, { holdId, target, conversation, set: sequence, since: time, ended: Infinity });
      else if (holds.has(holdId)) holds.get(holdId)!.ended = sequence;
    } catch {
      // Its link tells that it was changed.
    }
  }
  return [...holds.values()];
};

/** Holds of the table against those of the trail. `names`: what the trail calls the persons. Pure. */
const compareHolds = (rows: readonly HoldRow[], told: readonly ToldHold[], names: ReadonlyMap<string, string>, cut: number): string[] => {
  const byId = new Map(rows.map((row) => [row.holdId, row]));
  const problems: string[] = [];
  for (const hold of told) {
    const row = byId.get(hold.holdId);
    if (hold.ended === Infinity ? row === undefined : row !== undefined)
      problems.push(`hold ${hold.holdId}: the trail tells that it was ${row ? 'ended' : 'set'}, and it is ${row ? 'there' : 'missing'}`);
    if (!row) continue;
    const isOfPerson = hold.conversation === undefined;
    const isSame =
      row.kind === (isOfPerson ? 'user' : 'conversation') &&
      (isOfPerson ? names.get(row.subject) === hold.target : row.subject === hold.conversation);
    if (!isSame || row.act !== hold.set || row.since !== hold.since) problems.push(`hold ${hold.holdId}: it was changed`);
  }
  const known = new Set(told.map(({ holdId }) => holdId));
  for (const row of rows) if (!known.has(row.holdId) && row.act > cut) problems.push(`hold ${row.holdId}: it was set by nobody`);
  return problems;
};

/** What retention took although it was held. Pure. */
const cutWhileHeld = (cuts: readonly TextCutRow[], { holdId, set, ended }: ToldHold): string[] =>
  cuts
    .filter(({ act }) => act > set && act < ended)
    .map(({ conversationId, act }) => `hold ${holdId}: act ${act} of retention took from conversation ${conversationId}`);

/** Whether the holds are those that the trail tells of, and retention kept to them. */
export const checkHolds = async (sql: Sql, cut: number): Promise<string[]> => {
  const acts = await sql.query<Raw>(`SELECT * FROM audit_log WHERE log_id = $1 AND type IN ('HOLD_SET', 'HOLD_ENDED') ORDER BY sequence`, [
    ADMIN_LOG,
  ]);
  const rows = (await sql.query<Raw>('SELECT * FROM legal_hold')).map((raw) => rowOf(HOLD, raw));
  const told = holdsTold(acts.map((raw) => rowOf(AUDIT, raw)));
  const names = await personsNamed(
    sql,
    rows.filter(({ kind }) => kind === 'user').map(({ subject }) => subject),
  );
  const problems = compareHolds(rows, told, names, cut);
  for (const hold of told) {
    // While it is held nobody forgets whose it is.
    const found =
      hold.conversation === undefined
        ? await sql.query<Raw>(
            `SELECT t.* FROM text_cut t JOIN chat_session s ON s.conversation_id = t.conversation_id JOIN audit_person p ON p.user_id = s.user_id
             WHERE p.pseudonym = $1`,
            [hold.target ?? ''],
          )
        : await sql.query<Raw>('SELECT * FROM text_cut WHERE conversation_id = $1', [hold.conversation]);
    problems.push(
      ...cutWhileHeld(
        found.map((raw) => rowOf(TEXT_CUT, raw)),
        hold,
      ),
    );
  }
  return problems;
};
