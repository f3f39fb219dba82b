import { waitFor } from '@runnel/e2e';
import { disturb } from '../lib/disturb.ts';
import { startLoad, type LoadPlan } from '../lib/load.ts';
import type { Release } from '../lib/release.ts';

const FEW = 2;
/** Answers that one pod should write. */
const TARGET = 2;
export const scalingValues = (most: number): string[] =>
  ['enabled=true', `min=${FEW}`, `max=${most}`, `target=${TARGET}`, 'downAfterSeconds=10'].map((value) => `operator.scaling.ai.${value}`);
/** All the time; of so many answers the fewest pods are enough. */
const STEADY: LoadPlan = { conversations: FEW * TARGET - 1, viewers: 2, words: 200, wordsASecond: 20 };
/** With these, more pods are wanted than there may be. */
const surge = (most: number): LoadPlan => ({
  ...{ conversations: most * TARGET + 2, viewers: 1 },
  ...{ words: 100, wordsASecond: 10, rampMs: 2_000 },
});
const UP_MS = 120_000;
const DOWN_MS = 240_000;

/** More answers than the pods should write, and then few again: pods come and go, the emptiest first, and every answer is whole. */
export const scalingStep = async (app: Release, origin: () => string, most: number): Promise<void> => {
  const replicas = async (): Promise<number> => Number(await app.kubectl('get', 'deploy/runnel-ai', '-o', 'jsonpath={.spec.replicas}'));
  const reach = async (pods: number, deadlineMs: number): Promise<void> => {
    await waitFor(async () => (await replicas()) === pods, { deadlineMs, everyMs: 500, what: `${pods} AI pods to be asked for` });
    await app.rolledOut('ai');
  };
  await disturb(
    `${FEW} → ${most} → ${FEW} AI pods by live answers`,
    origin,
    async () => {
      const many = startLoad(origin, surge(most));
      try {
        await reach(most, UP_MS);
      } finally {
        const { problems } = await many.stop();
        if (problems.length > 0) throw new Error(problems.join('\n'));
      }
      await reach(FEW, DOWN_MS);
    },
    STEADY,
  );
};
