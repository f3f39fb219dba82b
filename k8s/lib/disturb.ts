import { percentile, settle, startLoad, underLoad, type LoadPlan, type LoadReport } from './load.ts';
import { step } from './step.ts';

const PLAN: LoadPlan = { conversations: 10, viewers: 2, words: 200, wordsASecond: 20 };
/** An answer that stands still for longer has not been carried over. How long pauses are is a figure: `test:k8s -- figures`. */
const PAUSE_MS = 30_000;

/** What all disturbances together have seen. */
export const seen = { runs: 0 };

/** @throws Error when an answer was not whole on some screen, or not accepted */
const measure = async (origin: () => string, disturbance: () => Promise<unknown>, plan: LoadPlan): Promise<LoadReport> => {
  const load = startLoad(origin, plan);
  let report: LoadReport;
  try {
    await underLoad(load, plan.conversations);
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

/** Disturbs the release while answers run; every viewer must show every byte in order. */
export const disturb = (name: string, origin: () => string, disturbance: () => Promise<unknown>, plan = PLAN): Promise<void> =>
  step(name, async () => {
    const report = await measure(origin, disturbance, plan);
    if (percentile(report.pauses, 1) > PAUSE_MS) throw new Error(`${told(report)} (${report.worst})`);
    return told(report);
  });
