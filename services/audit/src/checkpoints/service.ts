import { appendFile, open } from 'node:fs/promises';
import type { KeyObject } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { EventBus } from '@runnel/events';
import { delay, type Closable, type Logger } from '@runnel/kit';
import type { AuditMetrics } from '../metrics.ts';
import { dialectOf, Sql } from '../database/sql.ts';
import { inTurn } from '../database/turns.ts';
import { bodyOf } from './checkpoint.ts';
import { makeCheckpoint } from './make.ts';

const CHECKPOINT_TOPIC = 'runnel-checkpoints';
const PUBLISHED = 'checkpoint-published';
const EVERY_MS = 3_600_000;
/** Another pod may have made it, or failed to. */
const LOOK_MS = 60_000;
const LINES = 50;
/** More than the longest line. */
const TAIL_BYTES = 2 * 1024 * 1024;

export interface CheckpointsDeps {
  database: DataSource;
  key: KeyObject;
  file?: string | undefined;
  bus?: EventBus | undefined;
  metrics: AuditMetrics;
  log: Logger;
  everyMs?: number;
  lookMs?: number;
  now?: () => number;
}

/** Of the last line of a file that only grows; 0: there is none. A line that a crash cut is written again. */
const lastInFile = async (path: string): Promise<number> => {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const tail = Buffer.alloc(size - from);
    await file.read(tail, 0, tail.length, from);
    const text = tail.toString();
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await file.truncate(size - Buffer.byteLength(text.slice(whole.length)));
    const line = whole.split('\n').at(-2);
    return line === undefined ? 0 : bodyOf(line).number;
  } finally {
    await file.close();
  }
};

/** Signed checkpoints over all logs, hourly, in the database and in every place outside of it that is known: a file, a topic. */
export const startCheckpoints = (deps: CheckpointsDeps): Closable => {
  const { database, key, file, bus, metrics, log, everyMs = EVERY_MS, lookMs = LOOK_MS, now = Date.now } = deps;
  const sql = new Sql(dialectOf(database), database);
  const stop = new AbortController();
  let newest = now();

  const linesAfter = (number: number): Promise<{ number: string | number; line: string }[]> =>
    sql.query('SELECT number, line FROM audit_checkpoint WHERE number > $1 ORDER BY number LIMIT $2', [number, LINES]);
  /** What was made and this place lacks, in order. */
  const bring = async (last: number, put: (lines: readonly string[], upTo: number) => Promise<void>): Promise<void> => {
    for (let found = await linesAfter(last); found.length > 0; found = await linesAfter(Number(found.at(-1)!.number)))
      await put(
        found.map(({ line }) => line),
        Number(found.at(-1)!.number),
      );
  };
  const toFile = async (path: string): Promise<void> =>
    bring(await lastInFile(path), (lines) => appendFile(path, lines.map((line) => `${line}\n`).join(''), { flush: true }));
  const toKafka = async (kafka: EventBus): Promise<void> => {
    await kafka.ensureTopics([CHECKPOINT_TOPIC], { partitions: 1, retentionMs: -1 });
    const [state] = await sql.query<{ value: string }>('SELECT value FROM audit_state WHERE name = $1', [PUBLISHED]);
    await bring(Number(state?.value ?? 0), async (lines, upTo) => {
      await kafka.publish(lines.map((line) => ({ topic: CHECKPOINT_TOPIC, key: 'checkpoint', value: new TextEncoder().encode(line) })));
      await inTurn(database, () =>
        sql.query('INSERT INTO audit_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value', [
          PUBLISHED,
          String(upTo),
        ]),
      );
    });
  };
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn({ event: 'checkpoint.failed', what, message: error instanceof Error ? error.message : String(error) });
    }
  };
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await attempt('make', async () => (newest = (await makeCheckpoint(database, key, everyMs, now())) || newest));
      if (file !== undefined) await attempt('file', () => toFile(file));
      if (bus !== undefined) await attempt('kafka', () => toKafka(bus));
      metrics.checkpointAge.set(Math.max(0, now() - newest) / 1_000);
      await delay(lookMs, stop.signal);
    }
  };
  const running = run();
  return {
    name: 'checkpoints',
    async close() {
      stop.abort();
      await running;
    },
  };
};
