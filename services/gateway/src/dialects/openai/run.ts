import type { FastifyReply } from 'fastify';
import { delay, onClose } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import type { ModelRequest } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import type { Caller, Life } from '../../auth/identity.ts';
import type { PromptCommand, RunAnswer } from '../../commands/commands.ts';
import { TokenExpiry } from '../../connections/token-expiry.ts';
import { Answer } from '../answer.ts';

/** Part of the drain window an answer may use to come to its end. */
const DRAIN_SHARE = 0.9;
/** How soon a gateway is told that somebody has joined a run on another one. */
const TOLD_MS = 2_000;

const goingAway = (): RunnelError => new RunnelError('overloaded', 'This node is going away; the answer goes on in its conversation.');
const hasLeft = (): RunnelError => new RunnelError('unavailable', 'The caller has left.');

/** Responses that wait on a run. */
export class PendingAnswers {
  readonly #pending = new Map<Answer, Promise<void>>();

  add(answer: Answer, done: Promise<void>): void {
    this.#pending.set(answer, done);
    void done.then(() => this.#pending.delete(answer));
  }

  /** Whether a response of this node waits on the run. */
  has(runId: string): boolean {
    for (const answer of this.#pending.keys()) if (answer.runId === runId && !answer.end) return true;
    return false;
  }

  /** Tells all of them that the rest will not come from here. */
  interrupt(): void {
    for (const answer of this.#pending.keys()) answer.fail(goingAway());
  }

  /** Resolves when none is left; the drain window bounds each of them. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending.values());
  }
}

export type RunContext = Pick<GatewayContext, 'hub' | 'commands' | 'config' | 'draining' | 'log'> & { pending: PendingAnswers };

export interface Waiting {
  reply: FastifyReply;
  /** How long the caller may stay. */
  life: Life;
  /** A response that closes before the end cancels the run at once, after this many ms, or (null) not at all. */
  cancelAfterMs: number | null;
}

type Run = { conversationId: string; runId: string };

/** Cancels a run that its caller has left, unless somebody has come back for it. */
const abandon = async (context: RunContext, caller: Caller, run: Run, afterMs: number): Promise<void> => {
  const { hub, commands, log, pending, draining } = context;
  const { conversationId, runId } = run;
  if (afterMs > 0) {
    const watch = new Answer(runId);
    const follow = hub.follow({ conversationId, userId: caller.userId, cursor: null, sink: watch });
    await Promise.race([delay(afterMs, draining), ended(watch)]);
    const isWanted = (): boolean => watch.end !== null || pending.has(runId) || watch.devices > 1;
    // Who has joined elsewhere in time is known here a little later.
    if (!isWanted()) await Promise.race([delay(TOLD_MS, draining), ended(watch)]);
    follow.close();
    if (isWanted() || draining.aborted) return;
  }
  await commands.cancel(caller, run).catch((error: unknown) => log.warn({ event: 'openai.cancel-failed', runId, err: error }));
};

const ended = async (answer: Answer): Promise<void> => {
  while (!answer.end) await answer.next();
};

/**
 * Follows a run for a caller who waits on this very response: `deliver` gets its answer. `begin` starts the run or finds it, and resolves to
 * the offset of its start; the subscription stands before it is called. Rejects with what `begin` and `deliver` reject with.
 */
export const withAnswer = async (
  context: RunContext,
  caller: Caller,
  run: Run,
  { reply, life, cancelAfterMs }: Waiting,
  begin: () => Promise<number>,
  deliver: (answer: Answer) => Promise<void>,
): Promise<void> => {
  const { hub, config, draining, pending } = context;
  const { conversationId, runId } = run;
  const answer = new Answer(runId);
  let isRunning = false;
  let left = false;
  const leave = (): void => {
    if (cancelAfterMs !== null) void abandon(context, caller, run, cancelAfterMs);
    answer.fail(hasLeft());
  };
  const closed = (): void => {
    left = true;
    if (isRunning && !answer.end) leave();
  };
  // A client of this protocol may not be able to resume, so its response gets most of the window before it is closed.
  let last: NodeJS.Timeout | undefined;
  const onDrain = (): void => {
    last = setTimeout(() => answer.fail(goingAway()), config.drainMs * DRAIN_SHARE);
  };

  const token = new TokenExpiry(
    () => undefined,
    () => answer.fail(new RunnelError('token-expired')),
  );
  token.start(life);
  const { promise: done, resolve: settle } = Promise.withResolvers<void>();
  pending.add(answer, done);
  const follow = hub.follow({ conversationId, userId: caller.userId, cursor: null, sink: answer });
  const forget = onClose(reply.raw, closed);
  draining.addEventListener('abort', onDrain);
  if (draining.aborted) onDrain();
  try {
    answer.started(await begin());
    isRunning = true;
    if (left && !answer.end) leave();
    await deliver(answer);
  } finally {
    follow.close();
    forget();
    draining.removeEventListener('abort', onDrain);
    clearTimeout(last);
    token.stop();
    settle();
  }
};

export interface ApiPrompt extends PromptCommand {
  runId: string;
  model: string;
  request: ModelRequest;
  /** The prompt is in the log already: it is answered once more. */
  isAgain: boolean;
}

/** Gives the prompt that starts the run of a response. `known`: it was given before, by this key. */
export const promptFor = async (
  { commands }: RunContext,
  caller: Caller,
  { isAgain, ...command }: ApiPrompt,
  known: () => Promise<void>,
): Promise<RunAnswer> => {
  if (isAgain) {
    const { conversationId, messageId: parentId, runId, model, request } = command;
    return commands.regenerate(caller, { conversationId, parentId, runId, model, request });
  }
  const answer = await commands.prompt(caller, command);
  if (answer.duplicate) await known();
  return answer;
};
