import type { Sql } from '../database/sql.ts';
import { rowOf, PERSON, type AuditRow, type PersonRow } from '../database/tables.ts';
import { isPseudonym } from '@runnel/protocol/audit';
import { namesIn } from './pseudonym.ts';

/** The persons that these rows of the trail name by a pseudonym. */
export const personsOf = async (sql: Sql, rows: readonly Pick<AuditRow, 'userId' | 'data'>[]): Promise<Map<string, PersonRow>> => {
  const names = new Set(rows.flatMap((row) => [...namesIn(row)].filter(isPseudonym)));
  const found = await sql.among<Record<string, unknown>>('SELECT * FROM audit_person', 'pseudonym', [...names]);
  return new Map(found.map((raw) => rowOf(PERSON, raw)).map((row) => [row.pseudonym, row]));
};
