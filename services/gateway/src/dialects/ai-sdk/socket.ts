import type { WebSocket } from 'ws';
import { CLOSE, CLOSE_REASONS, RunnelError, toRunnelError } from '@runnel/protocol';
import { isApiKey } from '../../auth/grants/api-key.ts';
import { membershipOf, type Caller, type Life, type Membership } from '../../auth/identity.ts';
import type { Drainable } from '../../connections/drain.ts';
import { TokenExpiry } from '../../connections/token-expiry.ts';
import { prefixOf } from '../../http/plumbing/prefix.ts';
import { Heartbeat } from '../../connections/heartbeat.ts';
import { AnswerFeed, type Outlet } from '../answer-feed.ts';
import { findRun } from '../find-run.ts';
import { guestOfKey } from '../door.ts';
import type { DialectContext } from '../tellers.ts';
import { begin } from './begin.ts';
import { chunkEncoder, type ChunkStart } from './encode.ts';
import { bodyOf, readFrame, type ClientFrame } from './frames.ts';
import { readStreamId } from './request.ts';

/** Answers told at once on one socket, and frames that wait for the one before them. */
const MOST_ANSWERS = 16;
const MOST_WAITING = 32;
const MOST_WAITING_BYTES = 8 * 1024 * 1024;
/** Above this the socket is behind. */
const BACKLOG_BYTES = 64 * 1024;
const POLICY = 1008;

/** Who speaks on a socket, for how long, and whether they may change anything. */
export interface Known extends Life {
  caller: Caller;
  readOnly?: boolean;
  /** Dev mode: the handshake said nothing of anybody, so the token of a frame may name another guest, as it does under `/v1`. */
  isStranger?: boolean;
}

interface Telling {
  feed: AnswerFeed<unknown>;
  place: { conversationId: string; userId: string; runId: string };
}

/** One WebSocketChatTransport: requests and their answers, each with chunks numbered from 0. */
export class ChatSocket implements Drainable {
  readonly #socket: WebSocket;
  readonly #context: DialectContext;
  readonly #tellings = new Map<string, Telling>();
  readonly #token: TokenExpiry;
  readonly #heartbeat: Heartbeat;
  #known: Known | null;
  /** Takes the place of the person, once it is known who that is. */
  readonly #enter: (userId: string) => Promise<void>;
  #entered: Promise<void> | null = null;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #waitingBytes = 0;
  #taken: () => void = () => undefined;

  constructor(socket: WebSocket, context: DialectContext, known: Known | null, enter: (userId: string) => Promise<void>) {
    this.#socket = socket;
    this.#context = context;
    this.#known = known;
    this.#enter = enter;
    this.#token = new TokenExpiry(
      () => undefined,
      () => socket.close(CLOSE.auth, CLOSE_REASONS.auth),
    );
    if (known) this.#token.start(known, this.#changed);
    this.#heartbeat = new Heartbeat(
      context.config.heartbeatMs,
      () => socket.ping(),
      () => socket.terminate(),
    );
    socket.on('pong', () => this.#heartbeat.alive());
  }

  /** A provider says something else of this person now. */
  readonly #changed = (now: Membership): void => {
    if (!this.#known) return;
    const { groups: _groups, scopes: _scopes, ...caller } = this.#known.caller;
    this.#known = { ...this.#known, caller: { ...caller, ...now } };
  };

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  get busy(): boolean {
    return this.#tellings.size > 0;
  }

  announce(reconnectInMs: number): void {
    setTimeout(() => this.close(), reconnectInMs).unref();
  }

  close(): void {
    this.#socket.close(CLOSE.draining, CLOSE_REASONS.draining);
  }

  /** Frames are carried out in order. */
  message(data: Buffer, isBinary: boolean): void {
    this.#heartbeat.alive();
    const frame = isBinary ? null : readFrame(data.toString());
    if (frame === null) return this.#socket.close(POLICY, 'no frame of this protocol');
    const isFull = this.#waiting >= MOST_WAITING || this.#waitingBytes + data.length > MOST_WAITING_BYTES;
    if (isFull) return this.#socket.close(CLOSE.overloaded, CLOSE_REASONS.overloaded);
    this.#waiting++;
    this.#waitingBytes += data.length;
    this.#tail = this.#tail
      .then(() => this.#handle(frame))
      .finally(() => {
        this.#waiting--;
        this.#waitingBytes -= data.length;
      });
  }

  /** The runs go on: only `abort` stops one. */
  closed(): void {
    this.#token.stop();
    this.#heartbeat.stop();
    this.#taken();
    for (const { feed } of this.#tellings.values()) feed.close();
    this.#tellings.clear();
  }

  async #handle(frame: ClientFrame): Promise<void> {
    const { requestId } = frame;
    try {
      if (frame.type === 'abort') return await this.#abort(requestId);
      const caller = await this.#caller(frame.headers);
      if (this.#tellings.has(requestId)) throw new RunnelError('bad-frame', 'This requestId is in use.');
      if (this.#tellings.size >= MOST_ANSWERS) throw new RunnelError('overloaded', 'Too many answers at once on one socket.');
      if (frame.type === 'send') await this.#begin(frame, caller);
      else await this.#resume(frame, caller);
      this.#context.dialects.requests.inc({ dialect: 'ai-sdk', code: 'ok' });
    } catch (cause) {
      const error = toRunnelError(cause);
      if (error.code === 'internal') this.#context.log.error({ event: 'ai-sdk.frame-failed', err: error.cause });
      this.#context.dialects.requests.inc({ dialect: 'ai-sdk', code: error.code });
      this.#send({ type: 'error', requestId, errorText: error.message });
    }
  }

  /** Who the handshake said, else the token of the frame; always the same person on one socket. */
  async #caller(headers: Record<string, string>): Promise<Caller> {
    const header = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
    const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
    const { auth } = this.#context;
    const isProof = token !== undefined && (auth.mode === 'jwt' || isApiKey(token));
    if (this.#known?.isStranger) {
      const { caller } = this.#known;
      const userId = token === undefined ? caller.userId : guestOfKey(token);
      this.#known = isProof ? null : { ...this.#known, isStranger: false, caller: { ...caller, userId } };
    }
    if (isProof) {
      const identity = await auth.verify(token);
      const { userId, groups: _groups, scopes: _scopes, ...life } = identity;
      const before = this.#known?.caller;
      if (before && before.userId !== userId) throw new RunnelError('unauthorized', 'This socket is another person’s.');
      this.#known = { caller: { ...before, userId, ...membershipOf(identity) }, ...life };
      this.#token.start(life, this.#changed);
    }
    if (!this.#known) throw new RunnelError('unauthorized');
    await (this.#entered ??= this.#enter(this.#known.caller.userId));
    return this.#known.caller;
  }

  #mayChange(): void {
    if (this.#known?.readOnly) throw new RunnelError('forbidden', 'This key may only read.');
  }

  async #begin(frame: Extract<ClientFrame, { type: 'send' }>, caller: Caller): Promise<void> {
    this.#mayChange();
    const begun = await begin(this.#context, caller, bodyOf(frame), async () => undefined);
    this.#tell(frame.requestId, begun.place, begun);
  }

  async #resume({ requestId, id }: Extract<ClientFrame, { type: 'resume' }>, { userId }: Caller): Promise<void> {
    await this.#context.budgets.command(userId);
    const { conversationId, runId } = readStreamId(id);
    const found = await findRun(this.#context.runLog, { conversationId, userId }, runId);
    if (!found?.running) return this.#send({ type: 'no-active', requestId });
    this.#tell(requestId, { conversationId, userId, runId: found.runId });
  }

  #tell(requestId: string, place: Telling['place'], { startedAt, ...start }: ChunkStart & { startedAt?: number } = {}): void {
    if (!this.open) return;
    this.#send({ type: 'start', requestId });
    const encoder = chunkEncoder(
      { conversationId: place.conversationId, runId: place.runId },
      { ...start, prefix: prefixOf(this.#context.config.publicUrl) },
    );
    const feed = new AnswerFeed(this.#context.hub, place, encoder, this.#outletOf(requestId));
    this.#tellings.set(requestId, { feed: feed as AnswerFeed<unknown>, place });
    void feed.run(startedAt);
  }

  #outletOf(requestId: string): Outlet {
    let sequence = 0;
    return {
      ready: () => this.#ready(),
      write: (chunk) => this.#send({ type: 'chunk', requestId, sequence: sequence++, chunk }),
      end: () => {
        this.#tellings.delete(requestId);
        this.#send({ type: 'end', requestId });
      },
      break: () => undefined,
    };
  }

  /** `chat.stop()`: the client has let go of the answer and wants no more of it. */
  async #abort(requestId: string): Promise<void> {
    const telling = this.#tellings.get(requestId);
    if (!telling) return;
    this.#tellings.delete(requestId);
    telling.feed.close();
    this.#mayChange();
    const { conversationId, runId } = telling.place;
    await this.#context.commands.cancel(this.#known!.caller, { conversationId, runId });
  }

  async #ready(): Promise<void> {
    while (this.open && this.#socket.bufferedAmount > BACKLOG_BYTES) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = this.#taken;
      this.#taken = () => {
        before();
        resolve();
      };
      await promise;
    }
  }

  #send(frame: object): void {
    if (!this.open) return;
    this.#socket.send(JSON.stringify(frame), () => {
      const taken = this.#taken;
      this.#taken = () => undefined;
      taken();
    });
  }
}
