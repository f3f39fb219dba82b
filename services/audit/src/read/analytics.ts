import type { DataSource } from 'typeorm';
import { FINISHES, type Finish } from '@runnel/protocol';
import type { AuditEvent } from '@runnel/protocol/audit';
import type { RunStatistics } from '@runnel/protocol/http';
import { dialectOf, Sql } from '../database/sql.ts';
import { RUN, type RunRow } from '../database/tables.ts';
import { inTurn } from '../database/turns.ts';
import { runRow } from '../store/rows.ts';

/** Two accounts of one run as one; the order in which they come does not matter. Pure. */
const mergeRuns = (a: RunRow, b: RunRow): RunRow => ({
  ...a,
  model: b.model || a.model,
  startedAt: a.startedAt || b.startedAt,
  firstMs: a.firstMs ?? b.firstMs,
  endedAt: a.endedAt ?? b.endedAt,
  reason: a.reason ?? b.reason,
  finish: a.finish ?? b.finish,
  epoch: Math.max(a.epoch, b.epoch),
  inputTokens: a.inputTokens ?? b.inputTokens,
  outputTokens: a.outputTokens ?? b.outputTokens,
});

/** `mergeRuns` in SQL. */
const MERGE = `(conversation_id, run_id) DO UPDATE SET
  model = CASE WHEN excluded.model <> '' THEN excluded.model ELSE run.model END,
  started_at = CASE WHEN run.started_at > 0 THEN run.started_at ELSE excluded.started_at END,
  first_ms = coalesce(run.first_ms, excluded.first_ms), ended_at = coalesce(run.ended_at, excluded.ended_at),
  reason = coalesce(run.reason, excluded.reason), finish = coalesce(run.finish, excluded.finish),
  epoch = CASE WHEN excluded.epoch > run.epoch THEN excluded.epoch ELSE run.epoch END,
  input_tokens = coalesce(run.input_tokens, excluded.input_tokens), output_tokens = coalesce(run.output_tokens, excluded.output_tokens)`;

const percentiles = (value: string, rank: string, of: string): string =>
  [50, 95, 99]
    .map((p) => `min(CASE WHEN ${value} IS NOT NULL AND ${rank} * 100 >= ${p} * ${of} THEN ${value} END) AS ${value}_p${p}`)
    .join(', ');

const STATISTICS = `
  WITH ended AS (
    SELECT started_at - started_at % $3 AS slot, model, reason, finish, epoch, first_ms, ended_at - started_at AS took, input_tokens, output_tokens
    FROM run WHERE started_at >= $1 AND started_at < $2 AND reason IS NOT NULL),
  ranked AS (
    SELECT ended.*, row_number() OVER (PARTITION BY slot, model ORDER BY took) AS took_rank,
      count(*) OVER (PARTITION BY slot, model) AS took_of,
      row_number() OVER (PARTITION BY slot, model ORDER BY CASE WHEN first_ms IS NULL THEN 1 ELSE 0 END, first_ms) AS first_rank,
      count(first_ms) OVER (PARTITION BY slot, model) AS first_of
    FROM ended)
  SELECT slot, model, count(*) AS runs,
    ${['complete', 'cancelled', 'failed', 'interrupted'].map((r) => `sum(CASE WHEN reason = '${r}' THEN 1 ELSE 0 END) AS ${r}`).join(', ')},
    ${FINISHES.map((f) => `sum(CASE WHEN finish = '${f}' THEN 1 ELSE 0 END) AS finish_${f}`).join(', ')},
    sum(CASE WHEN epoch > 1 THEN epoch - 1 ELSE 0 END) AS takeovers,
    sum(coalesce(input_tokens, 0)) AS input_tokens, sum(coalesce(output_tokens, 0)) AS output_tokens,
    ${percentiles('took', 'took_rank', 'took_of')}, ${percentiles('first_ms', 'first_rank', 'first_of')}
  FROM ranked GROUP BY slot, model ORDER BY slot, model LIMIT 10000`;

/** Keeps one row for each run, which may be written any number of times, and counts over them when asked. */
export class Analytics {
  readonly #database: DataSource;
  readonly #sql: Sql;

  constructor(database: DataSource) {
    this.#database = database;
    this.#sql = new Sql(dialectOf(database), database);
  }

  async write(events: readonly AuditEvent[]): Promise<void> {
    const rows = new Map<string, RunRow>();
    for (const event of events) {
      const row = runRow(event);
      if (row === null) continue;
      const key = `${row.conversationId} ${row.runId}`;
      const known = rows.get(key);
      rows.set(key, known ? mergeRuns(known, row) : row);
    }
    // In one order, so that two writers cannot wait for each other.
    const ordered = [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    await inTurn(this.#database, () => this.#sql.insert('run', RUN, ordered, MERGE));
  }

  /** Runs that began in [from, to) and have ended, by stretches of `bucketMs` and by model. */
  async statistics(query: { from: number; to: number; bucketMs: number }): Promise<RunStatistics[]> {
    const rows = await this.#sql.query<Record<string, string | number | null>>(STATISTICS, [query.from, query.to, query.bucketMs]);
    return rows.map((row) => {
      const number = (name: string): number => Number(row[name] ?? 0);
      const optional = (name: string): number | null => (row[name] === null || row[name] === undefined ? null : Number(row[name]));
      const three = (name: string) => ({ p50: optional(`${name}_p50`), p95: optional(`${name}_p95`), p99: optional(`${name}_p99`) });
      return {
        from: number('slot'),
        model: String(row['model']),
        runs: number('runs'),
        complete: number('complete'),
        cancelled: number('cancelled'),
        failed: number('failed'),
        interrupted: number('interrupted'),
        finishes: Object.fromEntries(FINISHES.map((finish) => [finish, number(`finish_${finish}`)])) as Record<Finish, number>,
        takeovers: number('takeovers'),
        inputTokens: number('input_tokens'),
        outputTokens: number('output_tokens'),
        durationMs: three('took'),
        firstTextMs: three('first_ms'),
      };
    });
  }
}
