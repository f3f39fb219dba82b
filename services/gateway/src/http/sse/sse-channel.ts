import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { onClose } from '@runnel/kit';
import { type RunnelError } from '@runnel/protocol';
import type { UnsentBudget, Waiter } from '../../budgets/unsent.ts';
import type { Drainable } from '../../connections/drain.ts';
import type { Sink } from '../../follow/follower.ts';
import { SendQueue, type Wire } from '../../connections/send-queue.ts';
import { control, type Outgoing } from '../../follow/wire-event.ts';
import { keepAlive, startEventStream } from '../plumbing/event-stream.ts';
import { sseFrame } from './sse-frame.ts';

/** How long a browser's EventSource waits before it comes back by itself. */
const RETRY_MS = 1_000;

export interface SseChannelOptions {
  heartbeatMs: number;
  /** Whether an answer is being written in the conversation. */
  busy(): boolean;
  /** A chunk joined a waiting one (W-14). */
  merged(): void;
  /** The bound of the node. */
  unsent: UnsentBudget;
  /** The reader was too slow even for merged chunks and was sent away. */
  slow(): void;
}

class ResponseWire implements Wire {
  readonly #raw: ServerResponse;

  constructor(raw: ServerResponse) {
    this.#raw = raw;
  }
  get backlog(): number {
    return this.#raw.writableLength;
  }
  write(event: Outgoing, logId: string | null, written?: () => void): void {
    const raw = this.#raw;
    const pieces = sseFrame(event, logId);
    const last = pieces.pop()!;
    if (pieces.length > 0) raw.cork();
    for (const piece of pieces) raw.write(piece);
    raw.write(last, written && (() => written()));
    if (pieces.length > 0) raw.uncork();
  }
}

/** A follow as one SSE response. Nothing is answered before the first read has shown that the caller may read. */
export class SseChannel implements Sink, Drainable {
  /** Resolves when the response has started; rejects with why it never will. */
  readonly ready: Promise<void>;
  readonly #reply: FastifyReply;
  readonly #options: SseChannelOptions;
  readonly #settle: { resolve(): void; reject(error: RunnelError): void };
  #raw: ServerResponse | null = null;
  #queue: SendQueue | null = null;

  constructor(reply: FastifyReply, options: SseChannelOptions) {
    this.#reply = reply;
    this.#options = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#settle = { resolve, reject };
  }

  opened(): void {
    if (this.#reply.raw.destroyed) return;
    const raw = startEventStream(this.#reply);
    raw.write(`retry: ${RETRY_MS}\n\n`);
    this.#raw = raw;
    const { unsent } = this.#options;
    const sendAway = (): void => {
      // There is no close code on HTTP: the connection breaks, and the reader comes back with its last id.
      this.#options.slow();
      raw.destroy();
    };
    const waiter: Waiter = {
      get unsent() {
        return queue.unsent;
      },
      slow: sendAway,
      cut: () => raw.destroy(),
    };
    const queue = new SendQueue(new ResponseWire(raw), { merged: () => this.#options.merged(), slow: sendAway, unsent, waiter });
    this.#queue = queue;
    keepAlive(raw, this.#options.heartbeatMs);
    onClose(raw, () => {
      queue.close();
      unsent.caughtUp(waiter);
    });
    this.#settle.resolve();
  }

  send(event: Outgoing, logId: string | null): void {
    this.#queue?.send(event, logId);
  }

  failed(error: RunnelError): void {
    // Before the start it is the answer, also when the store is only away for a moment: the caller tries another node.
    this.#settle.reject(error);
    this.send(control({ type: 'error', ...error.toFields() }), null);
    if (!error.retryable) this.close();
  }

  get busy(): boolean {
    return this.#options.busy();
  }

  get open(): boolean {
    return this.#raw !== null && !this.#raw.writableEnded && !this.#raw.destroyed;
  }

  /** Tells the reader when to come back elsewhere. An EventSource obeys `retry` once the response has ended. */
  announce(reconnectInMs: number): void {
    this.#raw?.write(`retry: ${reconnectInMs}\n\n`);
    this.send(control({ type: 'draining', reconnectInMs }), null);
  }

  /** Ends the response after what was written; what still waits for a slow reader is read again from the log. */
  close(): void {
    this.#queue?.close();
    this.#raw?.end();
  }
}
