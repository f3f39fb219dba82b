import { LRUCache } from 'lru-cache';
import { RunnelError, type Message } from '@runnel/protocol';
import { NoHistory, parseBody, StoredPage, type Deletion } from '@runnel/protocol/http';
import { readAudit } from './audit-ask.ts';
import type { AuditClient } from './audit-client.ts';
import type { Standing } from '../auth/access.ts';

/** As many messages as the store keeps of a conversation. */
export const NEWEST = 200;
/** How long a conversation counts as unknown, or as somebody else's, without asking again. */
const REMEMBERED_MS = 5_000;
/** An answer that takes longer opens the breaker: what stands in front of a prompt must not wait for it (P-10). */
export const SLOW_MS = 200;
const PROBE_MS = 1_000;
const MOST_OWED = 10_000;

export interface Asked {
  conversationId: string;
  userId: string;
}
export type Answer =
  | { standing: 'owner'; page: StoredPage }
  | { standing: 'unknown'; deleted?: Deletion }
  | { standing: Exclude<Standing, 'owner' | 'unknown'> };

const UNANSWERED: Answer = { standing: 'unanswered' };

/** `x-runnel-user` cannot be part of the conversation's id, so the two never run into each other. */
const keyOf = ({ conversationId, userId }: Asked): string => `${conversationId} ${userId}`;

const answerOf = ({ status, body }: { status: number; body: unknown }): Answer => {
  if (status === 200) return { standing: 'owner', page: parseBody(StoredPage, body) };
  // An audit service of 0.1.0 says nothing with it. 401, 429, 500 and whatever else say nothing about the conversation.
  if (status === 404) return { standing: 'unknown', ...(body !== null && parseBody(NoHistory, body)) };
  return status === 403 ? { standing: 'stranger' } : UNANSWERED;
};

/**
 * Asks the database what a conversation is to a person. Nobody waits for one that hangs: the first slow answer opens a breaker, then
 * every question is `unanswered` at once and owed, and one at a time is asked in the background until answers are quick again.
 */
export class AuditDesk {
  readonly #audit: AuditClient;
  /** A question that somebody was not answered in time has its answer now. */
  readonly #late: (asked: Asked, answer: Answer) => Promise<void>;
  readonly #remembered = new LRUCache<string, Answer>({ max: 10_000, ttl: REMEMBERED_MS });
  readonly #flights = new Map<string, Promise<Answer>>();
  readonly #owed = new Map<string, Asked>();
  #isOpen = false;
  #isProbing = false;

  readonly #slowMs: number;

  constructor(audit: AuditClient, slowMs: number, late: (asked: Asked, answer: Answer) => Promise<void>) {
    this.#audit = audit;
    this.#slowMs = slowMs;
    this.#late = late;
  }

  /** Resolves within `patienceMs`. */
  async ask(asked: Asked, patienceMs: number = this.#slowMs): Promise<Answer> {
    const key = keyOf(asked);
    const remembered = this.#remembered.get(key);
    if (remembered) return remembered;
    if (!this.#isOpen) {
      const startedAt = performance.now();
      const answer = await within(this.#fly(asked), patienceMs, UNANSWERED);
      if (performance.now() - startedAt > this.#slowMs) this.#isOpen = true;
      if (answer.standing !== 'unanswered') return answer;
      this.#isOpen = true;
    }
    this.owe(asked);
    return UNANSWERED;
  }

  /**
   * The thread from its root to a message that the store no longer keeps; null: there is none for this person.
   *
   * @throws RunnelError `unavailable` when the database does not answer within `patienceMs`
   */
  async thread(asked: Asked, messageId: string, patienceMs: number): Promise<Message[] | null> {
    if (this.#isOpen) {
      // An answer that came, but slowly, opened it with nothing owed: without a question nobody would hear that it is quick again.
      this.owe(asked);
      throw new RunnelError('unavailable');
    }
    const { conversationId, userId } = asked;
    const asking = this.#audit.call(`/history/${conversationId}/thread/${messageId}`, { userId });
    const answer = await within(
      asking.catch(() => null),
      patienceMs,
      null,
    );
    if (answer === null || answer.status >= 500 || answer.status === 429) {
      this.#isOpen = true;
      this.owe(asked);
      throw new RunnelError('unavailable');
    }
    return answer.status === 200 ? readAudit(StoredPage, answer.body).messages : null;
  }

  /** To be asked when the database answers; the newest of too many. */
  owe(asked: Asked): void {
    const key = keyOf(asked);
    this.#owed.delete(key);
    this.#owed.set(key, asked);
    for (const oldest of this.#owed.keys()) {
      if (this.#owed.size <= MOST_OWED) break;
      this.#owed.delete(oldest);
    }
    void this.#probe();
  }

  /** The conversation has been made: what was heard of it before is out of date. */
  forget(asked: Asked): void {
    this.#remembered.delete(keyOf(asked));
  }

  #fly(asked: Asked): Promise<Answer> {
    const key = keyOf(asked);
    const joined = this.#flights.get(key);
    if (joined) return joined;
    const { conversationId, userId } = asked;
    const flight = this.#audit
      .call(`/history/${conversationId}?limit=${NEWEST}&parked=1`, { userId })
      .then(answerOf)
      .catch(() => UNANSWERED)
      .then((answer) => {
        if (answer.standing === 'stranger' || answer.standing === 'unknown') this.#remembered.set(key, answer);
        return answer;
      })
      .finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  /** Half open: one question at a time, and nobody waits for it. */
  async #probe(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    for (let [first] = this.#owed; first; [first] = this.#owed) {
      const [key, asked] = first;
      const startedAt = performance.now();
      const answer = await this.#fly(asked);
      if (answer.standing === 'unanswered') {
        this.#isOpen = true;
        // Another one next time: one conversation may be what the database hangs on.
        if (this.#owed.delete(key)) this.#owed.set(key, asked);
        await pause(PROBE_MS * (0.5 + Math.random()));
        continue;
      }
      this.#isOpen = performance.now() - startedAt > this.#slowMs;
      const isSettled = await this.#late(asked, answer).then(
        () => true,
        () => false,
      );
      if (isSettled && this.#owed.get(key) === asked) this.#owed.delete(key);
      // The store did not take it: later.
      if (!isSettled) await pause(PROBE_MS);
    }
    this.#isProbing = false;
  }
}

/** Holds up no process that wants to end. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());

const within = async <T>(flight: Promise<T>, ms: number, otherwise: T): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
    timer.unref();
  });
  return Promise.race([flight, late]).finally(() => clearTimeout(timer));
};
