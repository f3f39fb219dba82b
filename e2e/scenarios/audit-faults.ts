import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse } from '../harness/wait.ts';
import { underWay } from './ai-pods.ts';
import { checkAudit } from './audit-check.ts';

/** The auditor's own command, on the database as it is. */
const verify = async (stage: Stage): Promise<string> => {
  const words = [`${import.meta.dirname}/../../services/audit/src/cli/main.ts`, 'verify'];
  const env = { ...process.env, DATABASE_URL: stage.cluster.databaseUrl! };
  const { stdout } = await promisify(execFile)(process.execPath, words, { env, timeout: 20_000 });
  return stdout.trim().replace(/; root .*/, '');
};

const heals = async (stage: Stage): Promise<void> => {
  await stage.settle();
  const from = performance.now();
  const events = await checkAudit(stage);
  stage.note(
    `${events} events, each once, in order, ${Math.round(performance.now() - from)} ms after the last answer; verify: ${await verify(stage)}`,
  );
};

const BACKING = { audit: true, kafka: true, postgres: true };

export const auditFaultScenarios: Scenario[] = [
  {
    name: 'kafka-down-and-back',
    promise: 'P-1 P-9 P-10',
    cluster: BACKING,
    deadlineMs: 120_000,
    run: async (stage) => {
      const runs = await underWay(stage, 4, { words: 400, rate: 100 });
      await stage.cluster.kafka!.kill();
      // P-10: answers go on, and new ones begin.
      await Promise.all(runs.map((run) => stage.ended(run)));
      await underWay(stage, 2, { words: 100, rate: 100 });
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
];
