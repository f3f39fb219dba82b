import type { FastifyReply } from 'fastify';
import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import type { Life } from '../../auth/identity.ts';
import type { Caller, PromptCommand } from '../../commands/commands.ts';
import { TokenExpiry } from '../../connections/token-expiry.ts';
import { Answer } from './answer.ts';

/** Part of the drain window an answer may use to come to its end. */
const DRAIN_SHARE = 0.9;

const goingAway = (): RunnelError => new RunnelError('overloaded', 'This node is going away; the answer goes on in its conversation.');

/** Responses that wait on a run of their own. */
export class PendingAnswers {
  readonly #pending = new Map<Answer, Promise<void>>();

  add(answer: Answer, done: Promise<void>): void {
    this.#pending.set(answer, done);
    void done.then(() => this.#pending.delete(answer));
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

export type CompletionCommand = PromptCommand & { runId: string };

/**
 * Starts a run for a caller who waits on this very response: `deliver` gets its answer, a response that closes before its end
 * cancels the run. Rejects with what the command rejects with.
 */
export const runForResponse = async (
  context: Pick<GatewayContext, 'hub' | 'commands' | 'config' | 'draining' | 'log'> & { pending: PendingAnswers },
  caller: Caller,
  command: CompletionCommand,
  { reply, life }: { reply: FastifyReply; life: Life },
  deliver: (answer: Answer) => Promise<void>,
): Promise<void> => {
  const { hub, commands, config, draining, log, pending } = context;
  const { conversationId, runId } = command;
  const answer = new Answer(runId);
  let started = false;
  let left = false;
  const cancel = (): void => {
    answer.fail(new RunnelError('unavailable', 'The caller has left.'));
    commands
      .cancel(caller, { conversationId, runId })
      .catch((error: unknown) => log.warn({ event: 'openai.cancel-failed', runId, err: error }));
  };
  const onClose = (): void => {
    left = true;
    if (started && !answer.end) cancel();
  };
  // A client of OpenAI's protocol cannot resume, so its stream gets most of the window before it is closed.
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
  // Before the command, so that the first event finds the subscription standing.
  const follow = hub.follow({ conversationId, userId: caller.userId, cursor: null, sink: answer });
  reply.raw.once('close', onClose);
  draining.addEventListener('abort', onDrain);
  if (draining.aborted) onDrain();
  try {
    const { offset } = await commands.prompt(caller, command);
    started = true;
    answer.started(offset);
    if (left) cancel();
    await deliver(answer);
  } finally {
    follow.close();
    reply.raw.off('close', onClose);
    draining.removeEventListener('abort', onDrain);
    clearTimeout(last);
    token.stop();
    settle();
  }
};
