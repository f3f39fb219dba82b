import type { DataSource } from 'typeorm';
import { ADMIN_LOG } from '../read/admin-log.ts';
import type { Sql } from '../database/sql.ts';
import { AUDIT, CUT, PERSON, REDACTED, rowOf, type AuditRow, type PersonRow } from '../database/tables.ts';
import { digestOfRedacted, type ForgetNote } from '../persons/forget.ts';
import { isPseudonym } from '@runnel/protocol/audit';
import { namesIn, pseudonymOf } from '../persons/pseudonym.ts';
import { inSnapshot } from './snapshot.ts';

type Raw = Record<string, unknown>;

const PAGE = 5_000;

/** Somebody known has the id and the key that their pseudonym was made of; somebody erased has neither. Pure. */
const isSound = ({ pseudonym, userId, key, erasedAt, digest }: PersonRow): boolean =>
  erasedAt === null
    ? userId !== null && key !== null && digest === null && pseudonymOf(key, userId) === pseudonym
    : userId === null && key === null;

/** Whether everybody named in a conversation is who the trail means. Pure. */
export const checkNames = (conversationId: string, trail: readonly AuditRow[], persons: ReadonlyMap<string, PersonRow>): string[] => {
  const names = new Set(trail.flatMap((row) => [...namesIn(row)].filter(isPseudonym)));
  return [...names].flatMap((name) => {
    const person = persons.get(name);
    if (!person) return [`conversation ${conversationId}: nobody knows who ${name} is, and the trail tells of no erasure`];
    return isSound(person) ? [] : [`conversation ${conversationId}: who ${name} is was changed`];
  });
};

/** What the trail says of everybody who was forgotten, by the place of the event. */
const notesOf = async (sql: Sql): Promise<Map<number, ForgetNote>> => {
  const found = await sql.query<Raw>(`SELECT * FROM audit_log WHERE log_id = $1 AND type = 'USER_FORGOTTEN'`, [ADMIN_LOG]);
  return new Map(
    found.flatMap((raw): [number, ForgetNote][] => {
      const { sequence, data } = rowOf(AUDIT, raw);
      try {
        return [[sequence, JSON.parse(data) as ForgetNote]];
      } catch {
        // Its link tells that it was changed.
        return [];
      }
    }),
  );
};

/** Up to where retention cut what admins did: of an older erasure nothing more can be said. */
export const cutOf = async (sql: Sql, retired: number): Promise<number> => {
  if (retired === 0) return 0;
  const [raw] = await sql.query<Raw>('SELECT * FROM audit_cut WHERE log_id = $1', [ADMIN_LOG]);
  return raw ? rowOf(CUT, raw).sequence : 0;
};

const checkRedactions = async (sql: Sql, notes: ReadonlyMap<number, ForgetNote>, cut: number): Promise<string[]> => {
  const problems: string[] = [];
  const acts = await sql.query<{ act: string | number }>('SELECT DISTINCT act FROM audit_redacted');
  const claimed = new Set(acts.map(({ act }) => Number(act)));
  for (const act of claimed) if (!notes.has(act) && act > cut) problems.push(`the trail does not tell of the redaction ${act}`);
  for (const [act, { redacted, sha256 }] of notes) {
    const rows = (await sql.query<Raw>('SELECT * FROM audit_redacted WHERE act = $1', [act])).map((raw) => rowOf(REDACTED, raw));
    if (rows.length !== redacted || digestOfRedacted(rows) !== sha256) problems.push(`what redaction ${act} made of its rows was changed`);
  }
  return problems;
};

/** Whether the persons of the trail are who they were, and whoever is nameless was erased as the trail tells. */
export const checkPersons = (database: DataSource, { retired }: { retired: number }): Promise<string[]> =>
  inSnapshot(database, async (sql) => {
    const problems: string[] = [];
    const notes = await notesOf(sql);
    const cut = await cutOf(sql, retired);
    const told = new Map([...notes.values()].map((note) => [note.target, note]));
    for (let after = ''; ;) {
      const found = await sql.query<Raw>(`SELECT * FROM audit_person WHERE pseudonym > $1 ORDER BY pseudonym LIMIT ${PAGE}`, [after]);
      for (const person of found.map((raw) => rowOf(PERSON, raw))) {
        const { pseudonym, erasedAt } = person;
        const note = told.get(pseudonym);
        told.delete(pseudonym);
        if (!isSound(person)) problems.push(`who ${pseudonym} is was changed`);
        else if (erasedAt === null ? note !== undefined : note === undefined ? cut === 0 : note.at !== erasedAt)
          problems.push(`that ${pseudonym} was erased, or when, is not what the trail tells`);
      }
      if (found.length < PAGE) break;
      after = String(found.at(-1)!['pseudonym']);
    }
    for (const pseudonym of told.keys()) problems.push(`${pseudonym} was erased, and their row is missing`);
    return [...problems, ...(await checkRedactions(sql, notes, cut))];
  });
