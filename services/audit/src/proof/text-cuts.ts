import { createHash } from 'node:crypto';
import { ADMIN_LOG } from '../read/admin-log.ts';
import type { Sql } from '../database/sql.ts';
import { TEXT_CUT, type TextCutRow } from '../database/retention-tables.ts';
import { AUDIT, rowOf } from '../database/tables.ts';

type Raw = Record<string, unknown>;

/** What the trail says of itself when retention takes texts. */
export interface TextsCutNote {
  /** What was said before this went, ms. */
  before: number;
  conversations: number;
  messages: number;
  /** Of where each conversation was cut. */
  sha256: string;
}

/** Of the rows of one act. Pure. */
export const digestOfCuts = (rows: readonly TextCutRow[]): string => {
  const digest = createHash('sha256');
  const inOrder = rows.toSorted((a, b) => (a.conversationId < b.conversationId ? -1 : 1));
  for (const { conversationId, position, ended } of inOrder) digest.update(`${JSON.stringify([conversationId, position, ended])}\n`);
  return digest.digest('hex');
};

/** An act that says how it cut. */
export interface CutAct {
  sequence: number;
  time: number;
  note: TextsCutNote;
}

/** What is wrong with the rows of one act, by what it says. Pure. */
const checkCutRows = ({ sequence, time, note }: CutAct, rows: readonly TextCutRow[]): string[] => {
  const isTold = rows.length === note.conversations && digestOfCuts(rows) === note.sha256;
  if (!isTold) return [`what act ${sequence} of retention took is not what the trail tells`];
  const isPast = note.before <= time && rows.every(({ position }) => position < note.before * 1_000);
  return isPast ? [] : [`act ${sequence} of retention took what was not past its time`];
};

const actsOf = (found: readonly Raw[]): Map<number, CutAct> =>
  new Map(
    found.flatMap((raw): [number, CutAct][] => {
      const { sequence, time, data } = rowOf(AUDIT, raw);
      try {
        return [[sequence, { sequence, time, note: JSON.parse(data) as TextsCutNote }]];
      } catch {
        // Its link tells that it was changed.
        return [];
      }
    }),
  );

const PAGE = 200;

export interface CutFindings {
  problems: string[];
  /** Acts whose rows are not what the trail tells: they cover nothing. */
  wrong: Set<number>;
}

const compare = (acts: ReadonlyMap<number, CutAct>, raws: readonly Raw[], cut: number, found: CutFindings): void => {
  const byAct = Map.groupBy(
    raws.map((raw) => rowOf(TEXT_CUT, raw)),
    ({ act }) => act,
  );
  const note = (act: number, problems: readonly string[]): void => {
    if (problems.length > 0) found.wrong.add(act);
    found.problems.push(...problems);
  };
  for (const act of acts.values()) note(act.sequence, checkCutRows(act, byAct.get(act.sequence) ?? []));
  // Of an act that retention cut out of the admins' own log nothing more can be said.
  for (const act of byAct.keys())
    if (!acts.has(act) && act > cut) note(act, [`the trail does not tell of what act ${act} of retention took`]);
};

/**
 * What the acts say against what they did, page by page.
 *
 * @param cut up to here retention cut the admins' own log
 * @param only these acts alone
 */
export const checkTextCuts = async (sql: Sql, cut: number, only?: readonly number[]): Promise<CutFindings> => {
  const found: CutFindings = { problems: [], wrong: new Set() };
  const acts = `SELECT * FROM audit_log WHERE log_id = $1 AND type = 'TEXTS_CUT'`;
  if (only) {
    for (const act of only)
      compare(
        actsOf(await sql.query<Raw>(`${acts} AND sequence = $2`, [ADMIN_LOG, act])),
        await sql.query<Raw>('SELECT * FROM text_cut WHERE act = $1', [act]),
        cut,
        found,
      );
    return found;
  }
  for (let after = 0; ;) {
    const page = actsOf(await sql.query<Raw>(`${acts} AND sequence > $2 ORDER BY sequence LIMIT ${PAGE}`, [ADMIN_LOG, after]));
    const last = page.size < PAGE ? Number.MAX_SAFE_INTEGER : Math.max(...page.keys());
    compare(page, await sql.query<Raw>('SELECT * FROM text_cut WHERE act > $1 AND act <= $2', [after, last]), cut, found);
    if (page.size < PAGE) return found;
    after = last;
  }
};
