/** What is known of one endpoint; times are ms of one monotonic clock. */
export interface EndpointState {
  /** In a row, since it last answered. */
  failures: number;
  /** In a row: how often it was sent to rest without an answer between. */
  ejections: number;
  /** It rests until then. */
  until: number;
  /** When it was sent to rest last; what was asked of it before says nothing of what it is since. */
  ejectedAt: number;
  /** After a rest it is asked once, and no second time before that has ended. */
  isTried: boolean;
}
export const FRESH: EndpointState = {
  ...{ failures: 0, ejections: 0, isTried: false },
  ...{ until: Number.NEGATIVE_INFINITY, ejectedAt: Number.NEGATIVE_INFINITY },
};

/** In a row, until it rests. */
export const FAILURES = 3;
const REST_MS = 10_000;
const LEAST_REST_MS = 1_000;
export const MOST_REST_MS = 300_000;

export const isResting = ({ ejections, until }: EndpointState, now: number): boolean => ejections > 0 && now < until;

/** It takes its share: it does not rest, and is not being tried just now. */
const takesPart = (state: EndpointState, now: number): boolean => !isResting(state, now) && !(state.ejections > 0 && state.isTried);

const soonest = (states: readonly EndpointState[], among: readonly number[]): number =>
  among.reduce((best, at) => (states[at]!.until < states[best]!.until ? at : best));

/**
 * Which endpoint is asked next, by its place; null: all that may be were asked. Where every one rests, the one that rests least is asked all
 * the same: somebody has to find out. `random` is in [0, 1). Pure.
 */
export const pickEndpoint = (
  weights: readonly number[],
  states: readonly EndpointState[],
  asked: ReadonlySet<number>,
  now: number,
  random: number,
): number | null => {
  const left = weights.flatMap((weight, at) => (weight > 0 && !asked.has(at) ? [at] : []));
  if (left.length === 0) return null;
  const taking = left.filter((at) => takesPart(states[at]!, now));
  if (taking.length === 0) return soonest(states, left);
  // One that has rested is tried by the next request that comes; else a small weight would keep it out for long.
  const rested = taking.find((at) => states[at]!.ejections > 0);
  if (rested !== undefined && asked.size === 0) return rested;
  let point = random * taking.reduce((sum, at) => sum + weights[at]!, 0);
  for (const at of taking) if ((point -= weights[at]!) < 0) return at;
  return taking.at(-1)!;
};

/** It is asked. */
export const begun = (state: EndpointState): EndpointState => (state.ejections > 0 ? { ...state, isTried: true } : state);

/** Nothing was learnt: who asked went away. */
export const dropped = (state: EndpointState): EndpointState => (state.isTried ? { ...state, isTried: false } : state);

/** It gave a whole answer that was asked for at `startedAt`. */
export const answered = (state: EndpointState, startedAt: number): EndpointState => (startedAt < state.ejectedAt ? state : FRESH);

/** What was asked at `startedAt` failed now. `restMs`: it said itself for how long it wants none. */
export const failed = (state: EndpointState, startedAt: number, now: number, restMs?: number): EndpointState => {
  if (startedAt < state.ejectedAt) return state;
  // Asked while it rests, because all did: that is no news.
  if (isResting(state, now)) return dropped(state);
  const failures = state.failures + 1;
  // One that is being tried has no second chance.
  if (failures < FAILURES && state.ejections === 0 && restMs === undefined) return { ...state, failures };
  const ejections = state.ejections + 1;
  const rest = restMs === undefined ? REST_MS * 2 ** Math.min(ejections - 1, 10) : Math.max(LEAST_REST_MS, restMs);
  return { failures: 0, ejections, until: now + Math.min(MOST_REST_MS, rest), ejectedAt: now, isTried: false };
};
