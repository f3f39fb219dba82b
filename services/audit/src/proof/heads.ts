import type { DataSource } from 'typeorm';
import { inSnapshot } from './snapshot.ts';
import type { Sql } from '../database/sql.ts';
import { MerkleRoot, type End } from './merkle.ts';

const PAGE = 5_000;

interface Raw {
  log_id: string;
  sequence: string | number;
  hash: string;
}

/** The order of the ids' bytes, whatever the database's language: the same logs give the same root everywhere. */
const IN_ORDER = { postgres: 'log_id COLLATE "C"', sqlite: 'log_id' };

/** Hands over the end of every log in the order of their ids, page by page, as they are in this snapshot. */
const scanHeads = async (sql: Sql, onEnds: (ends: readonly End[]) => Promise<void> | void): Promise<void> => {
  const select = `SELECT log_id, sequence, hash FROM audit_head`;
  const hand = (found: readonly Raw[]): Promise<void> | void =>
    onEnds(found.map((raw) => ({ logId: raw.log_id, sequence: Number(raw.sequence), hash: raw.hash })));
  if (sql.dialect === 'sqlite') {
    for (let after = ''; ;) {
      const found = await sql.query<Raw>(`${select} WHERE log_id > $1 ORDER BY log_id LIMIT ${PAGE}`, [after]);
      await hand(found);
      if (found.length < PAGE) return;
      after = found.at(-1)!.log_id;
    }
  }
  await sql.query(`DECLARE heads NO SCROLL CURSOR FOR ${select} ORDER BY ${IN_ORDER[sql.dialect]}`);
  for (let more = true; more;) {
    const found = await sql.query<Raw>(`FETCH ${PAGE} FROM heads`);
    await hand(found);
    more = found.length === PAGE;
  }
  await sql.query('CLOSE heads');
};

/** The root over the ends of all logs. */
export const rootOfAll = (database: DataSource): Promise<string> =>
  inSnapshot(database, async (sql) => {
    const root = new MerkleRoot();
    await scanHeads(sql, (ends) => ends.forEach((end) => root.add(end)));
    return root.hex();
  });
