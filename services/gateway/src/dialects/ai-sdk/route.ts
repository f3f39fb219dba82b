import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import type { Drainable } from '../../connections/drain.ts';
import { readJson } from '../../http/plumbing/bodies.ts';
import { prefixOf } from '../../http/plumbing/prefix.ts';
import { PROBLEMS, UserQuery, json } from '../../http/plumbing/schemas.ts';
import { dialectCaller } from '../door.ts';
import { findRun } from '../find-run.ts';
import { countAnswers } from '../metrics.ts';
import { Tellers, type DialectContext } from '../tellers.ts';
import { chunkEncoder, type ChunkStart } from './encode.ts';
import { begin } from './begin.ts';
import { ChatBody, StopBody, activeRun, readStartIndex, readStreamId, tailIndex } from './request.ts';

const BODY_LIMIT = 4 * 1024 * 1024;
const tags = ['AI SDK'];
const Params = Type.Object({ id: Type.String({ maxLength: 129, description: 'A conversation, or an `x-workflow-run-id`' }) });
const stream = {
  200: { description: 'UI message chunks, then [DONE]', content: { 'text/event-stream': { schema: Type.String() } } },
  ...PROBLEMS,
};

/** The addresses of the Default- and the WorkflowChatTransport below `/api/ai-sdk`. */
export const aiSdkRoutes = (instance: FastifyInstance, context: DialectContext): { list(): readonly Drainable[] } => {
  const { auth, commands, runLog } = context;
  const prefix = prefixOf(context.config.publicUrl);
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const tellers = new Tellers(instance, context, 'ai-sdk');
  countAnswers(instance, context.dialects, 'ai-sdk');
  // The WorkflowChatTransport sends its JSON without saying so. The guard of the origin stands before this.
  readJson(instance, 'text/plain');

  const tell = (
    request: FastifyRequest,
    reply: FastifyReply,
    place: { conversationId: string; userId: string; runId: string },
    { startedAt, ...start }: ChunkStart & { startedAt?: number | undefined } = {},
  ): Promise<void> => {
    const { conversationId, runId } = place;
    reply.headers({ 'x-vercel-ai-ui-message-stream': 'v1', 'x-workflow-run-id': `${conversationId}.${runId}` });
    return tellers.tell(request, reply, place, chunkEncoder({ conversationId, runId }, { ...start, prefix }), {
      startedAt,
      last: 'data: [DONE]\n\n',
    });
  };

  app.post(
    '/',
    {
      prefixTrailingSlash: 'no-slash',
      bodyLimit: BODY_LIMIT,
      schema: {
        tags,
        operationId: 'aiSdkChat',
        summary: 'A prompt of useChat, answered by a UI message stream',
        description:
          'The last user message is the prompt; earlier ones are the beginning of a conversation that is new. A last message of the assistant with answered approvals decides, and the answer goes on. Closing the answer does not stop the run.',
        querystring: Type.Object(UserQuery),
        body: ChatBody,
        response: stream,
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      const begun = await begin(context, caller, request.body, () => tellers.enter(request, reply, caller.userId));
      await tell(request, reply, begun.place, begun);
      return reply;
    },
  );

  app.get(
    '/:id/stream',
    {
      exposeHeadRoute: false,
      schema: {
        tags,
        operationId: 'aiSdkResume',
        summary: 'The running answer again, from its beginning',
        description:
          '204: no answer is being written. With `startIndex` (WorkflowChatTransport) the newest answer, running or ended; above 0 its step again.',
        params: Params,
        querystring: Type.Object({ ...UserQuery, startIndex: Type.Optional(Type.String({ description: 'Chunks that were received' })) }),
        response: stream,
      },
    },
    async (request, reply) => {
      const { userId } = await dialectCaller(auth, request, reply);
      const skipped = readStartIndex(request.query.startIndex);
      const { conversationId, runId } = readStreamId(request.params.id);
      const found = await findRun(runLog, { conversationId, userId }, runId);
      if (skipped === undefined && !found?.running) return (reply as FastifyReply).code(204).send();
      if (!found) throw new RunnelError('not-found');
      await tellers.enter(request, reply, userId);
      reply.headers(tailIndex(skipped ?? 0));
      await tell(request, reply, { conversationId, userId, runId: found.runId }, { skipped: Math.max(0, skipped ?? 0) });
      return reply;
    },
  );

  app.post(
    '/:id/stop',
    {
      schema: {
        tags,
        operationId: 'aiSdkStop',
        summary: 'Stops the running answer; its text so far stays',
        params: Params,
        querystring: Type.Object(UserQuery),
        body: StopBody,
        response: { 200: json('Stopped, or nothing was running', Type.Object({ success: Type.Literal(true) })), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      const named = readStreamId(request.params.id);
      const { conversationId } = named;
      const runId = activeRun(conversationId, request.body?.activeStreamId) ?? named.runId;
      const found = await findRun(runLog, { conversationId, userId: caller.userId }, runId);
      if (!found) throw new RunnelError('not-found');
      if (found.running) await commands.cancel(caller, { conversationId, runId: found.runId });
      reply.headers({ 'x-runnel-conversation': conversationId, 'x-runnel-run': found.runId });
      return { success: true as const };
    },
  );
  return tellers;
};
