/** What one person holds on this node, and how much of the common limit the node was granted for it. */
interface Entry {
  count: number;
  granted: number;
  /** Questions to the store stand in line, so that each knows what the one before it brought. */
  line: Promise<unknown>;
  waiting: number;
}

export interface SharesOptions {
  /** Of one person over all nodes; 0: no limit, and nothing is counted. */
  limit: number;
  /** Resolves to how many this node may hold of what it wants; null while the store is away. Never rejects. */
  ask(userId: string, wanted: number): Promise<number | null>;
}

/** Of a large limit a node asks for a part ahead, so that 2,000 follows are some sixty questions; of a small one it asks each time. */
const PARTS = 32;

/**
 * How many of one kind (sockets, follows, replays) a person holds on this node, kept within a limit for all nodes together. What was
 * granted is taken at once; for more the store is asked. While the store is away, this node's own count is held against the limit.
 */
export class Shares {
  readonly #options: SharesOptions;
  readonly #block: number;
  readonly #entries = new Map<string, Entry>();

  constructor(options: SharesOptions) {
    this.#options = options;
    this.#block = Math.max(1, Math.floor(options.limit / PARTS));
  }

  /** Whether there is room; if so the caller owes one `release`. Answers at once where it can. Never rejects. */
  take(userId: string): boolean | Promise<boolean> {
    const { limit } = this.#options;
    if (limit === 0) return true;
    const entry = this.#entryOf(userId);
    if (entry.count >= limit) return false;
    if (entry.waiting === 0 && entry.count < entry.granted) {
      entry.count++;
      return true;
    }
    return this.#inLine(userId, entry, () => this.#takeMore(userId, entry));
  }

  release(userId: string): void {
    if (this.#options.limit === 0) return;
    const entry = this.#entries.get(userId);
    if (entry === undefined) return;
    entry.count--;
    if (this.#surplus(entry)) void this.#inLine(userId, entry, () => this.#giveBack(userId, entry));
  }

  #entryOf(userId: string): Entry {
    const entry = this.#entries.get(userId) ?? { count: 0, granted: 0, line: Promise.resolve(), waiting: 0 };
    this.#entries.set(userId, entry);
    return entry;
  }

  #surplus({ count, granted }: Entry): boolean {
    return granted - count >= (count === 0 ? 1 : this.#block === 1 ? 1 : 2 * this.#block);
  }

  #inLine<T>(userId: string, entry: Entry, work: () => Promise<T>): Promise<T> {
    entry.waiting++;
    const turn = entry.line.then(work).finally(() => {
      entry.waiting--;
      if (entry.waiting === 0 && entry.count === 0 && entry.granted === 0 && this.#entries.get(userId) === entry)
        this.#entries.delete(userId);
    });
    entry.line = turn.catch(() => undefined);
    return turn;
  }

  async #takeMore(userId: string, entry: Entry): Promise<boolean> {
    const { limit, ask } = this.#options;
    if (entry.count >= limit) return false;
    if (entry.count >= entry.granted) {
      const granted = await ask(userId, Math.min(limit, entry.count + this.#block));
      if (granted === null) entry.granted = Math.max(entry.granted, entry.count);
      else entry.granted = granted;
      if (granted !== null && entry.count >= granted) return false;
    }
    entry.count++;
    return true;
  }

  async #giveBack(userId: string, entry: Entry): Promise<void> {
    if (!this.#surplus(entry)) return;
    const { count } = entry;
    await this.#options.ask(userId, count);
    entry.granted = Math.min(entry.granted, count);
  }
}
