import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { delay, onClose } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { Replay } from '@runnel/protocol/http';
import type { Life } from '../../auth/identity.ts';
import type { GatewayContext } from '../../context.ts';
import { ByteBudget } from '../../budgets/byte-budget.ts';
import { TokenExpiry } from '../../connections/token-expiry.ts';
import { askAudit } from '../../archive/audit-ask.ts';
import { callerOf, lifeOf } from '../plumbing/caller.ts';
import { drained, startEventStream } from '../plumbing/event-stream.ts';
import { stepsOf } from './replay-plan.ts';
import { ConversationParams, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

/** A pause of an hour in the middle must not hold a connection for an hour. */
const LONGEST_WAIT_MS = 30_000;
const MOST_AT_ONCE = 200;
const RETRY_AFTER_MS = 2_000;
/** Texts of all replays of this node, each with its pieces. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;
/** A replay slower than that holds its connection for hours. */
const SLOWEST = 0.1;

const schema = {
  tags: ['History'],
  operationId: 'replayRun',
  summary: 'An answer again, as it was written, with its original timing (server-sent events)',
  description:
    '`start`, then `chunk` {at, text}, `part` {part} at each change of its state (its content with the last) and `marker` {what: takeover, restored, cancel}, then `end`. `chunk.hole`: nobody noted when exactly these bytes came.',
  params: ConversationParams,
  querystring: Type.Object({
    ...UserQuery,
    speed: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1_000, default: 1, description: '2 is twice as fast, 0.1 the slowest; 0 is at once' }),
    ),
    from: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'What came before this many ms is sent at once' })),
  }),
  response: {
    200: { description: 'The answer', content: { 'text/event-stream': { schema: Type.String() } } },
    ...PROBLEMS,
  },
};

/** Writes the steps at their times, until the end or the caller leaves. */
const play = async (
  reply: FastifyReply,
  replay: Replay,
  { speed, from }: { speed: number; from: number },
  draining: AbortSignal,
  life: Life,
): Promise<void> => {
  const steps = stepsOf(replay);
  const { conversationId, startedAt, message, markers } = replay;
  const raw = startEventStream(reply);
  const gone = new AbortController();
  onClose(raw, () => gone.abort());
  const token = new TokenExpiry(
    () => undefined,
    () => gone.abort(),
  );
  token.start(life);
  const stop = AbortSignal.any([gone.signal, draining]);
  const send = (event: string, data: object): unknown => raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  try {
    send('start', { conversationId, runId: message.messageId, model: message.model, startedAt, ms: steps.at(-1)!.ms, markers });
    let at = from;
    for (const { ms, event, data } of steps) {
      if (speed > 0 && ms > at) await delay(Math.min(LONGEST_WAIT_MS, (ms - at) / speed), stop);
      if (stop.aborted) break;
      at = Math.max(at, ms);
      send(event, { ...data, ms });
      await drained(raw);
    }
  } finally {
    token.stop();
    raw.end();
  }
};

export const replayRoutes = (app: Routes, { auth, audit, draining, budgets }: GatewayContext): void => {
  let open = 0;
  const texts = new ByteBudget(MAX_TEXT_BYTES, MAX_TEXT_BYTES);
  app.get('/api/runs/:id/replay', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { userId } = await callerOf(auth, request, reply);
    const { speed = 1, from = 0 } = request.query;
    if (speed > 0 && speed < SLOWEST) throw new RunnelError('bad-frame', `speed: 0 (at once) or at least ${SLOWEST}.`);
    if (open >= MOST_AT_ONCE || draining.aborted) throw new RunnelError('overloaded', undefined, { retryAfterMs: RETRY_AFTER_MS });
    const release = await budgets.replay(userId);
    let held = 0;
    // Counted before the audit service is asked: what is read for a replay is as large as what it sends.
    open++;
    try {
      const replay = await askAudit(audit, Replay, `/runs/${request.params.id}/replay`, {}, userId);
      const bytes = 2 * (Buffer.byteLength(replay.message.text) + JSON.stringify(replay.parts ?? []).length);
      if (texts.take(userId, bytes) !== 'taken') throw new RunnelError('overloaded', undefined, { retryAfterMs: RETRY_AFTER_MS });
      held = bytes;
      await play(reply, replay, { speed, from }, draining, await lifeOf(auth, request, reply));
    } finally {
      open--;
      release();
      texts.release(userId, held);
    }
    return reply;
  });
};
