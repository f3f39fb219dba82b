import type { LeaderTiming } from '@runnel/kube';

/** Everything a few times faster than it is, in the same proportions. */
export const TIMING = {
  leader: { leaseMs: 2_000, giveUpMs: 1_200, everyMs: 300 } satisfies LeaderTiming,
  everyMs: 1_000,
  soonMs: 200,
  togetherMs: 50,
};
