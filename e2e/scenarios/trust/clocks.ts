import { fileURLToPath } from 'node:url';
import { history } from '../../harness/commands.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import type { Message } from '../../harness/viewers/events.ts';
import { underWay } from '../ai-pods.ts';

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;
const SHIFTED = ['--import', fileURLToPath(new URL('../../harness/processes/shifted-clock.mjs', import.meta.url))];
const shifted = (ms: number, stepMs = 0) => ({ CLOCK_SHIFT_MS: String(ms), CLOCK_STEP_MS: String(stepMs) });

/** Answers while clocks differ, a pod killed under them: each whole, once, with times by the store's clock. */
const answersAreWhole = async (stage: Stage, disturb: () => Promise<void> = async () => {}): Promise<void> => {
  const begun = Date.now();
  const runs = await underWay(stage, 4, { words: 400, rate: 80 });
  await disturb();
  const victim = await stage.ownerOf(runs[0]!);
  await victim.kill();
  await stage.settle({ deadlineMs: 60_000 });
  for (const { conversationId } of runs) {
    const said = (await history(stage.origin(), conversationId, stage.userId)) as (Message & { createdAt: number })[];
    if (said.length !== 2) throw new Error(`${said.length} messages of ${conversationId}`);
    for (const { createdAt, messageId } of said) {
      if (!(createdAt >= begun - MINUTE_MS && createdAt <= Date.now() + MINUTE_MS))
        throw new Error(`B18: ${messageId} is of ${new Date(createdAt).toISOString()}: not the store's time`);
    }
  }
  stage.note(`${runs.length} answers whole, ${victim.name} killed under them`);
};

const cluster = (gatewayMs: number, aiMs: number, stepMs = 0) => ({
  gateways: 2,
  ai: 2,
  audit: true,
  gatewayNodeArgs: SHIFTED,
  aiNodeArgs: SHIFTED,
  gatewayEnv: shifted(gatewayMs, stepMs),
  aiEnv: shifted(aiMs, stepMs),
});

/** Clocks of processes that are not the store's. */
export const clockScenarios: Scenario[] = [
  { name: 'trust-clocks-ahead-and-behind', ways: [10 * MINUTE_MS, -10 * MINUTE_MS] as const },
  { name: 'trust-clocks-behind-and-ahead', ways: [-10 * MINUTE_MS, 10 * MINUTE_MS] as const },
  // 2^31 seconds are over in January 2038.
  { name: 'trust-clocks-after-2038', ways: [20 * YEAR_MS, 20 * YEAR_MS] as const },
].map(({ name, ways }) => ({
  name,
  promise: 'B12 B18 P-1 P-2 P-4',
  cluster: cluster(...ways),
  deadlineMs: 120_000,
  run: (stage: Stage) => answersAreWhole(stage),
}));

for (const minutes of [10, -10]) {
  clockScenarios.push({
    name: `trust-clocks-set-${minutes > 0 ? 'ahead' : 'back'}-during-answers`,
    promise: 'B12 P-1 P-2 P-3 P-4',
    cluster: cluster(0, 0, minutes * MINUTE_MS),
    deadlineMs: 120_000,
    run: (stage) =>
      answersAreWhole(stage, async () => {
        for (const pod of [...stage.cluster.gateways, ...stage.cluster.ai]) pod.signal('SIGUSR2');
        await Promise.all(stage.viewers.map(({ screen }) => screen.until(() => screen.stats.moves === 0, 5_000, 'no answer to move')));
      }),
  });
}
