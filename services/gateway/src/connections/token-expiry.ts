import type { Life, Membership } from '../auth/identity.ts';

/** W-2: how long before its end a client is told that its token will expire. */
const WARN_MS = 60_000;
/** The longest delay of a timer; a token that lives longer is checked again then. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Watches the end of the token, key or session a socket speaks with. A new `hello` starts the watch anew. */
export class TokenExpiry {
  readonly #warn: () => void;
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;

  constructor(warn: () => void, expired: () => void) {
    this.#warn = warn;
    this.#expired = expired;
  }

  /** `changed`: a provider says something else of the person than when they were let in. */
  start({ expiresAt, watch }: Life, changed?: (now: Membership) => void): void {
    this.stop();
    this.#unwatch = watch?.(this.#expired, changed);
    if (expiresAt !== null) this.#wait(expiresAt - WARN_MS, () => this.#warned(expiresAt));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #warned(expiresAt: number): void {
    this.#warn();
    this.#wait(expiresAt, this.#expired);
  }

  #wait(until: number, then: () => void): void {
    const ms = Math.max(0, until - Date.now());
    const step = ms > MAX_TIMER_MS ? () => this.#wait(until, then) : then;
    this.#timer = setTimeout(step, Math.min(ms, MAX_TIMER_MS));
    this.#timer.unref();
  }
}
