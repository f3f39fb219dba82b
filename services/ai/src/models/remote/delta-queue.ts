import type { Delta } from '../provider.ts';

/** Characters that wait for a reader before the provider is read no further. */
const MOST_WAITING = 64 * 1024;

const lengthOf = (delta: Delta): number =>
  'text' in delta ? delta.text.length : 'reasoning' in delta ? delta.reasoning.length : 'call' in delta ? delta.call.input.length : 0;

/** Two that say one thing, as one; null when they do not. */
const joined = (last: Delta | undefined, next: Delta): Delta | null => {
  if (last === undefined) return null;
  if ('text' in last && 'text' in next) return { text: last.text + next.text };
  // A sign of life says nothing to join for.
  if ('reasoning' in last && 'reasoning' in next) return { reasoning: last.reasoning + next.reasoning };
  if ('call' in last && 'call' in next && last.call.key === next.call.key)
    return { call: { ...last.call, input: last.call.input + next.call.input } };
  return null;
};

/**
 * Between a connection that brings bytes and a reader who takes deltas. What comes before the reader looks is joined where it is of one
 * kind: what arrived in one read is one piece. What came before a failure is given first.
 */
export class DeltaQueue {
  readonly #waiting: Delta[] = [];
  #length = 0;
  #over: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Whether no more should come. */
  get isFull(): boolean {
    return this.#length >= MOST_WAITING;
  }
  push(deltas: readonly Delta[]): void {
    for (const delta of deltas) {
      const last = this.#waiting.at(-1);
      const one = joined(last, delta);
      if (one === null) this.#waiting.push(delta);
      else this.#waiting[this.#waiting.length - 1] = one;
      this.#length += lengthOf(delta);
    }
    this.#wake?.();
  }
  end(over: { error?: unknown } = {}): void {
    this.#over ??= over;
    this.#wake?.();
  }

  /** The next delta, or a promise that resolves when there may be one; null at the end. @throws what it was failed with */
  next(): Delta | Promise<void> | null {
    const delta = this.#waiting.shift();
    if (delta !== undefined) {
      this.#length -= lengthOf(delta);
      return delta;
    }
    if (this.#over === undefined) return new Promise((resolve) => (this.#wake = resolve));
    if ('error' in this.#over) throw this.#over.error;
    return null;
  }
}
