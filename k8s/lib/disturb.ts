import { percentile, settle, startLoad, underLoad, type LoadPlan, type LoadReport } from './load.ts';
import { step } from './step.ts';

const PLAN: LoadPlan = { conversations: 10, viewers: 2, words: 200, wordsASecond: 20 };
/** Of so few viewers, p99 would be the unluckiest one; docs/performance-kubernetes.md has it for 300. */
const PAUSE_P95_MS = 1_500;
/** Nobody waits longer than for a dead connection to be noticed and a pod that is gone to be tried. */
const PAUSE_MAX_MS = 6_000;

/** What all disturbances together have seen. */
export const seen = { runs: 0 };

/** Disturbs the release while answers run; every viewer must show every byte in order, and none may wait longer than that. */
export const disturb = (
  name: string,
  origin: () => string,
  disturbance: () => Promise<unknown>,
  pauseMs: number = PAUSE_P95_MS,
): Promise<void> =>
  step(name, async () => {
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
    const [p95, max] = [percentile(report.pauses, 0.95), percentile(report.pauses, 1)];
    if (p95 > pauseMs || max > Math.max(pauseMs, PAUSE_MAX_MS))
      throw new Error(`pauses of p95 ${p95} and max ${max} ms (${report.worst}); ${report.runs} answers were whole`);
    const { runs, pauses, reconnects, moves } = report;
    return `${runs} answers whole for ${pauses.length} viewers, ${reconnects.length} reconnects, ${moves} moves seen, longest pause p95 ${p95}, max ${max} ms`;
  });
