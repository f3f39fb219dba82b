import { checkoutOlder } from '../harness/processes/older.ts';
import { Pod, type PodSpec } from '../harness/processes/pod.ts';
import { freePort } from '@runnel/kit/testing';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse } from '../harness/wait.ts';
import { underWay } from './ai-pods.ts';
import { checkAudit } from './audit/check.ts';

/** Release 0.1.0. */
const OLDER = '960b1ac';

/** An older release is started from its sources, whatever today's pods are started from. */
const sourcesIn = (root: string, { service }: PodSpec): Pick<PodSpec, 'root' | 'program'> => ({
  root,
  program: `services/${service}/src/main.ts`,
});

/** The second gateway, the second AI pod, and an audit pod beside the first become those of the older release. */
const startOlder = async ({ cluster }: Stage, root: string): Promise<Pod> => {
  for (const pods of [cluster.gateways, cluster.ai]) {
    const pod = pods[1]!;
    await pod.terminate();
    Object.assign(pod.spec, sourcesIn(root, pod.spec));
    await pod.start();
  }
  const { spec } = cluster.audit!;
  const own = { name: 'audit-older', port: await freePort(), internalPort: await freePort() };
  const older = new Pod({ ...spec, ...own, ...sourcesIn(root, spec) });
  await older.start();
  return older;
};

export const skewScenarios: Scenario[] = [
  {
    name: 'skew-with-0.1.0',
    promise: 'L-5 P-1 P-2 P-4 P-9',
    cluster: { gateways: 2, ai: 2, audit: true, postgres: true },
    // With the install of what the older release needs.
    deadlineMs: 420_000,
    run: async (stage) => {
      const older = await checkoutOlder(OLDER);
      if (older === null) return stage.note(`NOT RUN: this clone is shallow and does not have ${OLDER}`);
      let auditOlder: Pod | undefined;
      try {
        const { cluster, random } = stage;
        auditOlder = await startOlder(stage, older.root);
        const runs = await underWay(stage, 8, { words: 900, rate: 100 });
        // Both ways: by drain, by SIGKILL, and back.
        const [today, before] = random.chance(0.5) ? [cluster.ai[0]!, cluster.ai[1]!] : [cluster.ai[1]!, cluster.ai[0]!];
        await today.terminate();
        await elapse(random.between(200, 800));
        await today.start();
        await before.kill();
        await elapse(random.between(200, 800));
        await before.start();
        for (const gateway of cluster.gateways) {
          await (random.chance(0.5) ? gateway.kill() : gateway.terminate());
          await gateway.start();
        }
        await cluster.audit!.kill();
        await cluster.audit!.start();
        await Promise.all(runs.map((run) => stage.ended(run, 40_000)));
        // New turns, cancelled and not, through the gateways of both.
        for (const run of runs.slice(0, 4)) {
          const next = await stage.startRun({ conversationId: run.conversationId, words: 60, rate: 200 });
          await stage.ended(next, 15_000);
        }
        const events = await checkAudit(stage);
        stage.note(`${events} events, each once, written and carried by both releases`);
        await stage.settle({ deadlineMs: 30_000 });
      } finally {
        await auditOlder?.kill();
      }
    },
  },
];
