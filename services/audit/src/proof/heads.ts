import type { DataSource } from 'typeorm';
import { inSnapshot } from './snapshot.ts';
import type { Sql } from '../database/sql.ts';
import { MerkleRoot, type End } from './merkle.ts';

const PAGE = 5_000;

/** The order of the ids' bytes, whatever the database's language: the same logs give the same digest everywhere. */
const IN_ORDER = { postgres: 'log_id COLLATE "C"', sqlite: 'log_id' };

/** Hands over what `select` gives of each log in the order of their ids, page by page, as it is in this transaction. */
export const scanById = async <Raw extends { log_id: string }>(
  sql: Sql,
  select: string,
  onRows: (found: readonly Raw[]) => Promise<void> | void,
): Promise<void> => {
  if (sql.dialect === 'sqlite') {
    for (let after = ''; ;) {
      const found = await sql.query<Raw>(`${select} WHERE log_id > $1 ORDER BY log_id LIMIT ${PAGE}`, [after]);
      await onRows(found);
      if (found.length < PAGE) return;
      after = found.at(-1)!.log_id;
    }
  }
  await sql.query(`DECLARE by_id NO SCROLL CURSOR FOR ${select} ORDER BY ${IN_ORDER[sql.dialect]}`);
  for (let more = true; more;) {
    const found = await sql.query<Raw>(`FETCH ${PAGE} FROM by_id`);
    await onRows(found);
    more = found.length === PAGE;
  }
  await sql.query('CLOSE by_id');
};

/** Hands over the end of every log. */
const scanHeads = (sql: Sql, onEnds: (ends: readonly End[]) => Promise<void> | void): Promise<void> =>
  scanById<{ log_id: string; sequence: string | number; hash: string }>(sql, 'SELECT log_id, sequence, hash FROM audit_head', (found) =>
    onEnds(found.map((raw) => ({ logId: raw.log_id, sequence: Number(raw.sequence), hash: raw.hash }))),
  );

/** The root over the ends of all logs. */
export const rootOfAll = (database: DataSource): Promise<string> =>
  inSnapshot(database, async (sql) => {
    const root = new MerkleRoot();
    await scanHeads(sql, (ends) => ends.forEach((end) => root.add(end)));
    return root.hex();
  });
