import { relayShard, type Deliver, type EventRecord, type Odd, type Outbox } from '@runnel/events';
import { delay, fullJitter, withDeadline, type Logger } from '@runnel/kit';
import type { AuditMetrics } from '../metrics.ts';
import type { DeadLetter, DeadLetters } from '../ingest/dead-letters.ts';

export interface RelayOptions {
  outbox: Outbox & { balance(): Promise<void>; release(): Promise<void>; backlog?(): Promise<number> };
  deliver: Deliver;
  deadLetters: DeadLetters;
  /** Stores an event that `deliver` refuses; absent where it refuses none. */
  store?(records: readonly EventRecord[]): Promise<void>;
  metrics: AuditMetrics;
  log: Logger;
  /** Pause behind a round that was not full, ms. */
  idleMs?: number;
  balanceMs?: number;
  /** What the end may take. */
  drainMs?: number;
  /** At the end, move on until nothing waits: for an outbox that goes with the process. */
  empty?: boolean;
}

/** An entry of the outbox that is none of our events, as it is. */
const letterOf = ({ entry, reason }: Odd): DeadLetter => ({
  topic: 'outbox',
  key: entry.fields.conversation ?? '',
  value: new TextEncoder().encode(JSON.stringify(entry.fields)),
  reason,
  origin: `outbox ${entry.fields.id ?? ''} ${entry.entryId}`,
});

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Reading all shards is 64 commands, and what is read goes to Kafka in one request a partition: five times a second, and not twenty. The price:
 * a store that is emptied takes up to 200 ms of events with it that nobody has moved.
 */
const IDLE_MS = 200;
const MOST_ENTRIES = 500;
/** Of one read of one shard. How large entries are is known afterwards only, so the first reads are short. */
const MOST_BYTES = 4 * 1024 * 1024;
const FIRST_ENTRIES = 16;
const SAID_EVERY_MS = 500;

/** How many entries the next read of a shard may bring: twice as many, as long as they stay within the bytes. Pure. */
export const nextCount = (count: number, { read, bytes }: { read: number; bytes: number }): number =>
  bytes > MOST_BYTES ? Math.max(1, Math.floor((read * MOST_BYTES) / bytes)) : Math.min(MOST_ENTRIES, Math.max(count, read * 2));

type Moved = 'full' | 'some' | 'nothing';

interface Shard {
  count: number;
  failures: number;
  /** When it may be tried again. */
  notBefore: number;
  round?: Promise<void>;
}

/**
 * Moves the outbox on until it is stopped, each shard at its own pace: one that cannot be moved, or not now, holds up no other. A
 * failing target leaves everything where it is.
 */
export class RelayLoop {
  readonly #options: RelayOptions;
  readonly #stop = new AbortController();
  readonly #shards = new Map<number, Shard>();
  #running: Promise<unknown> | undefined;
  #saidAt = -Infinity;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= Promise.all([this.#move(), this.#balance()]);
  }

  /** Finishes the batches in hand, if it can within the drain, and gives the shards back. What it leaves the next relay takes. */
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
    const { outbox, empty = false, drainMs = 10_000 } = this.#options;
    await Promise.all([...this.#shards.values()].map(({ round }) => round));
    const giveUpAt = performance.now() + drainMs;
    for (const id of outbox.heldShards()) while (empty && performance.now() < giveUpAt && (await this.#round(id)) !== 'nothing');
  }

  async #move(): Promise<void> {
    const { outbox, idleMs = IDLE_MS } = this.#options;
    while (!this.#stop.signal.aborted) {
      for (const id of outbox.heldShards()) {
        const shard = this.#shardOf(id);
        if (!shard.round && shard.notBefore <= performance.now()) shard.round = this.#work(id).finally(() => delete shard.round);
      }
      await delay(idleMs, this.#stop.signal);
    }
  }

  #shardOf(id: number): Shard {
    let shard = this.#shards.get(id);
    if (!shard) this.#shards.set(id, (shard = { count: FIRST_ENTRIES, failures: 0, notBefore: 0 }));
    return shard;
  }

  /**
   * One shard, as long as its rounds are full. What comes behind one that was not waits for the next pause: at a hundred events a second
   * each would else be a request to Kafka, two fetches and a transaction.
   */
  async #work(id: number): Promise<void> {
    const { outbox } = this.#options;
    while (!this.#stop.signal.aborted && outbox.heldShards().includes(id) && (await this.#round(id)) === 'full');
  }

  /** What it moved. After `some` it had read all there was. */
  async #round(id: number): Promise<Moved> {
    const { outbox, deliver, metrics, log } = this.#options;
    const shard = this.#shardOf(id);
    const { failures } = shard;
    try {
      const asked = shard.count;
      const relayed = await relayShard(outbox, id, deliver, (odd) => this.#setAside(odd), asked);
      shard.count = nextCount(asked, relayed);
      metrics.relayed.inc(relayed.moved);
      // What moved beside what did not is no sign of an outage: the next try is soon.
      if (relayed.moved > 0 || relayed.error === undefined) shard.failures = 0;
      if (relayed.error !== undefined) return this.#failed(id, relayed.error);
      if (failures > 0 && this.#isWorthALine()) log.info({ event: 'relay.recovered', shard: id, failures });
      if (relayed.moved === 0) return 'nothing';
      return relayed.read >= asked ? 'full' : 'some';
    } catch (error) {
      return this.#failed(id, error);
    }
  }

  #failed(id: number, error: unknown): 'nothing' {
    const { metrics, log } = this.#options;
    const shard = this.#shardOf(id);
    shard.failures++;
    shard.notBefore = performance.now() + fullJitter({ attempt: shard.failures, baseMs: 100, maxMs: 5_000 });
    metrics.relayFailures.inc();
    if (this.#isWorthALine()) log.warn({ event: 'relay.failed', shard: id, failures: shard.failures, message: messageOf(error) });
    return 'nothing';
  }

  /** An outage is told by each shard: once in a while is enough. */
  #isWorthALine(): boolean {
    const now = performance.now();
    if (now - this.#saidAt < SAID_EVERY_MS) return false;
    this.#saidAt = now;
    return true;
  }

  async #setAside(odd: Odd): Promise<void> {
    const { store, deadLetters, metrics, log } = this.#options;
    const { entry, record, reason } = odd;
    if (record && store) {
      await store([record]);
      metrics.refused.inc();
      log.warn({ event: 'relay.refused', eventId: entry.fields.id, reason });
      return;
    }
    await deadLetters.put([letterOf(odd)]);
    metrics.deadLetters.inc();
    log.error({ event: 'relay.unreadable', entryId: entry.entryId, reason });
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
        log.warn({ event: 'relay.unbalanced', message: messageOf(error) });
      }
      await delay(balanceMs, this.#stop.signal);
    }
  }
}
