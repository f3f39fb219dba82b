import {
  isId,
  RunnelError,
  toRunnelError,
  type ClientFrame,
  type ClientFrameOf,
  type Cursor,
  type FrameId,
  type OkEvent,
} from '@runnel/protocol';
import { BUSY_STORE_MS } from '@runnel/coordination';
import { withPatience } from '@runnel/kit';
import type { Budgets } from '../budgets/index.ts';
import { cancelOf, decideOf, deleteOf, promptOf, regenerateOf, typingOf } from '../commands/command-fields.ts';
import type { Commands } from '../commands/commands.ts';
import type { Follow } from '../follow/follower.ts';
import { FollowSink } from './follow-sink.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { membershipOf, type Caller, type Identity, type Membership } from '../auth/identity.ts';
import type { Hub } from '../follow/hub.ts';
import { Limiter } from '../follow/read-slots.ts';
import type { SendQueue } from '../connections/send-queue.ts';
import { control } from '../follow/wire-event.ts';

export interface FrameHandlerDeps {
  hub: Hub;
  commands: Commands;
  budgets: Pick<Budgets, 'follows' | 'command' | 'refusals'>;
  metrics: Pick<GatewayMetrics, 'refollows' | 'resumes' | 'resumeSeconds'>;
}
export interface FrameErrors {
  fail(error: RunnelError, id?: FrameId): void;
}

/** More conversations than a service that speaks for many people has on one socket. */
const MAX_FOLLOWS = 2000;
const FOLLOWS_RETRY_MS = 5_000;
/** Commands of one socket that may be under way or wait for their turn. */
const MAX_PENDING = 1000;
/** Of these, so many go to the store at once: a burst of one socket must not stand before everybody else's. */
const COMMANDS_AT_ONCE = 32;
/** P-10: a command that waits for others (of its conversation, of its socket) is answered in time all the same. */
const ANSWER_MS = 900;
/** One outage is one error, however many conversations the socket follows. */
const OUTAGE_QUIET_MS = 2000;

type Frame = Exclude<ClientFrame, { type: 'hello' }>;
type Answer = Omit<OkEvent, 'type' | 'id'>;
/** The frame that asked for a follow, which is answered; null: the query did. */
type Asked = { id: FrameId | undefined } | null;

/** What the frames of an open session do: follows, and commands in order within a conversation. */
export class FrameHandler {
  readonly #errors: FrameErrors;
  readonly #deps: FrameHandlerDeps;
  readonly #queue: SendQueue;
  #caller: Caller;
  readonly #readOnly: boolean;
  readonly #follows = new Map<string, Follow>();
  /** Follows whose place is being asked for; what concerns the same conversation waits behind. */
  readonly #asking = new Map<string, Promise<void>>();
  /** The last command of each conversation: a cancel must not overtake its prompt. */
  readonly #lastCommand = new Map<string, Promise<void>>();
  readonly #turns = new Limiter(COMMANDS_AT_ONCE);
  #pending = 0;
  #outageNotifiedAt = -Infinity;
  #closed = false;

  constructor(
    errors: FrameErrors,
    deps: FrameHandlerDeps,
    queue: SendQueue,
    { userId, readOnly = false, ...membership }: Pick<Identity, 'userId' | 'readOnly'> & Membership,
  ) {
    this.#errors = errors;
    this.#deps = deps;
    this.#queue = queue;
    this.#caller = { userId, ...membershipOf(membership) };
    this.#readOnly = readOnly;
  }

  /** The same person came with another token, which may say something else of them. */
  know({ userId, ...membership }: Pick<Identity, 'userId'> & Membership): void {
    this.#caller = { userId, ...membershipOf(membership) };
  }

  handle(frame: Frame): void {
    const { commands } = this.#deps;
    const caller = this.#caller;
    switch (frame.type) {
      case 'follow':
        return this.#follow(frame.conversationId, cursorOf(frame), { id: frame.id });
      case 'unfollow':
        this.#unfollow(frame.conversationId);
        return this.#ok(frame.id);
      case 'prompt':
        return this.#command(frame, () => commands.prompt(caller, promptOf(frame)));
      case 'regenerate':
        return this.#command(frame, async () => {
          const { runId, offset } = await commands.regenerate(caller, regenerateOf(frame));
          return { runId, offset };
        });
      case 'cancel':
        return this.#command(frame, () => commands.cancel(caller, cancelOf(frame)));
      case 'decide':
        return this.#command(frame, async () => {
          await this.#deps.budgets.command(caller.userId);
          return commands.decide(caller, decideOf(frame));
        });
      case 'delete':
        return this.#command(frame, async () => {
          await this.#deps.budgets.command(caller.userId);
          return commands.deleteMessage(caller, deleteOf(frame));
        });
      case 'typing':
        return this.#command(frame, async () => {
          await this.#deps.budgets.command(caller.userId);
          await commands.typing(caller, typingOf(frame));
          return {};
        });
      case 'ping':
        return this.#pong(frame);
      default:
        return frame satisfies never;
    }
  }

  /** `session_id` of the query. */
  followFirst(conversationId: string): void {
    if (isId(conversationId)) this.#follow(conversationId, null, null);
    else this.#errors.fail(new RunnelError('bad-frame', 'This session_id is no conversation id.'));
  }

  hasLiveRun(): boolean {
    for (const conversationId of this.#follows.keys()) if (this.#deps.hub.hasLiveRun(conversationId)) return true;
    return false;
  }

  close(): void {
    this.#closed = true;
    for (const conversationId of [...this.#follows.keys()]) this.#unfollow(conversationId);
  }

  #follow(conversationId: string, cursor: Cursor | null, asked: Asked): void {
    const waiting = this.#asking.get(conversationId);
    if (waiting) return void waiting.then(() => this.#closed || this.#follow(conversationId, cursor, asked));
    const begin = (): void => this.#begin(conversationId, cursor, asked);
    const standing = this.#follows.get(conversationId);
    if (standing) {
      // Following again is how a client asks for what it misses: the new cursor counts.
      if (standing.live) this.#deps.metrics.refollows.inc({ reason: cursor ? 'gap' : 'mismatch' });
      this.#stop(conversationId, standing);
      return begin();
    }
    if (this.#follows.size + this.#asking.size >= MAX_FOLLOWS) {
      return this.#errors.fail(new RunnelError('overloaded', `At most ${MAX_FOLLOWS} conversations on one socket.`), asked?.id);
    }
    const { follows, refusals } = this.#deps.budgets;
    const refuse = (): void => this.#errors.fail(refusals.of('follows', { retryAfterMs: FOLLOWS_RETRY_MS }), asked?.id);
    const room = follows.take(this.#caller.userId);
    if (typeof room === 'boolean') return room ? begin() : refuse();
    const asking = room.then((granted) => {
      this.#asking.delete(conversationId);
      if (this.#closed) return void (granted && follows.release(this.#caller.userId));
      if (granted) begin();
      else refuse();
    });
    this.#asking.set(conversationId, asking);
  }

  #begin(conversationId: string, cursor: Cursor | null, asked: Asked): void {
    const sink = new FollowSink({
      queue: this.#queue,
      metrics: this.#deps.metrics,
      resuming: cursor !== null,
      answer: asked ? (error) => (error ? this.#errors.fail(error, asked.id) : this.#ok(asked.id)) : undefined,
      notifyOutage: (error) => this.#notifyOutage(error),
      unfollow: () => this.#unfollow(conversationId),
    });
    this.#follows.set(conversationId, this.#deps.hub.follow({ conversationId, userId: this.#caller.userId, cursor, sink }));
  }

  #notifyOutage(error: RunnelError): void {
    const now = performance.now();
    if (error.retryable && now - this.#outageNotifiedAt < OUTAGE_QUIET_MS) return;
    this.#outageNotifiedAt = now;
    this.#errors.fail(error);
  }

  #unfollow(conversationId: string): void {
    const waiting = this.#asking.get(conversationId);
    if (waiting) return void waiting.then(() => this.#unfollow(conversationId));
    const follow = this.#follows.get(conversationId);
    if (follow === undefined) return;
    this.#stop(conversationId, follow);
    this.#deps.budgets.follows.release(this.#caller.userId);
  }

  /** Ends a follow and keeps its place. */
  #stop(conversationId: string, follow: Follow): void {
    this.#follows.delete(conversationId);
    follow.close();
  }

  #command(frame: { id?: FrameId; conversationId: string }, run: () => Promise<Answer>): void {
    const { id, conversationId } = frame;
    if (this.#readOnly) return this.#errors.fail(new RunnelError('forbidden', 'This key may only read.'), id);
    if (this.#pending >= MAX_PENDING) {
      return this.#errors.fail(new RunnelError('overloaded', 'Too many commands at once on this socket.', { retryAfterMs: 1000 }), id);
    }
    this.#pending++;
    const { worthWaiting } = this.#deps.commands;
    const askedAt = performance.now();
    let answeredLate = false;
    const turn = this.#lastCommand.get(conversationId) ?? Promise.resolve();
    const answered = turn.then(() =>
      this.#turns.run(() => {
        // Do not run a command that was already answered with `unavailable`, or is answered so in this turn.
        if (answeredLate || (performance.now() - askedAt >= ANSWER_MS && !worthWaiting())) throw new RunnelError('unavailable');
        return run();
      }),
    );
    const work = withPatience(answered, { ms: ANSWER_MS, limitMs: BUSY_STORE_MS, worthWaiting }, () => {
      answeredLate = true;
      throw new RunnelError('unavailable', undefined, { retryAfterMs: ANSWER_MS });
    })
      .then((answer) => this.#ok(id, answer))
      .catch((cause: unknown) => {
        if (!this.#closed) this.#errors.fail(toRunnelError(cause), id);
      })
      .finally(() => {
        this.#pending--;
        if (this.#lastCommand.get(conversationId) === work) this.#lastCommand.delete(conversationId);
      });
    this.#lastCommand.set(conversationId, work);
  }

  #pong({ id, t }: ClientFrameOf<'ping'>): void {
    this.#queue.send(control({ type: 'pong', ...(id !== undefined && { id }), ...(t !== undefined && { t }) }), null);
  }

  #ok(id: FrameId | undefined, answer: Answer = {}): void {
    this.#queue.send(control({ type: 'ok', ...(id !== undefined && { id }), ...answer }), null);
  }
}

/** A reader of what did not exist yet stands nowhere; sending that back asks for a snapshot. */
const cursorOf = ({ cursor }: ClientFrameOf<'follow'>): Cursor | null => (cursor && cursor.logId !== null ? cursor : null);
