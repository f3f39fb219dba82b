import { CLOSE, CLOSE_REASONS, decodeClientFrame, PROTOCOL_VERSION, RunnelError, toRunnelError } from '@runnel/protocol';
import type { ClientFrameOf, CloseName, FrameId } from '@runnel/protocol';
import { isApiKey } from '../auth/grants/api-key.ts';
import type { Waiter } from '../budgets/unsent.ts';
import type { Drainable } from '../connections/drain.ts';
import { FrameBudget, Strikes } from './frame-budget.ts';
import { FrameHandler } from './frame-handler.ts';
import { Heartbeat } from '../connections/heartbeat.ts';
import type { Identity } from '../auth/identity.ts';
import type { SessionDeps } from './session-deps.ts';
import { SendQueue, type Wire } from '../connections/send-queue.ts';
import { control } from '../follow/wire-event.ts';
import { TokenExpiry } from '../connections/token-expiry.ts';

export type { SessionDeps } from './session-deps.ts';

/** The part of a WebSocket that a session needs; tests give another. */
export interface SessionSocket extends Wire {
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** What was known before the first frame. */
export interface Opening {
  /** By header, cookie or query; null: `hello` must bring a token. */
  identity: Identity | null;
  /** `session_id` of the query: the same as a first `follow`. */
  sessionId?: string;
}

/** Each variant holds only what is valid in it. */
type State =
  | { kind: 'greeting'; timer: NodeJS.Timeout }
  /** `hello` is here and its token is being checked; frames that follow it wait. */
  | { kind: 'verifying'; waiting: string[]; bytes: number }
  | { kind: 'open'; identity: Identity; frames: FrameHandler }
  | { kind: 'closed' };

const HELLO_MS = 10_000;
const MAX_BYTES_BEFORE_OPEN = 16 * 1024;
/** A peer that does not answer a close frame is cut; a slow one first has to get what is on its way. */
const CLOSE_MS = 2000;
const SLOW_CLOSE_MS = 10_000;
const RETRY_AFTER_MS = 1000;
/** What a dropped or malformed frame costs, and what a refused prompt does: see `Strikes`. */
const FRAME_STRIKE = 1;
const PROMPT_STRIKE = 5;
const BY_MINUTE: ReadonlySet<string> = new Set(['prompts', 'commands', 'searches']);
/** A person who has too many sockets closes one, or waits until what a dead node held is forgotten. */
const SOCKETS_RETRY_MS = 5_000;

/** One WebSocket from its first byte to its close: W-1 to W-6. Everything it sends goes through its send queue. */
export class Session implements Drainable, Waiter {
  readonly #socket: SessionSocket;
  readonly #deps: SessionDeps;
  readonly #opening: Opening;
  readonly #queue: SendQueue;
  readonly #heartbeat: Heartbeat;
  readonly #budget = new FrameBudget();
  readonly #strikes = new Strikes();
  readonly #token: TokenExpiry;
  #state: State;
  /** Ends the hints about the caller's list. */
  #unlist: (() => void) | null = null;
  /** Who counts this socket as one of theirs. */
  #countedFor: string | null = null;

  constructor(socket: SessionSocket, deps: SessionDeps, opening: Opening) {
    this.#socket = socket;
    this.#deps = deps;
    this.#opening = opening;
    const merged = (): void => deps.metrics.merges.inc();
    this.#queue = new SendQueue(socket, { slow: () => this.end('slow'), merged, unsent: deps.budgets.unsent, waiter: this });
    this.#heartbeat = new Heartbeat(
      deps.heartbeatMs,
      () => socket.ping(),
      () => this.end('heartbeat'),
    );
    this.#token = new TokenExpiry(
      () => this.fail(new RunnelError('token-expired', 'The token expires within a minute: send a new hello.')),
      () => this.end('auth'),
    );
    const timer = setTimeout(() => this.end('noHello'), HELLO_MS);
    timer.unref();
    this.#state = { kind: 'greeting', timer };
  }

  get open(): boolean {
    return this.#state.kind !== 'closed';
  }

  /** The caller is known. */
  get welcomed(): boolean {
    return this.#state.kind === 'open';
  }

  /** Somebody watches an answer being written: leaves last when the node drains. */
  get busy(): boolean {
    return this.#state.kind === 'open' && this.#state.frames.hasLiveRun();
  }

  /** Bytes that wait for the peer. */
  get unsent(): number {
    return this.#queue.unsent;
  }

  /** A frame from the peer. Never throws. */
  message(data: Buffer, isBinary: boolean): void {
    this.#heartbeat.alive();
    const state = this.#state;
    switch (state.kind) {
      case 'greeting':
        return isBinary || data.length > MAX_BYTES_BEFORE_OPEN ? this.end('protocol') : this.#greet(data.toString());
      case 'verifying':
        // An empty frame takes its place in the queue, too.
        state.bytes += data.length + 1;
        if (isBinary || state.bytes > MAX_BYTES_BEFORE_OPEN) return this.end('protocol');
        state.waiting.push(data.toString());
        return;
      case 'open':
        if (isBinary) return this.fail(new RunnelError('bad-frame', 'Frames are text.'));
        return this.#frame(state, data.toString());
      case 'closed':
        return;
      default:
        return state satisfies never;
    }
  }

  /** A ping or a pong of the peer: a sign of life, and as much of a frame as any (P-8). */
  controlFrame(): void {
    this.#heartbeat.alive();
    if (this.#budget.take() > 0) this.#strike(FRAME_STRIKE);
  }

  /** The socket is gone, by whomever. */
  closed(): void {
    this.#leave();
    this.#deps.budgets.unsent.caughtUp(this);
  }

  slow(): void {
    this.end('slow');
  }

  cut(): void {
    this.#socket.terminate();
  }

  announce(reconnectInMs: number): void {
    if (this.#state.kind === 'open') this.#queue.send(control({ type: 'draining', reconnectInMs }), null);
  }

  close(): void {
    this.end('draining');
  }

  end(name: CloseName): void {
    if (this.#state.kind === 'closed') return;
    this.#leave();
    this.#deps.metrics.closes.inc({ code: String(CLOSE[name]) });
    this.#socket.close(CLOSE[name], CLOSE_REASONS[name]);
    setTimeout(() => this.#socket.terminate(), name === 'slow' ? SLOW_CLOSE_MS : CLOSE_MS).unref();
  }

  /** Tells the peer about an error; the socket lives, unless the peer makes a habit of it. */
  fail(error: RunnelError, id?: FrameId): void {
    this.#queue.send(control({ type: 'error', ...(id !== undefined && { id }), ...error.toFields() }), null);
    // Prompts and requests too many are a habit; a limit of what stands at a time is met by who does nothing wrong.
    if (error.code === 'rate-limited') this.#strike(BY_MINUTE.has(error.limit ?? '') ? PROMPT_STRIKE : FRAME_STRIKE);
    else if (error.code === 'bad-frame' || error.code === 'unknown-type') this.#strike(FRAME_STRIKE);
  }

  #leave(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'greeting') clearTimeout(state.timer);
    if (state.kind === 'open') state.frames.close();
    this.#heartbeat.stop();
    this.#token.stop();
    this.#unlist?.();
    this.#queue.close();
    if (this.#countedFor !== null) this.#deps.budgets.sockets.release(this.#countedFor);
    this.#countedFor = null;
  }

  #strike(weight: number): void {
    if (!this.#strikes.add(weight)) return;
    if (this.#state.kind === 'open') this.#deps.bans.add(this.#state.identity.userId);
    this.end('rate');
  }

  /** W-1: the first frame is `hello`. */
  #greet(text: string): void {
    const { frame } = decodeClientFrame(text);
    if (frame?.type !== 'hello') return this.end('protocol');
    if (this.#state.kind === 'greeting') clearTimeout(this.#state.timer);
    this.#state = { kind: 'verifying', waiting: [], bytes: 0 };
    void this.#hello(frame);
  }

  #frame(state: Extract<State, { kind: 'open' }>, text: string): void {
    const wait = this.#budget.take();
    if (wait > 0) {
      this.#queue.send(
        control({ type: 'error', ...new RunnelError('rate-limited', 'Too many frames.', { retryAfterMs: wait }).toFields() }),
        null,
      );
      return this.#strike(FRAME_STRIKE);
    }
    const decoded = decodeClientFrame(text);
    if (decoded.error) return this.fail(decoded.error, decoded.id);
    const { frame } = decoded;
    this.#deps.metrics.frames.inc({ type: frame.type });
    if (frame.type === 'hello') return void this.#hello(frame);
    state.frames.handle(frame);
  }

  /** The first `hello`, or a later one with a fresh token. */
  async #hello({ id, protocol, token, list = false }: ClientFrameOf<'hello'>): Promise<void> {
    if (protocol !== PROTOCOL_VERSION) return this.end('version');
    let identity: Identity | null;
    try {
      identity = await this.#identify(token);
    } catch (cause) {
      const error = toRunnelError(cause);
      this.fail(new RunnelError(error.code, error.message, { retryAfterMs: RETRY_AFTER_MS }), id);
      // Keys that cannot be had are no verdict about the token: come back.
      return this.end(error.code === 'unavailable' ? 'overloaded' : 'auth');
    }
    if (identity === null) return this.end('auth');
    if (this.#deps.bans.has(identity.userId)) return this.end('rate');
    if (this.#state.kind === 'verifying' && !(await this.#count(identity.userId))) return;
    const state = this.#state;
    // Before `welcome`: who reads their list then has missed nothing.
    if (list && state.kind === 'verifying')
      this.#unlist ??= this.#deps.people.follow(identity.userId, (event) => this.#queue.send(event, null));
    if (state.kind === 'verifying') this.#welcome(identity, state.waiting);
    // Follows were checked for the user of the first hello; another user is another socket.
    else if (state.kind === 'open' && state.identity.userId !== identity.userId) this.end('auth');
    else if (state.kind === 'open') this.#greetAgain(state, identity);
  }

  /** One more socket of this person; false when it has been ended. */
  async #count(userId: string): Promise<boolean> {
    const { sockets, refusals } = this.#deps.budgets;
    const room = sockets.take(userId);
    if (!(typeof room === 'boolean' ? room : await room)) {
      if (this.open) this.fail(refusals.of('sockets', { retryAfterMs: SOCKETS_RETRY_MS }));
      this.end('overloaded');
      return false;
    }
    if (this.open) this.#countedFor = userId;
    else sockets.release(userId);
    return this.open;
  }

  async #identify(token: string | undefined): Promise<Identity | null> {
    const { identity } = this.#opening;
    // In dev mode a caller is who the query or the cookie says, and a token means nothing.
    const named = identity?.source === 'query' || identity?.source === 'guest';
    if (token === undefined || (named && !isApiKey(token))) return identity;
    return { source: 'hello', ...(await this.#deps.auth.verify(token)) };
  }

  #welcome(identity: Identity, waiting: readonly string[]): void {
    const frames = new FrameHandler(this, this.#deps, this.#queue, identity);
    const state: State = { kind: 'open', identity, frames };
    this.#state = state;
    this.#greetAgain(state, identity);
    const { sessionId } = this.#opening;
    if (sessionId !== undefined) frames.followFirst(sessionId);
    for (const text of waiting) if (this.#state === state) this.#frame(state, text);
  }

  #greetAgain(state: Extract<State, { kind: 'open' }>, identity: Identity): void {
    state.frames.know((state.identity = identity));
    this.#token.start(identity, (now) => state.frames.know({ userId: identity.userId, ...now }));
    const { node, heartbeatMs, promptsPerMinute, limits } = this.#deps;
    const { userId } = identity;
    this.#queue.send(
      control({ type: 'welcome', protocol: PROTOCOL_VERSION, node, userId, heartbeatMs, limits: { ...limits, promptsPerMinute } }),
      null,
    );
  }
}
