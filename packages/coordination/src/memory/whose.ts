import { LIMITS, MEMORY_LIMITS } from '../limits.ts';

/** Whose an id is when the conversation itself is gone: what the key `whose` is in Redis. Oldest first. */
export class Whose {
  readonly #held = new Map<string, { userId: string; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** From now on the id is this person's for 30 days. */
  hold(conversationId: string, userId: string): void {
    this.#held.delete(conversationId);
    this.#held.set(conversationId, { userId, until: this.#now() + LIMITS.heldMs });
    for (const [id, { until }] of this.#held) {
      if (until > this.#now() && this.#held.size <= MEMORY_LIMITS.heldIds) break;
      this.#held.delete(id);
    }
  }

  free(conversationId: string): void {
    this.#held.delete(conversationId);
  }

  /** Whether it is somebody else's; `owner`: whose the conversation is that stands there now. */
  isTheirs(conversationId: string, userId: string, owner: string | undefined): boolean {
    if (owner !== undefined) return owner !== userId;
    const held = this.#held.get(conversationId);
    return held !== undefined && held.until > this.#now() && held.userId !== userId;
  }
}
