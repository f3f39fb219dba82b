import { fullJitter } from '@runnel/kit';
import { RunnelError, relate, type Cursor } from '@runnel/protocol';
import type { View } from './catch-up.ts';
import { mayHear } from '../auth/access.ts';
import type { Outgoing } from './wire-event.ts';

/** Where a follower's events go: a WebSocket session, an SSE response, a `/v1` stream. Calls are synchronous and never throw. */
export interface Sink {
  /** The first read has answered: the follow stands. Called once, before any `send`. */
  opened(): void;
  /**
   * One event, in order and without a gap (W-7): `snapshot`, `live`, events of the log, `typing`, `presence`.
   * `logId` names the log a logged event belongs to, so that `logId:offset` is the reader's cursor after it.
   */
  send(event: Outgoing, logId: string | null): void;
  /**
   * A read failed. `retryable`: the hub retries by itself and the follow stands; called once per failure, not per retry.
   * Not retryable (`forbidden`): the follow is over; nothing comes after it.
   */
  failed(error: RunnelError): void;
}

export interface FollowRequest {
  conversationId: string;
  /** Checked against the conversation's owner by every read. */
  userId: string;
  /** The last event the reader has applied; null: start with a snapshot. */
  cursor: Cursor | null;
  sink: Sink;
}

/** A standing follow. */
export interface Follow {
  readonly conversationId: string;
  /** Up to date with the last read. */
  readonly live: boolean;
  /** Idempotent; nothing is sent afterwards. */
  close(): void;
}

/** What a follower needs of its conversation's room. */
export interface Reader {
  /** Reads the store for this follower; the answer comes to `arrive` or `readFailed`. It sees everything that happened before the call. */
  read(follower: Follower): void;
  leave(follower: Follower): void;
  /** Hints that hold now. */
  standing(userId: string): Iterable<Outgoing>;
}

/**
 * - `reading`: a read is under way; the room holds what comes live meanwhile and the view brings both.
 * - `waiting`: the log this reader held is gone; its owner may write it again (L-6), so the empty snapshot is delayed (3 s at most).
 * - `retrying`: the store did not answer; a timer asks again.
 */
type State = 'reading' | 'waiting' | 'retrying' | 'live' | 'closed';

/** An owner notices within a second that its store is back, and writes its answer again at once. */
const RESTORE_GRACE_MS = 3000;
/** A half answer of a changed store may be claimed after four seconds, by a pod that then learns of its end: until then no reader is shown the answer as running. */
const BEHIND_GRACE_MS = 6000;
const RETRY = { baseMs: 100, maxMs: 3000 };
const RESTORE_RETRY = { baseMs: 50, maxMs: 500 };

/** One reader of one conversation: its position, and the decision what each live event and each read means for it. */
export class Follower implements Follow {
  readonly conversationId: string;
  readonly userId: string;
  readonly #sink: Sink;
  readonly #room: Reader;
  #state: State = 'reading';
  #logId: string | null;
  #offset: number;
  /** A log that began where there was none: it is read from its beginning, for what it is made of are events (W-7). */
  #born: string | null = null;
  #opened = false;
  #firstView = true;
  /** Told its sink about a failure and has not read since. */
  #complained = false;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the log this reader held was first found missing. */
  #missingSince: number | null = null;
  /** The conversation was deleted on purpose: nobody will write it again. */
  #deleted = false;

  constructor(request: FollowRequest, room: Reader) {
    this.conversationId = request.conversationId;
    this.userId = request.userId;
    this.#sink = request.sink;
    this.#room = room;
    this.#logId = request.cursor?.logId ?? null;
    this.#offset = request.cursor?.offset ?? 0;
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  /** Up to date, and a read has found the conversation to be this person's: one that does not exist is nobody's yet. */
  get checked(): boolean {
    return this.#state === 'live' && this.#logId !== null;
  }

  /** Position after everything sent. */
  get cursor(): Cursor | null {
    const logId = this.#logId ?? this.#born;
    return logId === null ? null : { logId, offset: this.#offset };
  }

  /** A live event of the log. The next one of the log is delivered; any other one starts a read or is dropped. */
  offer(event: Outgoing): void {
    if (this.#state === 'waiting') return this.reread();
    if (this.#state !== 'live') return;
    if (!mayHear(this.#logId, event.logId)) return this.#readAnother(event);
    const relation = relate(this.#offset, event);
    if (relation === 'next') this.#deliver(event);
    else if (relation === 'gap') this.reread();
  }

  /** An event outside the log (`typing`); dropped for a reader that is not up to date. */
  hint(event: Outgoing): void {
    if (this.checked) this.#sink.send(event, this.#logId);
  }

  /** Stops at its position until a read has filled what is missing. */
  reread(): void {
    if (this.#state !== 'closed' && this.#state !== 'reading') this.#read();
  }

  /** The conversation was deleted: the result of the next read is sent even when it is empty. */
  reset(): void {
    this.#deleted = true;
    if (this.#state !== 'closed') this.#read();
  }

  /** The answer of a read. For a live follower (a poll) it only adds what the channel lost. */
  arrive(view: View): void {
    if (this.#state === 'closed') return;
    this.#complained = false;
    if (view.kind === 'forbidden') return this.#refuse();
    this.#open();
    if (this.#isBehind(view) && this.#mayComeBack(view)) return this.#waitForRestore();
    this.#missingSince = null;
    const first = this.#firstView;
    this.#firstView = false;
    if (view.kind === 'tail') this.#fill(view, first);
    else if (!this.#stands(view)) this.#replace(view);
    if (this.#state === 'reading' || this.#state === 'waiting') this.#state = 'live';
    // Events behind `none` begin a log whose owner no read has checked yet: the next read checks it.
    const isBirth = view.kind === 'none' && view.live.length > 0;
    if (!isBirth) for (const event of view.live) if (relate(this.#offset, event) === 'next') this.#deliver(event);
    if (isBirth) this.#readAnother(view.live[0]!);
    else if (view.gap) this.#readOn();
    else this.#attempt = 0;
    if (first) for (const event of this.#room.standing(this.userId)) this.#sink.send(event, this.#logId);
  }

  readFailed(error: RunnelError): void {
    if (this.#state === 'closed') return;
    if (!this.#complained) this.#sink.failed(error);
    this.#complained = true;
    // A live follower keeps its place: the room's poll asks again.
    if (this.#state === 'live') return;
    this.#state = 'retrying';
    this.#again(RETRY);
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#room.leave(this);
  }

  #read(): void {
    clearTimeout(this.#timer);
    this.#state = 'reading';
    this.#room.read(this);
  }

  /** An event of a log that this reader has not read: a read says whose it is. */
  #readAnother({ logId }: Outgoing): void {
    if (this.#logId === null) this.#born = logId;
    this.reread();
  }

  #deliver(event: Outgoing): void {
    this.#offset = event.offset;
    this.#sink.send(event, this.#logId);
  }

  #open(): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#sink.opened();
  }

  #refuse(): void {
    const sink = this.#sink;
    this.close();
    sink.failed(new RunnelError('forbidden'));
  }

  #fill(view: Extract<View, { kind: 'tail' }>, first: boolean): void {
    this.#logId = view.logId;
    for (const event of view.entries) if (relate(this.#offset, event) === 'next') this.#deliver(event);
    if (first) this.#sink.send(view.marker, view.logId);
  }

  /** The reader has exactly this already: nothing to replace. */
  #stands(view: Extract<View, { kind: 'none' | 'snapshot' }>): boolean {
    const position = view.kind === 'none' ? 0 : view.offset;
    return this.#state === 'live' && !view.gap && view.logId === this.#logId && position === this.#offset;
  }

  #replace(view: Extract<View, { kind: 'none' | 'snapshot' }>): void {
    this.#deleted = false;
    this.#logId = view.logId;
    this.#born = null;
    this.#offset = view.kind === 'none' ? 0 : view.readTo;
    this.#sink.send(view.snapshot, view.logId);
    this.#sink.send(view.marker, view.logId);
  }

  /** The view itself had a hole. Once is normal in a fast log; repeated holes mean that a lagging store answers. */
  #readOn(): void {
    if (this.#attempt++ === 0) return this.reread();
    this.#state = 'retrying';
    this.#again(RETRY);
  }

  /** The store has less than this reader was shown: lost all, or failed over to a replica that lagged. */
  #isBehind(view: Exclude<View, { kind: 'forbidden' }>): boolean {
    return (
      view.kind === 'none' || (view.kind === 'snapshot' && (view.behind || (view.logId === this.#logId && view.offset < this.#offset)))
    );
  }

  #mayComeBack(view: View): boolean {
    if (this.#logId === null || this.#deleted) return false;
    this.#missingSince ??= performance.now();
    const isChanged = view.kind === 'snapshot' && view.behind;
    return performance.now() - this.#missingSince < (isChanged ? BEHIND_GRACE_MS : RESTORE_GRACE_MS);
  }

  #waitForRestore(): void {
    this.#state = 'waiting';
    this.#again(RESTORE_RETRY);
  }

  #again(backoff: { baseMs: number; maxMs: number }): void {
    clearTimeout(this.#timer);
    // Never below half: a thousand readers of a store that just came back must not ask in one instant, nor in a tight loop.
    const wait = backoff.baseMs / 2 + fullJitter({ attempt: this.#attempt++, ...backoff });
    this.#timer = setTimeout(() => this.reread(), wait);
    this.#timer.unref();
  }
}
