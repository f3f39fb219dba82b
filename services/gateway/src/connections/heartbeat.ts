/** W-3: two pings without a sign of life in between, and the peer counts as gone. */
const MISSED_TO_CLOSE = 2;

/** Pings at an interval; any traffic from the peer counts as its answer. */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  #missed = 0;

  constructor(intervalMs: number, ping: () => void, dead: () => void) {
    this.#timer = setInterval(() => {
      if (this.#missed >= MISSED_TO_CLOSE) {
        this.stop();
        dead();
        return;
      }
      this.#missed++;
      ping();
    }, intervalMs);
    this.#timer.unref();
  }

  alive(): void {
    this.#missed = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
