import type { Clock } from '../clock.ts';

/** A writer who was not heard of for this long has stopped: the event that says so may never come. */
const TYPING_TTL_MS = 6_000;
/** Own activity is told at most this often. */
const TYPING_EVERY_MS = 2_500;

/** Who is writing in a conversation, by user. */
export interface TypingUsers {
  set(userId: string, active: boolean): void;
  clear(): void;
}

export const createTypingUsers = (clock: Clock, changed: (users: readonly string[]) => void): TypingUsers => {
  const timers = new Map<string, () => void>();
  const tell = (): void => changed([...timers.keys()]);
  const remove = (userId: string): void => {
    timers.get(userId)?.();
    if (timers.delete(userId)) tell();
  };
  return {
    set(userId, active) {
      if (!active) return remove(userId);
      const known = timers.get(userId);
      known?.();
      timers.set(
        userId,
        clock.after(TYPING_TTL_MS, () => remove(userId)),
      );
      if (!known) tell();
    },
    clear: () => [...timers.keys()].forEach(remove),
  };
};

/** Whether this keystroke is worth a frame: the first, each so often while it goes on, and the end. */
export const createTypingThrottle = (clock: Clock): ((active: boolean) => boolean) => {
  let toldAt: number | null = null;
  return (active) => {
    const now = clock.now();
    if (!active) {
      const wasTold = toldAt !== null;
      toldAt = null;
      return wasTold;
    }
    if (toldAt !== null && now - toldAt < TYPING_EVERY_MS) return false;
    toldAt = now;
    return true;
  };
};
