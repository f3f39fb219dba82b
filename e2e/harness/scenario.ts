import type { ClusterOptions } from './processes/cluster.ts';
import type { Stage } from './stage.ts';

/** One row of the table: a fault, and the promise that must hold through it. */
export interface Scenario {
  /** What is done to the system, in a few words joined by dashes. */
  name: string;
  /** Ids of the promises and laws it checks. */
  promise: string;
  cluster?: ClusterOptions;
  deadlineMs?: number;
  /** It measures, or takes the whole machine: nothing else is tried beside it. */
  alone?: true;
  run(stage: Stage): Promise<void>;
}

/** `2/3`: the second of three parts that are tried side by side; `alone`: what must be tried by itself; undefined: all. */
export type Part = 'alone' | { part: number; of: number } | undefined;

/** @throws Error when it is neither */
export const readPart = (text: string | undefined): Part => {
  if (text === undefined || text === 'alone') return text;
  const [part, of] = text.split('/').map(Number);
  if (!Number.isInteger(part) || !Number.isInteger(of) || part! < 1 || part! > of!) throw new Error(`--part is k/n or alone, not ${text}`);
  return { part: part!, of: of! };
};

/** Each scenario is in one part: every n-th of those that bear company, as neighbours in the table take about as long. Pure. */
export const scenariosOf = (all: readonly Scenario[], part: Part): Scenario[] => {
  if (part === undefined) return [...all];
  if (part === 'alone') return all.filter(({ alone }) => alone);
  return all.filter(({ alone }) => !alone).filter((_, i) => i % part.of === part.part - 1);
};
