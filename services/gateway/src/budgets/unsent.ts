/** Somebody who has not taken all that was written for them. */
export interface Waiter {
  /** Bytes that this process still holds for them. */
  readonly unsent: number;
  /** Ends it as a reader that is too slow (4002); what is on its way may still leave. */
  slow(): void;
  /** Frees what is held, now. */
  cut(): void;
}

const CHECK_MS = 100;

/**
 * What a node holds for all its slow readers together. One reader may wait for 1 MiB and for a snapshot of any size besides, so thirty
 * of them are the memory of a pod. Above the bound the largest are sent away first: they come back with their cursor and read on.
 * Only who is behind is known here, so a reader that keeps up costs nothing.
 */
export class UnsentBudget {
  readonly #max: number;
  readonly #refused: () => void;
  readonly #waiting = new Set<Waiter>();
  readonly #leaving = new Set<Waiter>();
  readonly #timer: NodeJS.Timeout | undefined;

  /** 0: no bound. */
  constructor(max: number, refused: () => void) {
    this.#max = max;
    this.#refused = refused;
    if (max > 0) this.#timer = setInterval(() => this.check(), CHECK_MS).unref();
  }

  behind(waiter: Waiter): void {
    if (this.#max > 0) this.#waiting.add(waiter);
  }

  /** Has taken everything, or is gone. */
  caughtUp(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    this.#leaving.delete(waiter);
  }

  /** Also to be called when much is written at once. */
  check(): void {
    if (this.#waiting.size === 0) return;
    let sum = 0;
    for (const { unsent } of this.#waiting) sum += unsent;
    if (sum <= this.#max) return;
    // Terminate readers that were closed before and still do not read, before closing others.
    for (const waiter of [...this.#leaving]) {
      sum -= waiter.unsent;
      this.caughtUp(waiter);
      waiter.cut();
      if (sum <= this.#max) return;
    }
    const bySize = [...this.#waiting].toSorted((a, b) => b.unsent - a.unsent);
    for (const waiter of bySize) {
      if (sum <= this.#max) return;
      sum -= waiter.unsent;
      this.#refused();
      this.#leaving.add(waiter);
      waiter.slow();
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
