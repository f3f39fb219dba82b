import type { AuditEvent, AuditEventOf } from '@runnel/protocol/audit';
import type { StoredRecordList } from '@runnel/protocol/http';
import { fromStored, toStored, type Sql } from '../database/sql.ts';
import { RECORD, rowOf, type RecordRow } from '../database/tables.ts';

type Raw = Record<string, unknown>;
export type RecordEvent = AuditEventOf<'RECORD_CHANGED'>;

/** So long it is known that a record was taken away; later a store that is a month behind could bring it back. */
const GONE_MS = 30 * 24 * 60 * 60 * 1_000;

export const isRecordEvent = (event: AuditEvent): event is RecordEvent & AuditEvent => event.type === 'RECORD_CHANGED';

const keyOf = ({ userId, kind, name }: Pick<RecordRow, 'userId' | 'kind' | 'name'>): string => JSON.stringify([userId, kind, name]);

/** The newest of each, in one order for all writers, so that no two wait for each other. Pure. */
const newestOf = (events: readonly RecordEvent[]): RecordRow[] => {
  const newest = new Map<string, RecordRow>();
  for (const { data } of events) {
    const { userId, kind, name, version, text } = data;
    if (name === undefined) continue;
    const row = { userId, kind, name: toStored(name), version, fields: text === undefined ? null : toStored(text) };
    if ((newest.get(keyOf(row))?.version ?? -1) < version) newest.set(keyOf(row), row);
  }
  return [...newest].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
};

const NEWER = `(user_id, kind, name) DO UPDATE SET version = excluded.version, fields = excluded.fields
  WHERE excluded.version > person_record.version`;

/** Records as events tell of them: the highest version stays, and doing it again changes nothing. */
export const writeRecords = async (sql: Sql, events: readonly RecordEvent[]): Promise<void> => {
  await sql.insert('person_record', RECORD, newestOf(events), NEWER);
  for (const { data, time } of events) {
    if (data.erased !== true) continue;
    await sql.query('DELETE FROM person_record WHERE user_id = $1 AND kind = $2 AND version <= $3', [data.userId, data.kind, data.version]);
    await sql.query('DELETE FROM person_record WHERE fields IS NULL AND version < $1', [Date.parse(time) - GONE_MS]);
  }
};

/** All of a person's records of a kind, those that were taken away included. */
export const readRecords = async (sql: Sql, userId: string, kind: string): Promise<StoredRecordList> => {
  const found = await sql.query<Raw>('SELECT * FROM person_record WHERE user_id = $1 AND kind = $2 ORDER BY name', [userId, kind]);
  const rows = found.map((raw) => rowOf(RECORD, raw));
  return {
    records: rows.map(({ name, version, fields }) => ({
      name: fromStored(name),
      version,
      fields: fields === null ? null : (JSON.parse(fromStored(fields)) as Record<string, string>),
    })),
  };
};

export const forgetRecords = (sql: Sql, userId: string): Promise<unknown> =>
  sql.query('DELETE FROM person_record WHERE user_id = $1', [userId]);
