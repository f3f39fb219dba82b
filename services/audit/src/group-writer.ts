import type { AuditEvent } from '@runnel/events';

interface Waiting {
  events: readonly AuditEvent[];
  done: PromiseWithResolvers<void>;
}

/** Events of one transaction: enough to pay for it, few enough to be short. */
const MOST = 4_000;

/**
 * One writer for many callers: while a transaction is under way the others' batches are joined into the next (group commit). Callers
 * wait for their own events, so what waits is bounded by how many there are.
 */
export class GroupWriter {
  readonly #write: (events: readonly AuditEvent[]) => Promise<unknown>;
  readonly #waiting: Waiting[] = [];
  #running = false;

  constructor(write: (events: readonly AuditEvent[]) => Promise<unknown>) {
    this.#write = write;
  }

  async write(events: readonly AuditEvent[]): Promise<void> {
    if (events.length === 0) return;
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ events, done });
    void this.#run();
    await done.promise;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#take();
      try {
        await this.#write(group.flatMap(({ events }) => events));
        for (const { done } of group) done.resolve();
      } catch (error) {
        // Nothing of the group is stored; each caller tries its own again.
        for (const { done } of group) done.reject(error);
      }
    }
    this.#running = false;
  }

  #take(): Waiting[] {
    const group = [this.#waiting.shift()!];
    let count = group[0]!.events.length;
    while (this.#waiting[0] && count + this.#waiting[0].events.length <= MOST) {
      const next = this.#waiting.shift()!;
      count += next.events.length;
      group.push(next);
    }
    return group;
  }
}
