/** What is known of a run in a conversation; `unknown` after a resume that brought no event. */
export type RunKnowledge = 'running' | 'idle' | 'unknown';

/** A running answer that says nothing for this long is looked up in the log: the channel may be dead without a sign. */
const SILENCE_MS = 1000;
/** While polls keep finding what the channel did not bring, they are the channel. */
const LOST_MS = 250;
/** Nothing runs: only another node's prompt could be missed. */
const IDLE_MS = 30_000;
const JITTER = 0.2;

export interface PollInput {
  run: RunKnowledge;
  /** The channel stands, as far as this node knows. */
  subscribed: boolean;
  /** The last poll found events that the channel had not brought. */
  found: boolean;
  /** Polls in a row that found nothing. */
  quiet: number;
  random: number;
}

/** Milliseconds from the last sign of life (or poll) to the next poll. Pure. */
export const pollDelay = ({ run, subscribed, found, quiet, random }: PollInput): number => {
  const spread = 1 + JITTER * random;
  if (found) return LOST_MS * spread;
  if (run === 'running') return (subscribed ? SILENCE_MS : LOST_MS) * spread;
  if (run === 'unknown' || !subscribed) return Math.min(IDLE_MS, SILENCE_MS * 2 ** quiet) * spread;
  return IDLE_MS * spread;
};
