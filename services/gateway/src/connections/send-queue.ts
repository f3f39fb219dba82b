import { joinChunks, utf8Length, type Joinable } from '@runnel/protocol';
import type { UnsentBudget, Waiter } from '../budgets/unsent.ts';
import { logged, type Outgoing } from '../follow/wire-event.ts';

/** What a send queue writes to: a WebSocket, an SSE response. */
export interface Wire {
  /** Bytes that were handed over and have not left yet. */
  readonly backlog: number;
  /** `written` is called when this event has left (`ws` has no drain event). Never throws. */
  write(event: Outgoing, logId: string | null, written?: () => void): void;
}

export interface SendQueueOptions {
  /** More than the limit waits: the reader is too slow even for merged chunks. Called once. */
  slow(): void;
  /** Chunks that joined another one. */
  merged?(): void;
  /** The bound of the node, and who this reader is to it. */
  unsent?: Pick<UnsentBudget, 'behind' | 'caughtUp' | 'check'>;
  waiter?: Waiter;
}

/** Below this the socket is not behind: the kernel takes it in one write. */
const BACKED_UP_BYTES = 16 * 1024;
/** An event of this size triggers a check of the node's bound at once. */
const LARGE_BYTES = 64 * 1024;
/** W-14: more than this unsent closes 4002. */
export const MAX_UNSENT_BYTES = 1024 * 1024;

interface Held {
  event: Outgoing;
  readonly logId: string | null;
  /** A chunk that others joined: parsed once, written anew. */
  chunk?: { event: Joinable; textBytes: number };
}

/**
 * Events that one socket has not taken yet (W-14). While the socket keeps up, events pass straight through as the bytes that were
 * published. While it is behind, events wait in order and a chunk joins the one before it of the same run, so what waits
 * grows with the text and not with the number of tokens. Only this reader waits.
 */
export class SendQueue {
  readonly #wire: Wire;
  readonly #options: SendQueueOptions;
  #held: Held[] = [];
  #heldBytes = 0;
  /** The newest waiting event of each conversation: the only one a chunk may join, or order would be lost. */
  readonly #newest = new Map<string, Held>();
  /** The largest event since the socket was last empty: a snapshot may be larger than the limit, and is no sign of slowness. */
  #largest = 0;
  /** Writes under way that will call back. */
  #telling = 0;
  #closed = false;
  readonly #written = (): void => {
    this.#telling--;
    this.#flush();
    if (this.#telling === 0 && this.#options.waiter) this.#options.unsent?.caughtUp(this.#options.waiter);
  };

  constructor(wire: Wire, options: SendQueueOptions) {
    this.#wire = wire;
    this.#options = options;
  }

  /** Bytes that have not left. */
  get unsent(): number {
    return this.#wire.backlog + this.#heldBytes;
  }

  send(event: Outgoing, logId: string | null): void {
    if (this.#closed) return;
    const { backlog } = this.#wire;
    // Only queue when an earlier write will call back: otherwise nothing would flush the queue.
    if (this.#held.length > 0 || (backlog > BACKED_UP_BYTES && this.#telling > 0)) return this.#hold(event, logId);
    const { length } = event.bytes;
    if (backlog > 0 || length > BACKED_UP_BYTES) {
      this.#largest = Math.max(backlog === 0 ? 0 : this.#largest, length);
      return this.#write(event, logId);
    }
    // The hot path: a small event on an empty socket leaves at once, without a callback.
    this.#largest = length;
    this.#wire.write(event, logId);
  }

  close(): void {
    this.#closed = true;
    this.#held = [];
    this.#heldBytes = 0;
    this.#newest.clear();
  }

  #hold(event: Outgoing, logId: string | null): void {
    // Drop hints for a slow reader: they are outdated when they arrive.
    if (event.type === 'typing' || event.type === 'presence' || event.type === 'queued-run' || event.type === 'list') return;
    if (event.type === 'snapshot') this.#supersede(event.conversationId);
    if (!this.#join(event)) {
      const held: Held = { event, logId };
      this.#held.push(held);
      if (event.conversationId !== '') this.#newest.set(event.conversationId, held);
    }
    this.#heldBytes += event.bytes.length;
    this.#largest = Math.max(this.#largest, event.bytes.length);
    if (this.unsent - this.#largest <= MAX_UNSENT_BYTES) return;
    this.close();
    this.#options.slow();
  }

  /** A snapshot replaces all that waits for its conversation. */
  #supersede(conversationId: string): void {
    this.#held = this.#held.filter(({ event }) => event.conversationId !== conversationId);
    this.#heldBytes = this.#held.reduce((sum, { event }) => sum + event.bytes.length, 0);
    this.#newest.delete(conversationId);
  }

  #join(event: Outgoing): boolean {
    const newest = isChunk(event) ? this.#newest.get(event.conversationId) : undefined;
    if (newest?.event.type !== event.type) return false;
    const first = newest.chunk ?? parseChunk(newest.event);
    const next = parseChunk(event);
    const joined = joinChunks(first.event, next.event, first.textBytes);
    if (joined === null) return false;
    newest.chunk = { event: joined, textBytes: first.textBytes + next.textBytes };
    this.#options.merged?.();
    return true;
  }

  #write(event: Outgoing, logId: string | null): void {
    if (this.#telling++ === 0 && this.#options.waiter) this.#options.unsent?.behind(this.#options.waiter);
    this.#wire.write(event, logId, this.#written);
    if (event.bytes.length > LARGE_BYTES) this.#options.unsent?.check();
  }

  #flush(): void {
    while (this.#held.length > 0 && this.#wire.backlog <= BACKED_UP_BYTES) {
      const held = this.#held.shift()!;
      const event = held.chunk ? chunkBytes(held.chunk.event, held.logId) : held.event;
      if (this.#newest.get(event.conversationId) === held) this.#newest.delete(event.conversationId);
      if (this.#held.length === 0) this.#heldBytes = 0;
      else this.#heldBytes = Math.max(0, this.#heldBytes - event.bytes.length);
      this.#write(event, held.logId);
    }
  }
}

/** Text of an answer, or of a part of one (W-16). */
const isChunk = ({ type }: Outgoing): boolean => type === 'chunk' || type === 'part-chunk';

const parseChunk = (event: Outgoing): { event: Joinable; textBytes: number } => {
  const chunk = JSON.parse(event.bytes.toString()) as Joinable;
  return { event: chunk, textBytes: utf8Length(chunk.text) };
};

const chunkBytes = (chunk: Joinable, logId: string | null): Outgoing =>
  logged(chunk.type, chunk.conversationId, chunk.offset, logId, Buffer.from(JSON.stringify(chunk)));
