import type { Sql } from '../database/sql.ts';
import { appendAct, nextAct } from '../read/admin-log.ts';
import { notHeld } from './not-held.ts';

/** Runs in one transaction. */
const RUNS = { postgres: 2_000, sqlite: 200 } as const;

export interface RunsCut {
  runs: number;
  timelines: number;
}

interface Found {
  conversation_id: string;
  run_id: string;
}

const OF: readonly [string, string] = ['conversation_id', 'run_id'];

/** Removes from a table what belongs to runs that began before a time; returns of how many runs. */
const removeFrom = async (sql: Sql, table: string, before: number): Promise<number> => {
  const found = await sql.query<Found>(
    // Whose start nobody knows yet began at 0.
    `SELECT conversation_id, run_id FROM ${table} WHERE started_at > 0 AND started_at < $1 AND ${notHeld(table)}
     LIMIT ${RUNS[sql.dialect]}${sql.dialect === 'postgres' ? ' FOR UPDATE SKIP LOCKED' : ''}`,
    [before],
  );
  const runs = new Map(found.map((row) => [`${row.conversation_id} ${row.run_id}`, [row.conversation_id, row.run_id] as const]));
  await sql.removePairs(table, OF, [...runs.values()]);
  return runs.size;
};

/** Takes a batch of figures and timelines of runs that began before a time (ms), and says so in the trail. In a transaction. */
export const cutRuns = async (sql: Sql, { before, now }: { before: number; now: number }): Promise<RunsCut> => {
  const timelines = await removeFrom(sql, 'stream_chunk', before);
  const runs = await removeFrom(sql, 'run', before);
  if (runs === 0 && timelines === 0) return { runs, timelines };
  await appendAct(sql, await nextAct(sql), { type: 'RUNS_CUT', userId: null, data: { before, runs, timelines }, time: now });
  return { runs, timelines };
};
