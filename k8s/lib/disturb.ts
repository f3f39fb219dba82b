import { percentile, settle, startLoad, underLoad, type LoadPlan, type LoadReport } from './load.ts';
import { step } from './step.ts';

const PLAN: LoadPlan = { conversations: 10, viewers: 2, words: 200, wordsASecond: 20 };
const PAUSE_P99_MS = 1_500;

/** What all disturbances together have seen. */
export const seen = { runs: 0 };

/** Disturbs the release while answers run; every viewer must show every byte in order, and none may wait longer than that. */
export const disturb = (
  name: string,
  origin: () => string,
  disturbance: () => Promise<unknown>,
  pauseMs: number = PAUSE_P99_MS,
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
    const p99 = percentile(report.pauses, 0.99);
    if (p99 > pauseMs) throw new Error(`a viewer waited ${p99} ms, more than ${pauseMs}; ${report.runs} answers were whole`);
    const { runs, pauses, reconnects, moves } = report;
    return `${runs} answers whole for ${pauses.length} viewers, ${reconnects.length} reconnects, ${moves} moves seen, longest pause p99 ${p99} ms`;
  });
