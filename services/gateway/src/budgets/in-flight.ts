/** How long one that has no room waits for it, and how many of one person may wait; without it nobody waits. */
export interface Patience {
  ms: number;
  most: number;
}

interface Line {
  running: number;
  /** In the order they came. */
  waiting: Set<() => void>;
}

/** How many of something a person has under way on this node. What finds no room waits in turn, for so long and so many. */
export class InFlight {
  readonly #max: number;
  readonly #patience: Patience;
  readonly #lines = new Map<string, Line>();

  /** 0: no limit. */
  constructor(max: number, patience: Patience = { ms: 0, most: 0 }) {
    this.#max = max;
    this.#patience = patience;
  }

  /** Resolves false when there is no room, or `gone` ended the wait for it; otherwise the caller owes one `leave`. */
  async enter(userId: string, gone?: AbortSignal): Promise<boolean> {
    const line = this.#lines.get(userId) ?? { running: 0, waiting: new Set() };
    this.#lines.set(userId, line);
    if (this.#max === 0 || line.running < this.#max) {
      line.running++;
      return true;
    }
    if (line.waiting.size >= this.#patience.most || gone?.aborted) return false;
    return new Promise((resolve) => {
      const settle = (entered: boolean): void => {
        clearTimeout(timer);
        gone?.removeEventListener('abort', giveUp);
        line.waiting.delete(enter);
        resolve(entered);
      };
      const enter = (): void => settle(true);
      const giveUp = (): void => settle(false);
      const timer = setTimeout(giveUp, this.#patience.ms);
      gone?.addEventListener('abort', giveUp, { once: true });
      line.waiting.add(enter);
    });
  }

  leave(userId: string): void {
    const line = this.#lines.get(userId);
    if (line === undefined) return;
    // The place goes on to who waits longest.
    const [next] = line.waiting;
    if (next !== undefined) return next();
    line.running--;
    if (line.running === 0) this.#lines.delete(userId);
  }

  /** How many wait, of all. */
  get waiting(): number {
    let sum = 0;
    for (const line of this.#lines.values()) sum += line.waiting.size;
    return sum;
  }
}
