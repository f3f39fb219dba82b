import { RunnelError, type Cursor } from '@runnel/protocol';
import type { Hub } from '../../follow/hub.ts';
import type { Batch } from './encode.ts';
import { LiveItems } from './live-items.ts';
import type { Reading } from './read.ts';

export interface PollTimes {
  /** An answer without items comes after so long. */
  waitMs: number;
  /** What comes within so long of the first item goes with it: an answer of a model is not one request a word. */
  gatherMs: number;
}

/**
 * What comes after a cursor, as soon as something does; without items when nothing came. Null: the log has to be read instead. `left`
 * ends the wait at once. Throws `forbidden` and `unavailable`.
 */
export const pollItems = async (
  { hub, conversationId, userId }: Omit<Reading, 'runLog'> & { hub: Hub },
  cursor: Cursor,
  { waitMs, gatherMs }: PollTimes,
  left: AbortSignal,
): Promise<Batch | null> => {
  const live = new LiveItems(cursor);
  const touch = (): void => live.touch();
  const follow = hub.follow({ conversationId, userId, cursor, sink: live });
  let over = left.aborted;
  const end = (): void => {
    over = true;
    touch();
  };
  let timer = setTimeout(end, waitMs);
  left.addEventListener('abort', end);
  try {
    const mayRest = (): boolean => !over && live.state === 'open' && !live.ended;
    let caughtUp = false;
    while (mayRest() && !(live.waiting && live.current)) await live.changed();
    caughtUp = live.waiting;
    if (caughtUp && mayRest()) {
      clearTimeout(timer);
      timer = setTimeout(end, gatherMs);
      while (mayRest()) await live.changed();
    }
    if (live.state instanceof RunnelError) throw live.state;
    // What was too much at once is read from the log.
    return live.state === 'open' ? live.take() : null;
  } finally {
    clearTimeout(timer);
    left.removeEventListener('abort', end);
    follow.close();
  }
};
