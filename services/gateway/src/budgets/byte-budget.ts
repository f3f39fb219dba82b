/** Bytes that may be held at a time: by all together, and by each (a person, an address). Local to the node: it is the node's memory. */
export class ByteBudget {
  readonly #max: number;
  readonly #maxEach: number;
  readonly #byKey = new Map<string, number>();
  #total = 0;

  constructor(max: number, maxEach: number) {
    this.#max = max;
    this.#maxEach = maxEach;
  }

  get total(): number {
    return this.#total;
  }

  /** Takes the bytes, or says who has no room for them: `node` for all together, `each` for this one. */
  take(key: string, bytes: number): 'taken' | 'node' | 'each' {
    const held = this.#byKey.get(key) ?? 0;
    if (held + bytes > this.#maxEach) return 'each';
    if (this.#total + bytes > this.#max) return 'node';
    this.#total += bytes;
    this.#byKey.set(key, held + bytes);
    return 'taken';
  }

  release(key: string, bytes: number): void {
    const held = (this.#byKey.get(key) ?? 0) - bytes;
    this.#total -= bytes;
    if (held > 0) this.#byKey.set(key, held);
    else this.#byKey.delete(key);
  }
}
