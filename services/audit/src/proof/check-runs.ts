import type { AuditRow, RunRow } from '../database/tables.ts';
import { runRow } from '../store/rows.ts';

type Column = 'model' | 'startedAt' | 'endedAt' | 'reason' | 'finish' | 'inputTokens' | 'outputTokens';
const COLUMNS: readonly Column[] = ['model', 'startedAt', 'endedAt', 'reason', 'finish', 'inputTokens', 'outputTokens'];

/** The reader of the trail may be that much behind the one that counts, ms. */
const BEHIND_MS = 3_600_000;

/**
 * The statistics of a conversation's runs against its trail. They are counted by a reader of their own, which may be behind, so what
 * they lack is no finding; when the first word came is measured and in no event. Pure.
 */
export const checkRuns = (
  conversationId: string,
  trail: readonly AuditRow[],
  runs: readonly RunRow[],
  { isComplete, now }: { isComplete: boolean; now: number },
): string[] => {
  if (!isComplete) return [];
  const newest = trail.reduce((most, { time }) => Math.max(most, time), 0);
  const accounts = Map.groupBy(
    trail.flatMap((row): RunRow[] => {
      try {
        const data = JSON.parse(row.data) as Record<string, unknown>;
        const told = runRow({ type: row.type, subject: row.conversationId, time: new Date(row.time).toISOString(), data } as Parameters<
          typeof runRow
        >[0]);
        return told ? [told] : [];
      } catch {
        return [];
      }
    }),
    ({ runId }) => runId,
  );
  return runs.flatMap((run) => {
    const where = `conversation ${conversationId}: run ${run.runId}`;
    const told = accounts.get(run.runId);
    const last = Math.max(run.startedAt, run.endedAt ?? 0);
    if (last > newest && now - last < BEHIND_MS) return [];
    if (!told) return [`${where} was started by nobody`];
    const isEmpty = (value: string | number | null): boolean => value === null || value === '' || value === 0;
    const wrong = COLUMNS.filter((column) => !isEmpty(run[column]) && !told.some((account) => account[column] === run[column]));
    const most = Math.max(...told.map(({ epoch }) => epoch), 1);
    const problems = wrong.map((column) => `${where}: its ${column} was changed`);
    return run.epoch > most ? [...problems, `${where}: its epoch was changed`] : problems;
  });
};
