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
 * What the next read is for, besides the events after the reader's position.
 * - `born`: a log that began where there was none; it is read from its beginning, for what it is made of are events (W-7).
 * - `lost`: the log this reader held, first found missing at `since`; its owner may write it again (L-6).
 * - `deleted`: the conversation was deleted on purpose, so nobody will: an empty answer is shown at once.
 */
type Cause = { kind: 'position' } | { kind: 'born'; logId: string | null } | { kind: 'lost'; since: number } | { kind: 'deleted' };

/** A reader that is not up to date. */
interface Search {
  cause: Cause;
  /** Waits in a row that did not help; the next one is longer. */
  attempt: number;
  /** Told its sink about a failure and has not read since. */
  complained: boolean;
}

/**
 * - `reading`: a read is under way; the room holds what comes live meanwhile and the view brings both.
 * - `waiting`: the log this reader held is gone, so the empty snapshot is delayed (3 s at most).
 * - `retrying`: the store did not answer, or answers behind itself; a timer asks again.
 */
type State =
  | ({ kind: 'reading' } & Search)
  | ({ kind: 'waiting' | 'retrying'; timer: NodeJS.Timeout } & Search)
  | { kind: 'live'; complained: boolean }
  | { kind: 'closed' };

const POSITION: Cause = { kind: 'position' };
const LIVE: State = { kind: 'live', complained: false };

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
  #state: State = { kind: 'reading', cause: POSITION, attempt: 0, complained: false };
  #logId: string | null;
  #offset: number;
  /** What its sink has had: nothing, the word that the follow stands, or a view. */
  #shown: 'nothing' | 'opened' | 'view' = 'nothing';

  constructor(request: FollowRequest, room: Reader) {
    this.conversationId = request.conversationId;
    this.userId = request.userId;
    this.#sink = request.sink;
    this.#room = room;
    this.#logId = request.cursor?.logId ?? null;
    this.#offset = request.cursor?.offset ?? 0;
  }

  get live(): boolean {
    return this.#state.kind === 'live';
  }

  /** Up to date, and a read has found the conversation to be this person's: one that does not exist is nobody's yet. */
  get checked(): boolean {
    return this.#state.kind === 'live' && this.#logId !== null;
  }

  /** Position after everything sent. */
  get cursor(): Cursor | null {
    const logId = this.#logId ?? this.#born();
    return logId === null ? null : { logId, offset: this.#offset };
  }

  /** A live event of the log. The next one of the log is delivered; any other one starts a read or is dropped. */
  offer(event: Outgoing): void {
    const { kind } = this.#state;
    if (kind === 'waiting') return this.reread();
    if (kind !== 'live') return;
    if (!mayHear(this.#logId, event.logId)) return this.#readAnother(event, this.#search());
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
    if (this.#state.kind !== 'reading') this.#read(this.#search());
  }

  /** The conversation was deleted: the result of the next read is sent even when it is empty. */
  reset(): void {
    const search = this.#search();
    // A log that has just begun was never shown: nothing of it is waited for anyway.
    this.#read({ ...search, cause: search.cause.kind === 'born' ? search.cause : { kind: 'deleted' } });
  }

  /** The answer of a read. For a live follower (a poll) it only adds what the channel lost. */
  arrive(view: View): void {
    if (this.#state.kind === 'closed') return;
    if (view.kind === 'forbidden') return this.#refuse();
    this.#open();
    const search = { ...this.#search(), complained: false };
    const lostSince = this.#isBehind(view) ? this.#mayComeBack(view, search.cause) : null;
    if (lostSince !== null) return this.#wait('waiting', { ...search, cause: { kind: 'lost', since: lostSince } }, RESTORE_RETRY);
    const first = this.#shown !== 'view';
    this.#shown = 'view';
    if (view.kind === 'tail') this.#fill(view, first);
    else if (!this.#stands(view)) this.#replace(view);
    this.#catchUp();
    // Events behind `none` begin a log whose owner no read has checked yet: the next read checks it.
    const [birth] = view.kind === 'none' ? view.live : [];
    if (birth) this.#readAnother(birth, search);
    else for (const event of view.live) if (relate(this.#offset, event) === 'next') this.#deliver(event);
    if (!birth && view.gap) this.#readOn(search.attempt);
    if (first) for (const event of this.#room.standing(this.userId)) this.#sink.send(event, this.#logId);
  }

  readFailed(error: RunnelError): void {
    if (this.#state.kind === 'closed') return;
    const search = this.#search();
    if (!search.complained) this.#sink.failed(error);
    // A live follower keeps its place: the room's poll asks again.
    if (this.live) this.#become({ kind: 'live', complained: true });
    else this.#wait('retrying', { ...search, complained: true }, RETRY);
  }

  close(): void {
    if (this.#state.kind === 'closed') return;
    this.#become({ kind: 'closed' });
    this.#room.leave(this);
  }

  /** Every change of state: a timer goes with the state it belongs to, and nothing comes after `closed`. */
  #become(state: State): boolean {
    const before = this.#state;
    if (before.kind === 'closed') return false;
    if (before.kind === 'waiting' || before.kind === 'retrying') clearTimeout(before.timer);
    this.#state = state;
    return true;
  }

  /** A view was sent. Who waits for the store to answer asks again all the same. */
  #catchUp(): void {
    if (this.#state.kind === 'retrying') Object.assign(this.#state, { cause: POSITION, attempt: 0, complained: false });
    else this.#become(LIVE);
  }

  /** What a read that begins now is for. */
  #search(): Search {
    const state = this.#state;
    if (state.kind === 'closed' || state.kind === 'live')
      return { cause: POSITION, attempt: 0, complained: state.kind === 'live' && state.complained };
    const { cause, attempt, complained } = state;
    return { cause, attempt, complained };
  }

  #born(): string | null {
    const { cause } = this.#search();
    return cause.kind === 'born' ? cause.logId : null;
  }

  #read(search: Search): void {
    if (this.#become({ kind: 'reading', ...search })) this.#room.read(this);
  }

  /** An event of a log that this reader has not read: a read says whose it is. */
  #readAnother({ logId }: Outgoing, search: Search): void {
    this.#read({ ...search, cause: this.#logId === null ? { kind: 'born', logId } : POSITION });
  }

  #deliver(event: Outgoing): void {
    this.#offset = event.offset;
    this.#sink.send(event, this.#logId);
  }

  #open(): void {
    if (this.#shown !== 'nothing') return;
    this.#shown = 'opened';
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
    return this.live && !view.gap && view.logId === this.#logId && position === this.#offset;
  }

  #replace(view: Extract<View, { kind: 'none' | 'snapshot' }>): void {
    this.#logId = view.logId;
    this.#offset = view.kind === 'none' ? 0 : view.readTo;
    this.#sink.send(view.snapshot, view.logId);
    this.#sink.send(view.marker, view.logId);
  }

  /** The view itself had a hole. Once is normal in a fast log; repeated holes mean that a lagging store answers. */
  #readOn(attempt: number): void {
    const search = { cause: POSITION, attempt: attempt + 1, complained: false };
    if (attempt === 0) this.#read(search);
    else this.#wait('retrying', search, RETRY);
  }

  /** The store has less than this reader was shown: lost all, or failed over to a replica that lagged. */
  #isBehind(view: Exclude<View, { kind: 'forbidden' }>): boolean {
    return (
      view.kind === 'none' || (view.kind === 'snapshot' && (view.behind || (view.logId === this.#logId && view.offset < this.#offset)))
    );
  }

  /** Since when the log this reader held is missing, while its owner may still write it again; else null. */
  #mayComeBack(view: View, cause: Cause): number | null {
    if (this.#logId === null || cause.kind === 'deleted') return null;
    const now = performance.now();
    const since = cause.kind === 'lost' ? cause.since : now;
    const isChanged = view.kind === 'snapshot' && view.behind;
    return now - since < (isChanged ? BEHIND_GRACE_MS : RESTORE_GRACE_MS) ? since : null;
  }

  #wait(kind: 'waiting' | 'retrying', search: Search, backoff: { baseMs: number; maxMs: number }): void {
    // Never below half: a thousand readers of a store that just came back must not ask in one instant, nor in a tight loop.
    const wait = backoff.baseMs / 2 + fullJitter({ attempt: search.attempt, ...backoff });
    const timer = setTimeout(() => this.reread(), wait).unref();
    if (!this.#become({ kind, ...search, attempt: search.attempt + 1, timer })) clearTimeout(timer);
  }
}
