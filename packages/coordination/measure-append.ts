// `node packages/coordination/measure-append.ts [chunks]`: what one append-chunk costs Redis and this process (docs/decisions/0003).
import { createRedisRunLog } from './src/index.ts';
import { startRedis } from './testing/index.ts';

const CHUNKS = Number(process.argv[2] ?? 40_000);
const RUNS = 20;
const ROUNDS = 5;
const TEXT = 'w000001 w000002 w000003 w000004 w000005 w000006 w000007 w00 ';

const redis = await startRedis();
const log = createRedisRunLog({ url: redis.url });

const startRun = async () => {
  const [conversationId, runId, messageId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  await log.beginRun({ conversationId, userId: 'u', runId, model: 'count', title: '', message: { messageId, text: 'x' } });
  await log.claimRun({ conversationId, runId, owner: 'o', leaseMs: 600_000, models: { count: true } });
  return { conversationId, runId, epoch: 1 };
};

/** One append in flight per run, as the AI pods have it. */
const stream = async (): Promise<void> => {
  const run = await startRun();
  for (let at = 0; at < (CHUNKS / RUNS) * TEXT.length; at += TEXT.length) {
    const { outcome } = await log.appendChunk({ ...run, at, text: TEXT, t: Date.now() });
    if (outcome !== 'appended') throw new Error(outcome);
  }
};

const figures = new Map<string, number[]>();
const note = (name: string, value: number): void => void figures.set(name, [...(figures.get(name) ?? []), value]);
for (let round = 0; round < ROUNDS; round++) {
  await redis.cli('CONFIG', 'RESETSTAT');
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: RUNS }, stream));
  const { user, system } = process.cpuUsage(before);
  note('this process, CPU', (user + system) / CHUNKS);
  const stats = String(await redis.cli('INFO', 'commandstats'));
  for (const [, command = '', calls, usec] of stats.matchAll(/cmdstat_(\w+):calls=(\d+),usec=(\d+)/g)) {
    if (Number(calls) >= CHUNKS / 2) note(`redis ${command}`, Number(usec) / Number(calls));
  }
}
for (const [name, values] of figures) {
  const sorted = values.toSorted((a, b) => a - b);
  console.log(
    name.padEnd(20),
    `min ${sorted[0]!.toFixed(1)}  median ${sorted[Math.floor(sorted.length / 2)]!.toFixed(1)}  max ${sorted.at(-1)!.toFixed(1)} µs`,
  );
}
await log.close();
await redis.stop();
