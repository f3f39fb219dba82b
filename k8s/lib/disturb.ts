import { percentile, settle, startLoad, underLoad, type LoadPlan, type LoadReport } from './load.ts';
import { step } from './step.ts';

const PLAN: LoadPlan = { conversations: 10, viewers: 2, words: 200, wordsASecond: 20 };
/** Of so few viewers, p99 would be the unluckiest one; docs/performance-kubernetes.md has it for 300. */
const PAUSE_P95_MS = 1_500;
/** Nobody waits longer than for a dead connection to be noticed and a pod that is gone to be tried. */
const PAUSE_MAX_MS = 6_000;

export interface DisturbOptions {
  /** What 95 of 100 viewers may wait at the longest. */
  pauseMs?: number;
  /** Makes the disturbance one again, when it cannot simply be done twice. */
  undo?: () => Promise<unknown>;
}

/** What all disturbances together have seen. */
export const seen = { runs: 0 };

/** @throws Error when an answer was not whole on some screen, or not accepted */
const measure = async (origin: () => string, disturbance: () => Promise<unknown>): Promise<LoadReport> => {
  const load = startLoad(origin, PLAN);
  let report: LoadReport;
  try {
    await underLoad(load, PLAN.conversations);
    await disturbance();
    await settle();
  } finally {
    report = await load.stop();
    seen.runs += report.runs;
  }
  if (report.problems.length > 0) throw new Error(report.problems.join('\n'));
  return report;
};

const told = ({ runs, pauses, reconnects, moves }: LoadReport): string =>
  `${runs} answers whole for ${pauses.length} viewers, ${reconnects.length} reconnects, ${moves} moves seen, ` +
  `longest pause p95 ${percentile(pauses, 0.95)}, max ${percentile(pauses, 1)} ms`;

/** Disturbs the release while answers run; every viewer must show every byte in order, and none may wait longer than that. */
export const disturb = (
  name: string,
  origin: () => string,
  disturbance: () => Promise<unknown>,
  { pauseMs = PAUSE_P95_MS, undo }: DisturbOptions = {},
): Promise<void> =>
  step(name, async () => {
    const isLong = ({ pauses }: LoadReport): boolean =>
      percentile(pauses, 0.95) > pauseMs || percentile(pauses, 1) > Math.max(pauseMs, PAUSE_MAX_MS);
    const first = await measure(origin, disturbance);
    if (!isLong(first)) return told(first);
    // Machines are shared: somebody else's seconds of work are not our pause. What is lost or doubled fails at once, above.
    await undo?.();
    const second = await measure(origin, disturbance);
    if (isLong(second)) throw new Error(`twice too long a pause: ${told(first)}; then ${told(second)} (${second.worst})`);
    return `${told(second)}; measured once more after p95 ${percentile(first.pauses, 0.95)} ms (${first.worst})`;
  });
