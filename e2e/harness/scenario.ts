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
  run(stage: Stage): Promise<void>;
}
