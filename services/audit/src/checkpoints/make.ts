import type { KeyObject } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { dialectOf, Sql, upsert, type Columns } from '../database/sql.ts';
import { inTurn } from '../database/turns.ts';
import { MerkleRoot } from '../proof/merkle.ts';
import { bodyOf, digestOf, fingerprintOf, toLine, type Checkpoint } from './checkpoint.ts';

/** Logs of one line: a megabyte. */
const HEADS = 8_000;
const PAGE = 5_000;
/** Arbitrary, but the same in every release: one pod makes a checkpoint. */
const LOCK = 7_201_105;

interface CheckedRow {
  logId: string;
  sequence: number;
}
const CHECKED: Columns<CheckedRow> = { logId: ['log_id', 'text'], sequence: ['sequence', 'bigint'] };

const lastOf = async (sql: Sql): Promise<{ line: string; checkpoint: Checkpoint } | undefined> => {
  const [found] = await sql.query<{ line: string }>('SELECT line FROM audit_checkpoint ORDER BY number DESC LIMIT 1');
  return found && { line: found.line, checkpoint: bodyOf(found.line) };
};

interface Raw {
  log_id: string;
  sequence: string | number;
  hash: string;
  checked: string | number | null;
}

/** Every log that has a link, by the bytes of its id, with what the checkpoint before said of it. */
async function* headsOf(sql: Sql): AsyncGenerator<Raw> {
  const order = sql.dialect === 'postgres' ? 'h.log_id COLLATE "C"' : 'h.log_id';
  const select = `SELECT h.log_id, h.sequence, h.hash, c.sequence AS checked FROM audit_head h LEFT JOIN audit_checked c ON c.log_id = h.log_id
    WHERE h.sequence > 0`;
  if (sql.dialect === 'postgres') await sql.query(`DECLARE moving NO SCROLL CURSOR FOR ${select} ORDER BY ${order}`);
  for (let after = ''; ;) {
    const found =
      sql.dialect === 'postgres'
        ? await sql.query<Raw>(`FETCH ${PAGE} FROM moving`)
        : await sql.query<Raw>(`${select} AND h.log_id > $1 ORDER BY ${order} LIMIT ${PAGE}`, [after]);
    yield* found;
    if (found.length < PAGE) break;
    after = found.at(-1)!.log_id;
  }
  if (sql.dialect === 'postgres') await sql.query('CLOSE moving');
}

/** Makes the checkpoint of now, unless one is younger than `everyMs` or another pod is about it. Resolves to the time of the newest. */
export const makeCheckpoint = (database: DataSource, key: KeyObject, everyMs: number, now: number): Promise<number> => {
  const work = async (sql: Sql): Promise<number> => {
    const last = await lastOf(sql);
    if (last && now - last.checkpoint.at < everyMs) return last.checkpoint.at;
    if (sql.dialect === 'postgres') {
      const [got] = await sql.query<{ mine: boolean }>(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine`);
      if (got?.mine !== true) return last?.checkpoint.at ?? 0;
    }
    let previous = last?.line;
    let number = last?.checkpoint.number ?? 0;
    let heads: Checkpoint['heads'] = [];
    const write = async (root: string | null): Promise<void> => {
      const checkpoint: Checkpoint = {
        ...{ version: 1, number: ++number, at: now, previous: previous === undefined ? null : digestOf(previous) },
        ...{ heads, root, key: fingerprintOf(key) },
      };
      previous = toLine(checkpoint, key);
      await sql.query('INSERT INTO audit_checkpoint (number, line) VALUES ($1, $2)', [number, previous]);
      const rows = heads.map(([logId, sequence]): CheckedRow => ({ logId, sequence }));
      await sql.insert('audit_checked', CHECKED, rows, upsert(CHECKED, 'log_id'));
      heads = [];
    };
    const root = new MerkleRoot();
    for await (const { log_id: logId, sequence, hash, checked } of headsOf(sql)) {
      root.add({ logId, sequence: Number(sequence), hash });
      if (checked === null || Number(checked) !== Number(sequence)) heads.push([logId, Number(sequence), hash]);
      if (heads.length === HEADS) await write(null);
    }
    await write(root.hex());
    return now;
  };
  const dialect = dialectOf(database);
  if (dialect === 'sqlite') return inTurn(database, () => database.transaction((tx) => work(new Sql(dialect, tx))));
  return database.transaction('REPEATABLE READ', (tx) => work(new Sql(dialect, tx)));
};
