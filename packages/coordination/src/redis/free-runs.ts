import type { RunRef } from '../run-ref.ts';

/** A run that waits for a pod. */
export interface FreeRun extends RunRef {
  /** Somebody has written at it: its reader sees it standing still. */
  half?: true;
  /** Its model, which no pod was seen with for `orphanMs`. */
  orphan?: string;
}

/** For whom is looked; nothing: any run of any model. */
export interface Seek {
  /** Models of the pod, as for `claimRun`. */
  models?: Readonly<Record<string, boolean>>;
  /** Those of them that have no place for a run now: seen with this pod, and not looked for. */
  full?: readonly string[];
  /** Rises with each look, so that what many unsuited runs hide has its turn. */
  turn?: number;
  /** Also runs whose model no pod was seen with for so long; 0: none. */
  orphanMs?: number;
  /** Says to the store that a pod with these models looks. */
  announce?: boolean;
  /** Hears of a part of the store that did not answer; what the others hold is found all the same. */
  onFailure?(error: unknown): unknown;
}

/** With whose they are: places go round. */
export type Waiting = FreeRun & { userId: string };

/** One of each person, then the second of each, in the order they came. Pure. */
const inTurn = (runs: readonly Waiting[]): Waiting[] => {
  const place = new Map<string, number>();
  const placed = runs.map((run) => {
    const turn = place.get(run.userId) ?? 0;
    place.set(run.userId, turn + 1);
    return { run, turn };
  });
  return placed.toSorted((a, b) => a.turn - b.turn).map(({ run }) => run);
};

/** Half answers before new prompts; among each, places go round the persons. Pure. */
export const chooseFree = (waiting: readonly Waiting[], limit: number): FreeRun[] => {
  const halves = inTurn(waiting.filter(({ half }) => half));
  const fresh = inTurn(waiting.filter(({ half }) => !half));
  return [...halves, ...fresh].slice(0, limit).map(({ userId: _, ...run }) => run);
};
