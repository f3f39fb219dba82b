import { decodeEvent, relayShard, type Outbox, type OutboxEntry, type Publish } from '@runnel/events';
import { delay, fullJitter, type Logger } from '@runnel/kit';
import type { AuditStore } from './store.ts';

export interface RelayOptions {
  outbox: Outbox & { balance(): Promise<void>; release(): Promise<void> };
  publish: Publish;
  onUnreadable: (entry: OutboxEntry, reason: string) => Promise<void>;
  log: Logger;
  /** Pause when nothing waited, ms. */
  idleMs?: number;
  balanceMs?: number;
}

/** Without Kafka: a batch goes from the outbox straight into the tables, and leaves the outbox after that. */
export const publishToStore =
  (store: AuditStore): Publish =>
  async (records) => {
    await store.write(records.map((record) => decodeEvent(record.value)));
  };

/** Moves the outbox on, shard after shard, until it is stopped. A failing target leaves everything where it is. */
export class RelayLoop {
  readonly #options: RelayOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #failures = 0;
  #balancedAt = -Infinity;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Finishes the batch in hand and gives the shards back. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#options.outbox.release().catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pause = await this.#round();
      if (pause > 0) await delay(pause, this.#stop.signal).catch(() => undefined);
    }
  }

  /** One pass over the held shards. Returns the pause after it, ms. */
  async #round(): Promise<number> {
    const { outbox, publish, onUnreadable, log, idleMs = 50, balanceMs = 1_000 } = this.#options;
    try {
      if (performance.now() - this.#balancedAt > balanceMs) {
        await outbox.balance();
        this.#balancedAt = performance.now();
      }
      const moved = await Promise.all(outbox.heldShards().map((shard) => relayShard(outbox, shard, publish, onUnreadable)));
      this.#failures = 0;
      return moved.some((count) => count > 0) ? 0 : idleMs;
    } catch (error) {
      this.#failures++;
      log.warn({ event: 'relay.failed', failures: this.#failures, err: error });
      return fullJitter({ attempt: this.#failures, baseMs: 100, maxMs: 5_000 });
    }
  }
}
