/** How many of something a person has under way on this node. */
export class InFlight {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  /** 0: no limit. */
  constructor(max: number) {
    this.#max = max;
  }

  /** False when there is no room; otherwise the caller owes one `leave`. */
  enter(userId: string): boolean {
    const count = this.#counts.get(userId) ?? 0;
    if (this.#max > 0 && count >= this.#max) return false;
    this.#counts.set(userId, count + 1);
    return true;
  }

  leave(userId: string): void {
    const count = (this.#counts.get(userId) ?? 0) - 1;
    if (count > 0) this.#counts.set(userId, count);
    else this.#counts.delete(userId);
  }
}
