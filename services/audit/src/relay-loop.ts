import { relayShard, type Outbox, type OutboxEntry, type Publish } from '@runnel/events';
import { delay, fullJitter, withDeadline, type Logger } from '@runnel/kit';
import type { AuditMetrics } from './audit-metrics.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';

export interface RelayOptions {
  outbox: Outbox & { balance(): Promise<void>; release(): Promise<void>; backlog?(): Promise<number> };
  publish: Publish;
  deadLetters: DeadLetters;
  metrics: AuditMetrics;
  log: Logger;
  /** Pause when nothing waited, ms. */
  idleMs?: number;
  balanceMs?: number;
  /** What the end may take. */
  drainMs?: number;
  /** At the end, move on until nothing waits: for an outbox that goes with the process. */
  empty?: boolean;
}

/** An entry of the outbox that is none of our events, as it is. */
const letterOf = (entry: OutboxEntry, reason: string): DeadLetter => ({
  topic: 'outbox',
  key: entry.fields.conversation ?? '',
  value: new TextEncoder().encode(JSON.stringify(entry.fields)),
  reason,
  origin: `outbox ${entry.fields.id ?? ''} ${entry.entryId}`,
});

/** Moves the outbox on, shard after shard, until it is stopped. A failing target leaves everything where it is. */
export class RelayLoop {
  readonly #options: RelayOptions;
  readonly #stop = new AbortController();
  #running: Promise<unknown> | undefined;
  #failures = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= Promise.all([this.#move(), this.#balance()]);
  }

  /** Finishes the batch in hand, if it can within the drain, and gives the shards back. What it leaves the next relay takes. */
  async close(): Promise<void> {
    const { outbox, drainMs = 10_000 } = this.#options;
    this.#stop.abort();
    if (this.#running)
      await withDeadline(
        this.#running.then(() => this.#finish()),
        drainMs,
        () => undefined,
      );
    await outbox.release().catch(() => undefined);
  }

  async #finish(): Promise<void> {
    const { empty = false, drainMs = 10_000 } = this.#options;
    const giveUpAt = performance.now() + drainMs;
    // A round that moved something asks for no pause.
    while (empty && performance.now() < giveUpAt && (await this.#round()) === 0);
  }

  async #move(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pause = await this.#round();
      if (pause > 0) await delay(pause, this.#stop.signal);
    }
  }

  /** One pass over the held shards. Returns the pause after it, ms. */
  async #round(): Promise<number> {
    const { outbox, publish, deadLetters, metrics, log, idleMs = 50 } = this.#options;
    try {
      const setAside = async (entry: OutboxEntry, reason: string): Promise<void> => {
        await deadLetters.put([letterOf(entry, reason)]);
        metrics.deadLetters.inc();
        log.error({ event: 'relay.unreadable', entryId: entry.entryId, reason });
      };
      const moved = await Promise.all(outbox.heldShards().map((shard) => relayShard(outbox, shard, publish, setAside)));
      const count = moved.reduce((sum, n) => sum + n, 0);
      metrics.relayed.inc(count);
      if (this.#failures > 0) log.info({ event: 'relay.recovered', failures: this.#failures });
      this.#failures = 0;
      return count > 0 ? 0 : idleMs;
    } catch (error) {
      this.#failures++;
      metrics.relayFailures.inc();
      log.warn({ event: 'relay.failed', failures: this.#failures, message: error instanceof Error ? error.message : String(error) });
      return fullJitter({ attempt: this.#failures, baseMs: 100, maxMs: 5_000 });
    }
  }

  /**
   * Renews the shards' leases and tells what waits. Beside the moving, not within: a Kafka that does not answer holds a round for
   * minutes, and just then the backlog is what an operator looks at.
   */
  async #balance(): Promise<void> {
    const { outbox, metrics, log, balanceMs = 1_000 } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        await outbox.balance();
        if (outbox.backlog) metrics.backlog.set(await outbox.backlog());
      } catch (error) {
        log.warn({ event: 'relay.unbalanced', message: error instanceof Error ? error.message : String(error) });
      }
      await delay(balanceMs, this.#stop.signal);
    }
  }
}
