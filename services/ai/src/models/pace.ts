import type { Clock } from '../runs/clock.ts';

/**
 * Gives pieces at a pace: the first at once, each next one `gapMs(piece before)` later. The schedule is absolute: a timer that
 * came late delays one piece and not all that follow, and a reader that paused gets at once what was due meanwhile.
 * Ends early when the signal aborts.
 */
export async function* paced(
  pieces: Iterable<string>,
  gapMs: (piece: string) => number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<{ text: string }> {
  let due = clock.now();
  for (const text of pieces) {
    const wait = due - clock.now();
    if (wait > 0) await clock.sleep(wait, signal);
    if (signal.aborted) return;
    yield { text };
    due += gapMs(text);
  }
}
