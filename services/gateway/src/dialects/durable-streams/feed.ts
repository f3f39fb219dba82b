import type { ServerResponse } from 'node:http';
import { onClose } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import type { UnsentBudget, Waiter } from '../../budgets/unsent.ts';
import type { Drainable } from '../../connections/drain.ts';
import type { Hub } from '../../follow/hub.ts';
import { drained } from '../../http/plumbing/event-stream.ts';
import { feedFrame, streamCursor, type Batch } from './encode.ts';
import { LiveItems } from './live-items.ts';
import { readBatch, type Reading } from './read.ts';

export interface FeedDeps extends Reading {
  hub: Hub;
  unsent: UnsentBudget;
  /** Of the request: the protocol's `cursor`. */
  given: string | undefined;
}

/** One `live=sse` answer: it follows the log until it is closed, and the client comes back with the last offset it was told. */
export class Feed implements Drainable {
  readonly #raw: ServerResponse;
  readonly #deps: FeedDeps;
  readonly #waiter: Waiter;
  #live: LiveItems | null = null;
  #closing = false;
  #leaveTimer: NodeJS.Timeout | undefined;

  constructor(raw: ServerResponse, deps: FeedDeps) {
    this.#raw = raw;
    this.#deps = deps;
    const unsent = (): number => raw.writableLength + (this.#live?.bytes ?? 0);
    this.#waiter = {
      get unsent() {
        return unsent();
      },
      slow: () => raw.destroy(),
      cut: () => raw.destroy(),
    };
    onClose(raw, () => this.close());
  }

  get open(): boolean {
    return !this.#closing;
  }

  get busy(): boolean {
    return this.#deps.hub.hasLiveRun(this.#deps.conversationId);
  }

  /** The protocol has no word for it: the answer ends, as it does every minute, and the client asks again. */
  announce(reconnectInMs: number): void {
    this.#leaveTimer ??= setTimeout(() => this.close(), reconnectInMs);
  }

  close(): void {
    this.#closing = true;
    clearTimeout(this.#leaveTimer);
    this.#live?.touch();
  }

  /** Writes what was read, then what comes, until the answer is closed. Never rejects. */
  async run(first: Batch): Promise<void> {
    const { conversationId, userId, hub, unsent } = this.#deps;
    let { next } = first;
    try {
      await this.#write(first);
      while (!this.#closing) {
        const live = new LiveItems(next);
        this.#live = live;
        const follow = hub.follow({ conversationId, userId, cursor: next, sink: live });
        try {
          next = await this.#pass(live, next);
        } finally {
          follow.close();
        }
        if (this.#closing || live.state instanceof RunnelError) break;
        const batch = await readBatch(this.#deps, { kind: 'after', cursor: next });
        if (batch.items.length > 0) await this.#write(batch);
        ({ next } = batch);
      }
    } catch {
      // The client asks again with its offset, and is told then.
    } finally {
      this.close();
      unsent.caughtUp(this.#waiter);
      this.#raw.end();
    }
  }

  /** Writes the items of one follow as the reader takes them. Resolves to where the reader is. */
  async #pass(live: LiveItems, from: Batch['next']): Promise<Batch['next']> {
    let next = from;
    while (!this.#closing && live.state === 'open') {
      if (live.waiting && live.current) {
        const batch = live.take();
        await this.#write(batch);
        ({ next } = batch);
      } else await live.changed();
    }
    return next;
  }

  async #write(batch: Batch): Promise<void> {
    const { unsent, given } = this.#deps;
    this.#raw.write(feedFrame(batch, streamCursor(Date.now(), given)));
    if (!this.#raw.writableNeedDrain) return;
    unsent.behind(this.#waiter);
    unsent.check();
    await drained(this.#raw);
    unsent.caughtUp(this.#waiter);
  }
}
