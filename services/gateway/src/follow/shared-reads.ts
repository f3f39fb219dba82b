import { delay, withPatience } from '@runnel/kit';
import { formatCursor, RunnelError, toRunnelError } from '@runnel/protocol';
import { BUSY_STORE_MS, type ConversationReader, type StoreHealth } from '@runnel/coordination';
import { MAX_LIVE_HELD, viewOf, type View } from './catch-up.ts';
import type { Follower } from './follower.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Limiter } from './read-slots.ts';
import type { Outgoing } from './wire-event.ts';

export interface SharedReadsDeps {
  runLog: ConversationReader & StoreHealth;
  /** Bounds the reads that no reader waits for (polls, heals). */
  background: Limiter;
  metrics: GatewayMetrics;
  /** Resolves when the channel stands, or cannot be had for now. */
  subscribed: Promise<void>;
  /** After every read that was answered. */
  learn(view: View, how: { poll: boolean }): void;
}

/** One read, and the live events since it was requested. All followers that wait for it share both. */
interface SharedRead {
  readonly followers: Set<Follower>;
  readonly live: Outgoing[];
  /** Sent to the store already: a follower that joins now needs a later state, and gets the next read. */
  issued: boolean;
  /** The log that began since the request: a reply about another log is outdated, and may be about another person's. */
  begun: string | null;
  done: Promise<void>;
}

/** A second read of the same thing waits so long at most for the first: reload storms become two reads, a hanging store costs no one a second turn. */
const COALESCE_MS = 50;
/** P-10: with the wait for the channel before it, readers get the error within a second. */
const READ_DEADLINE_MS = 700;

const isOutdated = (view: View, { begun }: SharedRead): boolean => begun !== null && (view.kind === 'forbidden' || view.logId !== begun);

/** The reads of one conversation: followers at the same position share one (single flight), and its bytes. */
export class SharedReads {
  readonly #conversationId: string;
  readonly #deps: SharedReadsDeps;
  readonly #reads = new Set<SharedRead>();
  /** The newest read of each user and position. */
  readonly #newest = new Map<string, SharedRead>();

  constructor(conversationId: string, deps: SharedReadsDeps) {
    this.#conversationId = conversationId;
    this.#deps = deps;
  }

  /** `poll`: the follower is live and only wants to know whether the channel lost something. */
  join(follower: Follower, { poll }: { poll: boolean }): void {
    this.leave(follower);
    const key = `${follower.userId} ${follower.cursor ? formatCursor(follower.cursor) : ''}`;
    const newest = this.#newest.get(key);
    if (newest && !newest.issued) {
      newest.followers.add(follower);
      return;
    }
    const read: SharedRead = { followers: new Set([follower]), live: [], issued: false, begun: null, done: Promise.resolve() };
    this.#reads.add(read);
    this.#newest.set(key, read);
    read.done = this.#perform(read, follower, { poll, before: newest }).finally(() => {
      if (this.#newest.get(key) === read) this.#newest.delete(key);
    });
  }

  leave(follower: Follower): void {
    for (const read of this.#reads) read.followers.delete(follower);
  }

  /** A live event: readers under way get it behind what they read. */
  hold(event: Outgoing): void {
    for (const read of this.#reads) if (read.live.length < MAX_LIVE_HELD) read.live.push(event);
  }

  /** A log begins: drop the held events of the one before it. */
  overtaken(logId: string | null): void {
    for (const read of this.#reads) {
      read.live.length = 0;
      read.begun = logId;
    }
  }

  async #perform(read: SharedRead, { userId, cursor }: Follower, how: { poll: boolean; before: SharedRead | undefined }): Promise<void> {
    const { runLog, background, metrics, subscribed, learn } = this.#deps;
    const { poll, before } = how;
    // W-7: the subscription is acknowledged before the log is read. Without a subscription, polls replace it.
    await subscribed;
    if (before) await Promise.race([before.done, delay(COALESCE_MS)]);
    const ask = async (): Promise<View> => {
      read.issued = true;
      const stop = metrics.readSeconds.startTimer();
      const reading = runLog.readState({ conversationId: this.#conversationId, userId, cursor });
      const patience = { ms: READ_DEADLINE_MS, limitMs: BUSY_STORE_MS, worthWaiting: runLog.answering };
      const state = await withPatience(reading, patience, () => {
        throw new RunnelError('unavailable');
      });
      stop();
      metrics.reads.inc({ outcome: state.kind });
      return viewOf(this.#conversationId, state, read.live);
    };
    try {
      const view = await (poll ? background.run(ask) : ask());
      this.#reads.delete(read);
      if (isOutdated(view, read)) {
        for (const follower of [...read.followers]) this.join(follower, { poll: false });
        return;
      }
      for (const follower of [...read.followers]) follower.arrive(view);
      learn(view, { poll });
    } catch (cause) {
      const error = toRunnelError(cause);
      metrics.reads.inc({ outcome: error.code });
      this.#reads.delete(read);
      for (const follower of [...read.followers]) follower.readFailed(error);
    }
  }
}
