import type { Cursor, RunnelError } from '@runnel/protocol';
import type { Sink } from '../../follow/follower.ts';
import type { Outgoing } from '../../follow/wire-event.ts';
import type { Batch } from './encode.ts';

/** What one reader may leave here; beyond it is read again from the log when the reader has taken what is on its way. */
export const MAX_HELD_BYTES = 1024 * 1024;

/** - `moved`: the log has to be read: it is another one, or more is missing than a follow brings. - `behind`: the reader is too slow. */
type State = 'open' | 'moved' | 'behind' | RunnelError;

/** The events of a follow until its reader takes them, never merged. */
export class LiveItems implements Sink {
  state: State = 'open';
  /** The follow has caught up with the log. */
  current = false;
  /** An answer's end is among the items. */
  ended = false;
  bytes = 0;
  #items: Buffer[] = [];
  #next: Cursor;
  #changed: () => void = () => undefined;

  constructor(from: Cursor) {
    this.#next = from;
  }

  get waiting(): boolean {
    return this.#items.length > 0;
  }

  /** Resolves at the next change. One reader at a time. */
  changed(): Promise<void> {
    return new Promise((resolve) => (this.#changed = resolve));
  }

  /** Wakes the reader without a change, for a reader that has a deadline of its own. */
  touch(): void {
    this.#changed();
  }

  take(): Batch {
    const items = this.#items;
    this.#items = [];
    this.bytes = 0;
    this.ended = false;
    return { items, next: this.#next };
  }

  opened(): void {}

  failed(error: RunnelError): void {
    // One that already follows keeps its place; the hub repairs it.
    if (!error.retryable || !this.current) this.#become(error);
  }

  send(event: Outgoing, logId: string | null): void {
    if (this.state !== 'open') return;
    if (event.type === 'snapshot' || logId === null || logId !== this.#next.logId) return this.#become('moved');
    if (event.type === 'live') this.current = true;
    if (event.logged) {
      this.#items.push(event.bytes);
      this.#next = { logId, offset: event.offset };
      this.bytes += event.bytes.length;
      if (event.type === 'run-ended') this.ended = true;
      if (this.bytes > MAX_HELD_BYTES) return this.#become('behind');
    }
    if (this.current) this.#changed();
  }

  #become(state: State): void {
    this.state = state;
    this.#changed();
  }
}
