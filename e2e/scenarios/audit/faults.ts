import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { underWay } from '../ai-pods.ts';
import { storedText } from './check.ts';
import { heals } from './heals.ts';

/** The whole minute with `KAFKA_OUTAGE_SECONDS=60 npm run e2e -- --only kafka-down`. */
const OUTAGE_MS = 1_000 * Number(process.env['KAFKA_OUTAGE_SECONDS'] ?? 0);

const BACKING = { audit: true, kafka: true, postgres: true };

const stored = async (stage: Stage, runs: readonly ExpectedRun[], deadlineMs = 10_000): Promise<void> => {
  await Promise.all(runs.map((run) => stage.ended(run)));
  await Promise.all(
    runs.map((run) =>
      waitFor(async () => (await storedText(stage, run)) !== undefined, {
        deadlineMs,
        everyMs: 100,
        what: `run ${run.runId} in the audit`,
      }),
    ),
  );
};

/** Rounds of the same load for `ms`, one at least; resolves to the 99th percentile of what its chunks took to the viewers, ms. */
const lateness = async (stage: Stage, ms: number): Promise<number> => {
  const from = Date.now();
  do {
    const runs = await underWay(stage, 4, { words: 150, rate: 100 });
    await Promise.all(runs.map((run) => stage.ended(run)));
  } while (Date.now() - from < ms);
  const delays = stage.viewers.flatMap(({ screen }) => screen.delays.filter(({ t }) => t >= from).map((delay) => delay.ms));
  return delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.99)]!;
};

/** What the database does to whoever asks it: no answer, no error. Resolves to its end. */
type Standstill = (stage: Stage) => Promise<() => Promise<void>>;

const paused: Standstill = async ({ cluster }) => {
  await cluster.postgres!.pause();
  return () => cluster.postgres!.resume();
};

/** An operator's forgotten transaction. */
const locked: Standstill = ({ cluster }) =>
  cluster.postgres!.hold(cluster.databaseUrl!, 'LOCK TABLE chat_session, message, audit_log IN ACCESS EXCLUSIVE MODE');

/** P-10: a first prompt waits for the audit no longer than its budget (200 ms) and a busy machine's turn. */
const PROMPT_MS = 1_000;

const standsStill = (name: string, begin: Standstill): Scenario => ({
  name,
  promise: 'P-1 P-7 P-9 P-10 B11',
  cluster: { audit: true, postgres: true },
  deadlineMs: 120_000,
  run: async (stage) => {
    const known = await underWay(stage, 4, { words: 600, rate: 100 });
    const before = await lateness(stage, 0);
    const end = await begin(stage);
    const waited: number[] = [];
    try {
      for (let i = 0; i < 30; i++) {
        const from = performance.now();
        const run = await stage.startRun({ words: 20, rate: 100 });
        waited.push(performance.now() - from);
        stage.watch(run.conversationId);
        await stage.ended(run);
      }
      const during = await lateness(stage, 0);
      stage.note(
        `30 first prompts: at most ${Math.round(Math.max(...waited))} ms; p99 of a chunk's delay ${before} ms before, ${during} ms meanwhile`,
      );
      if (Math.max(...waited) > PROMPT_MS) throw new Error(`a first prompt waited ${Math.round(Math.max(...waited))} ms for the audit`);
      await Promise.all(known.map((run) => stage.ended(run)));
    } finally {
      await end();
    }
    await heals(stage);
  },
});

export const auditFaultScenarios: Scenario[] = [
  standsStill('postgres-stands-still', paused),
  standsStill('postgres-tables-locked', locked),
  {
    name: 'kafka-down-and-back',
    promise: 'P-1 P-9 P-10',
    cluster: BACKING,
    deadlineMs: 120_000 + 2 * OUTAGE_MS,
    run: async (stage) => {
      const before = await lateness(stage, OUTAGE_MS);
      const runs = await underWay(stage, 4, { words: 400, rate: 100 });
      await stage.cluster.kafka!.kill();
      // P-10: answers go on, and new ones begin.
      await Promise.all(runs.map((run) => stage.ended(run)));
      const without = await lateness(stage, OUTAGE_MS);
      stage.note(`p99 of a chunk's delay ${before} ms with Kafka, ${without} ms without`);
      await stage.cluster.kafka!.restart();
      await underWay(stage, 2, { words: 100, rate: 100 });
      await heals(stage);
    },
  },
  {
    name: 'audit-killed-again-and-again',
    promise: 'P-1 P-9 P-10',
    cluster: BACKING,
    deadlineMs: 120_000,
    run: async (stage) => {
      for (let round = 0; round < 3; round++) {
        await underWay(stage, 3, { words: 100, rate: 100 });
        await elapse(stage.random.between(50, 800));
        await stage.cluster.audit!.kill();
        await underWay(stage, 1, { words: 100, rate: 100 });
        await stage.cluster.audit!.start();
      }
      await heals(stage);
    },
  },
  {
    name: 'postgres-restarted',
    promise: 'P-1 P-9 P-10',
    cluster: BACKING,
    deadlineMs: 120_000,
    run: async (stage) => {
      const runs = await underWay(stage, 4, { words: 300, rate: 100 });
      await stage.cluster.postgres!.kill();
      await Promise.all(runs.map((run) => stage.ended(run)));
      await underWay(stage, 2, { words: 100, rate: 100 });
      await stage.cluster.postgres!.restart();
      await heals(stage);
    },
  },
  {
    name: 'postgres-disk-full',
    promise: 'P-1 P-9 P-10',
    cluster: { ...BACKING, postgres: { diskMiB: 160 } },
    deadlineMs: 120_000,
    run: async (stage) => {
      const { postgres } = stage.cluster;
      await stored(stage, await underWay(stage, 2, { words: 100, rate: 100 }));
      await postgres!.fillDisk();
      // Pages that were there before take some rows still. P-10: an answer that does not end fails here, not as a sign of the full disk.
      let full = false;
      for (let round = 0; round < 10 && !full; round++) {
        const runs = await underWay(stage, 4, { words: 2_000, rate: 2_000 });
        await Promise.all(runs.map((run) => stage.ended(run)));
        full = await stored(stage, runs, 3_000).then(
          () => false,
          () => true,
        );
      }
      if (!full) throw new Error('the disk never was full: everything was stored');
      await postgres!.freeDisk();
      await underWay(stage, 2, { words: 100, rate: 100 });
      await heals(stage);
    },
  },
  {
    name: 'redis-restarted-with-its-file',
    promise: 'P-1 P-9',
    cluster: { ...BACKING, redisArgs: ['--appendonly', 'yes', '--appendfsync', 'always'] },
    deadlineMs: 120_000,
    run: async (stage) => {
      const runs = await underWay(stage, 4, { words: 300, rate: 100 });
      // Its folder stays, and with it the outbox that nobody has read yet.
      await stage.cluster.audit!.kill();
      await stage.cluster.redis.restartEmpty();
      await Promise.all(runs.map((run) => stage.ended(run, 20_000)));
      await stage.cluster.audit!.start();
      await heals(stage);
    },
  },
];
