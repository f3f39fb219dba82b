import { Pod } from '../../harness/processes/pod.ts';
import { freePort } from '@runnel/kit/testing';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { underWay } from '../ai-pods.ts';
import { checkAudit } from './check.ts';
import { heals } from './heals.ts';

/** Another audit pod: it shares the partitions of both groups, and the shards of the outbox, with the first. */
const another = async (stage: Stage, name: string): Promise<Pod> => {
  const pod = new Pod({ ...stage.cluster.audit!.spec, name, port: await freePort(), internalPort: await freePort() });
  await pod.start();
  return pod;
};

export const auditRebalanceScenarios: Scenario[] = [
  {
    name: 'audit-rebalance-storm',
    promise: 'P-1 P-9',
    cluster: { audit: true, kafka: true, postgres: true },
    deadlineMs: 120_000,
    run: async (stage) => {
      const [restless, zombie] = await Promise.all([another(stage, 'audit-1'), another(stage, 'audit-2')]);
      try {
        await underWay(stage, 3, { words: 200, rate: 100 });
        // It keeps its partitions until its session ends, and comes back believing that they are still its own.
        zombie.pause();
        for (let round = 0; round < 2; round++) {
          await (stage.random.chance(1 / 2) ? restless.kill() : restless.terminate());
          await underWay(stage, 1, { words: 100, rate: 100 });
          await restless.start();
        }
        await Promise.all([...stage.expected.runs.values()].map((run) => stage.ended(run)));
        await checkAudit(stage);
        zombie.resume();
        await underWay(stage, 2, { words: 100, rate: 100 });
        await heals(stage);
      } finally {
        zombie.resume();
        await Promise.all([restless.kill(), zombie.kill()]);
      }
    },
  },
];
