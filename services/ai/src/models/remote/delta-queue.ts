import type { Delta } from '../provider.ts';

/** Characters that wait for a reader before the provider is read no further. */
const MOST_WAITING = 64 * 1024;

/**
 * Between a connection that brings bytes and a reader who takes deltas. Texts that come before the reader looks are one delta: what
 * arrived in one read is one piece. What came before a failure is given first.
 */
export class DeltaQueue {
  #text: string | undefined;
  /** Usage and finish: they come last. */
  #rest: Delta[] = [];
  #over: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Whether more should come. */
  get isFull(): boolean {
    return this.#text !== undefined && this.#text.length >= MOST_WAITING;
  }
  push(deltas: readonly Delta[]): void {
    for (const delta of deltas) {
      if ('text' in delta) this.#text = (this.#text ?? '') + delta.text;
      else this.#rest.push(delta);
    }
    this.#wake?.();
  }
  end(over: { error?: unknown } = {}): void {
    this.#over ??= over;
    this.#wake?.();
  }

  /** The next delta, or a promise that resolves when there may be one; null at the end. @throws what it was failed with */
  next(): Delta | Promise<void> | null {
    if (this.#text !== undefined) {
      const text = this.#text;
      this.#text = undefined;
      return { text };
    }
    const delta = this.#rest.shift();
    if (delta !== undefined) return delta;
    if (this.#over === undefined) return new Promise((resolve) => (this.#wake = resolve));
    if ('error' in this.#over) throw this.#over.error;
    return null;
  }
}
