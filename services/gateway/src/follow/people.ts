import type { PersonListener, RunLog, Subscription } from '@runnel/coordination';
import { control, hint, type Outgoing } from './wire-event.ts';

/** Who wants to hear of a person's list. */
export type Hear = (event: Outgoing) => void;

interface Followed {
  hearers: Set<Hear>;
  subscription: Promise<Subscription>;
}

/** Sockets that wait for a subscription after a failed one. */
const AGAIN_MS = 2_000;
/** A hint is a few words; what is longer is none of ours. */
const MOST_BYTES = 4_096;

/**
 * Hints for people's open pages: one subscription for each person with sockets here, however many, and nothing else is kept. Best effort: after
 * whatever may have been missed, pages are told to read their lists again.
 */
export const createPeople = (runLog: Pick<RunLog, 'followPerson'>, onSize: (people: number) => void = () => {}) => {
  const people = new Map<string, Followed>();
  const missed = control({ type: 'list', change: 'missed' });

  const open = (userId: string, hearers: Set<Hear>): Promise<Subscription> => {
    const tell = (event: Outgoing): void => {
      for (const hear of hearers) hear(event);
    };
    const listener: PersonListener = {
      message: (bytes) => bytes.length <= MOST_BYTES && tell(hint('list', '', bytes)),
      resubscribed: () => tell(missed),
    };
    return runLog.followPerson(userId, listener);
  };
  /** Tries again for as long as somebody listens. */
  const insist = (userId: string, followed: Followed): void => {
    followed.subscription.catch(() => {
      setTimeout(
        () => {
          if (people.get(userId) !== followed) return;
          followed.subscription = open(userId, followed.hearers);
          void followed.subscription.then(
            () => {
              for (const hear of followed.hearers) hear(missed);
            },
            () => undefined,
          );
          insist(userId, followed);
        },
        AGAIN_MS + Math.random() * AGAIN_MS,
      ).unref();
    });
  };

  return {
    /** Until the returned function is called. */
    follow(userId: string, hear: Hear): () => void {
      let followed = people.get(userId);
      if (!followed) {
        const hearers = new Set<Hear>();
        followed = { hearers, subscription: open(userId, hearers) };
        people.set(userId, followed);
        insist(userId, followed);
      }
      const { hearers } = followed;
      hearers.add(hear);
      onSize(people.size);
      const mine = followed;
      return () => {
        if (!hearers.delete(hear) || hearers.size > 0) return;
        if (people.get(userId) === mine) people.delete(userId);
        onSize(people.size);
        void mine.subscription.then(
          (subscription) => subscription.close(),
          () => undefined,
        );
      };
    },
  };
};
export type People = ReturnType<typeof createPeople>;
