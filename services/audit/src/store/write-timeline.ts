import type { Sql } from '../database/sql.ts';
import { rowOf } from '../database/tables.ts';
import { TIMELINE } from '../database/timeline-table.ts';
import { joinBatches, type Stretch } from './pack-timeline.ts';

type Raw = Record<string, unknown>;

/**
 * Two who write the same run, as after a rebalance, have the same batches: whoever has more of them wins, so no lock is held.
 */
const LONGER = `(conversation_id, run_id, epoch, batch) DO UPDATE SET
  chunks = excluded.chunks, packed = excluded.packed, last_batch = excluded.last_batch
  WHERE coalesce(stream_chunk.last_batch, stream_chunk.batch) < excluded.last_batch`;

const runOf = ({ conversationId, runId }: { conversationId: string; runId: string }): string => `${conversationId} ${runId}`;

/** Adds batches to the timelines of their runs. */
export const writeTimeline = async (sql: Sql, batches: readonly Stretch[]): Promise<void> => {
  if (batches.length === 0) return;
  const byRun = Map.groupBy(batches, runOf);
  const pairs = Array.from(byRun.values(), ([first]) => [first!.conversationId, first!.runId] as const);
  const found = await sql.amongPairs<Raw>('stream_chunk', ['conversation_id', 'run_id'], pairs);
  const known = Map.groupBy(
    found.map((raw) => rowOf(TIMELINE, raw)),
    runOf,
  );
  // In one order, so that two writers cannot wait for each other.
  const rows = [...byRun.keys()].toSorted().flatMap((run) => joinBatches(known.get(run) ?? [], byRun.get(run)!));
  await sql.insert('stream_chunk', TIMELINE, rows, LONGER);
};
