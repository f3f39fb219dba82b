import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRedis } from '@runnel/coordination/testing';
import { createKafkaBus } from '@runnel/events';
import { delay, silentLog, waitFor } from '@runnel/kit';
import { DEAD_LETTER_TOPIC } from '@runnel/protocol/audit';
import { openTables } from '../src/audit-database.ts';
import type { Figure } from './figures.ts';
import { makeEvents, SETTINGS, TOPICS, toRecord } from './write.ts';

const TICK_MS = 50;

const residentMiB = (pid: number): number => (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4_096) / 2 ** 20;

/** The service itself, with both groups, consuming so many events a second: its memory each minute, and whether it kept up. */
export const measureSteady = async (
  brokers: readonly string[],
  databaseUrl: string,
  { minutes, rate }: { minutes: number; rate: number },
): Promise<Figure[]> => {
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, DATABASE_URL: databaseUrl, KAFKA_BROKERS: brokers.join(','), PORT: '0', INTERNAL_PORT: '0' };
  const pod = fork(join(import.meta.dirname, '../src/main.ts'), { env: { ...env, LOG_LEVEL: 'error' }, stdio: 'ignore' });
  const bus = createKafkaBus({ brokers, clientId: 'bench', log: silentLog });
  const tables = await openTables(databaseUrl);
  const stored = async (): Promise<number> =>
    Number(((await tables.database.query('SELECT count(*) AS n FROM audit_log')) as { n: string }[])[0]!.n);
  const figures: Figure[] = [];
  try {
    await bus.ensureTopics([...TOPICS, DEAD_LETTER_TOPIC], SETTINGS);
    let published = 0;
    const publish = async (count: number): Promise<void> => {
      const events = makeEvents(count);
      await bus.publish(events.map(toRecord));
      published += events.length;
    };
    const caughtUp = (): Promise<unknown> =>
      waitFor(async () => (await stored()) >= published, { deadlineMs: 60_000, everyMs: 250, what: 'everything stored' });
    await publish(rate);
    await caughtUp();
    for (let minute = 1; minute <= minutes; minute++) {
      const from = performance.now();
      for (let tick = 1; tick <= 60_000 / TICK_MS; tick++) {
        await publish((rate * TICK_MS) / 1_000);
        await delay(Math.max(0, from + tick * TICK_MS - performance.now()));
      }
      figures.push({ name: `memory after minute ${minute}`, values: [residentMiB(pod.pid!)], unit: 'MiB' });
    }
    const from = performance.now();
    await caughtUp();
    figures.push({ name: 'all stored, after the last was published', values: [performance.now() - from], unit: 'ms' });
    return [...figures, { name: `events, at ${rate}/s`, values: [published], unit: 'stored' }];
  } finally {
    const gone = once(pod, 'exit');
    pod.kill('SIGKILL');
    await gone;
    await tables.close();
    await bus.close();
    await redis.stop();
  }
};
