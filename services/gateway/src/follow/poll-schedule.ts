/** What is known of a run in a conversation; `unknown` after a resume that brought no event. */
export type Knowledge = 'running' | 'idle' | 'unknown';

/** A running answer that says nothing for this long is looked up in the log: the channel may be dead without a sign. */
const SILENCE_MS = 1000;
/** A running answer without a channel: what is left of P-5's 250 ms when the owner of a cancelled run took its grace. */
const DEAF_MS = 75;
/** Nothing runs: only another node's prompt could be missed. */
const IDLE_MS = 30_000;
const JITTER = 0.2;

export interface PollInput {
  run: Knowledge;
  /** There is no channel, or polls find what it does not bring: then they are the channel. */
  deaf: boolean;
  /** Polls in a row that found nothing. */
  quiet: number;
  /** In [0, 1). */
  random: number;
}

/** Milliseconds from the last sign of life (or poll) to the next poll. Pure. */
export const pollDelay = ({ run, deaf, quiet, random }: PollInput): number => {
  const spread = 1 + JITTER * random;
  if (run === 'running') return (deaf ? DEAF_MS : SILENCE_MS) * spread;
  if (run === 'unknown' || deaf) return Math.min(IDLE_MS, SILENCE_MS * 2 ** quiet) * spread;
  return IDLE_MS * spread;
};
