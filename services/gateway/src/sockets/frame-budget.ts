const PER_SECOND = 200;
const BURST = 2000;

/** Token bucket for one socket's frames: more than a page or a service that resumes all its conversations sends, less than what hurts the others (P-8). */
export class FrameBudget {
  readonly #now: () => number;
  #tokens = BURST;
  #at: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#at = now();
  }

  /** 0 when the frame may pass, else the milliseconds after which one may. */
  take(): number {
    const now = this.#now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#at) * PER_SECOND) / 1000);
    this.#at = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * 1000) / PER_SECOND);
    this.#tokens -= 1;
    return 0;
  }
}

const STRIKES_TO_CLOSE = 500;
const STRIKES_WINDOW_MS = 60_000;

/** Counts what a well-behaved client never does again and again; too much of it within a minute ends the socket (4505). */
export class Strikes {
  readonly #now: () => number;
  #count = 0;
  #since: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** True when it is enough. */
  add(weight: number): boolean {
    const now = this.#now();
    if (now - this.#since > STRIKES_WINDOW_MS) {
      this.#count = 0;
      this.#since = now;
    }
    this.#count += weight;
    return this.#count >= STRIKES_TO_CLOSE;
  }
}
