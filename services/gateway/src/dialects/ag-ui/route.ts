import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import type { Drainable } from '../../connections/drain.ts';
import { startEventStream } from '../../http/plumbing/event-stream.ts';
import { PROBLEMS, UserQuery, json } from '../../http/plumbing/schemas.ts';
import { sseOutlet } from '../answer-feed.ts';
import { beginAsked } from '../begin.ts';
import type { Caller } from '../../auth/identity.ts';
import { dialectCaller } from '../door.ts';
import { findRun } from '../find-run.ts';
import { countAnswers } from '../metrics.ts';
import { decideAsked } from '../parts/decide-asked.ts';
import { Tellers, type DialectContext } from '../tellers.ts';
import { idOf } from '../turns.ts';
import { eventEncoder, runFinished, runStarted, snapshotOf } from './encode.ts';
import { branchTo } from './messages.ts';
import type { AgUiMessage } from './part-events.ts';
import { RunInput, StopBody, readResume, readRun, threadOf } from './request.ts';

const BODY_LIMIT = 4 * 1024 * 1024;
const tags = ['AG-UI'];
const DEFAULT_AGENT = 'default';
const AgentParams = Type.Object({ agentId: Type.String({ maxLength: 200, description: 'A model, or `default`' }) });
const stream = {
  200: { description: 'AG-UI events', content: { 'text/event-stream': { schema: Type.String() } } },
  ...PROBLEMS,
};
const Info = Type.Object({
  version: Type.String(),
  mode: Type.Literal('sse'),
  agents: Type.Record(Type.String(), Type.Object({ name: Type.String(), description: Type.String() })),
});

/** The addresses of CopilotKit's runtime below `/api/ag-ui`. */
export const agUiRoutes = (instance: FastifyInstance, context: DialectContext): { list(): readonly Drainable[] } => {
  const { auth, commands, models, runLog } = context;
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const tellers = new Tellers(instance, context, 'ag-ui');
  countAnswers(instance, context.dialects, 'ag-ui');

  /** Undefined: whatever the conversation had, or the default. Throws `not-found`. */
  const modelOf = async (agentId: string, caller: Caller): Promise<string | undefined> => {
    if (agentId === DEFAULT_AGENT) return undefined;
    return models.resolve(agentId, caller).catch((error: unknown) => {
      const isUnknown = error instanceof RunnelError && error.code === 'model-unknown';
      throw isUnknown ? new RunnelError('not-found', 'There is no such agent.') : error;
    });
  };

  /** The branch of the newest message, where nothing is being written. */
  const idleThread = async (place: { conversationId: string; userId: string }): Promise<AgUiMessage[]> => {
    const state = await runLog.readState({ ...place, cursor: null });
    if (state.kind === 'forbidden') throw new RunnelError('forbidden');
    return state.kind === 'snapshot' ? branchTo(state.messages, state.messages.at(-1)?.messageId ?? null) : [];
  };

  app.post(
    '/agent/:agentId/run',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        tags,
        operationId: 'agUiRun',
        summary: 'Runs an agent on a thread, answered by AG-UI events',
        description:
          'The last user message is the prompt; earlier ones are the beginning of a thread that is new. A known run is joined. `resume` answers interrupts: each decides about a part, and its answer goes on. Closing the answer does not stop it.',
        params: AgentParams,
        querystring: Type.Object(UserQuery),
        body: RunInput,
        response: stream,
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      const { userId } = caller;
      const model = await modelOf(request.params.agentId, caller);
      const { conversationId, runId: wanted } = threadOf(request.body);
      const decisions = readResume(request.body);
      if (decisions.length > 0) {
        await tellers.enter(request, reply, userId);
        const { runId, decided } = await decideAsked(context, caller, conversationId, decisions);
        // The answer goes on in the message it began; the run that the client asks for is only another name of it.
        const telling = { threadId: conversationId, runId: wanted, messageId: runId, joins: true, decided };
        await tellers.tell(request, reply, { conversationId, userId, runId }, eventEncoder(telling));
        return reply;
      }
      const asked = readRun(request.body, model);
      const known = asked === null ? await findRun(runLog, { conversationId, userId }, wanted) : null;
      if (asked === null && !known) throw new RunnelError('bad-frame', 'messages: the last one must be a user message.');
      await tellers.enter(request, reply, userId);
      const begun = asked ? await beginAsked(context, caller, asked) : { runId: wanted, duplicate: true };
      const { runId } = begun;
      const encoder = eventEncoder({ threadId: conversationId, runId, messageId: runId, joins: begun.duplicate });
      await tellers.tell(request, reply, { conversationId, userId, runId }, encoder, {
        startedAt: 'offset' in begun ? begun.offset : undefined,
      });
      return reply;
    },
  );

  app.post(
    '/agent/:agentId/connect',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        tags,
        operationId: 'agUiConnect',
        summary: 'A thread as it stands, then the rest of the answer that is being written',
        params: AgentParams,
        querystring: Type.Object(UserQuery),
        body: RunInput,
        response: stream,
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      const { userId } = caller;
      await modelOf(request.params.agentId, caller);
      const { conversationId, runId: wanted } = threadOf(request.body);
      const found = await findRun(runLog, { conversationId, userId });
      await tellers.enter(request, reply, userId);
      if (found?.running) {
        const { runId } = found;
        const telling = { threadId: conversationId, runId, messageId: runId, joins: true };
        await tellers.tell(request, reply, { conversationId, userId, runId }, eventEncoder(telling));
        return reply;
      }
      const thread = { threadId: conversationId, runId: wanted };
      const messages = await idleThread({ conversationId, userId });
      reply.header('x-runnel-conversation', conversationId);
      const outlet = sseOutlet(startEventStream(reply));
      for (const event of [runStarted(thread), snapshotOf(messages), runFinished(thread, { type: 'success' })]) outlet.write(event);
      outlet.end();
      return reply;
    },
  );

  app.post(
    '/agent/:agentId/stop/:threadId',
    {
      schema: {
        tags,
        operationId: 'agUiStop',
        summary: 'Stops the running answer of a thread, or only the one that is named',
        params: Type.Object({ ...AgentParams.properties, threadId: Type.String() }),
        querystring: Type.Object(UserQuery),
        body: StopBody,
        response: { 200: json('Whether anything was running', Type.Object({ stopped: Type.Boolean() })), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      const conversationId = idOf(request.params.threadId, 'threadId');
      const named = request.body?.runId ?? undefined;
      const found = await findRun(
        runLog,
        { conversationId, userId: caller.userId },
        named === undefined ? undefined : idOf(named, 'runId'),
      );
      if (!found) throw new RunnelError('not-found');
      if (found.running) await commands.cancel(caller, { conversationId, runId: found.runId });
      reply.headers({ 'x-runnel-conversation': conversationId, 'x-runnel-run': found.runId });
      return { stopped: found.running };
    },
  );

  app.get(
    '/info',
    {
      schema: {
        tags,
        operationId: 'agUiInfo',
        summary: 'The agents: each model, and the default',
        querystring: Type.Object(UserQuery),
        response: { 200: json('Agents by id', Info), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const list = await models.list(await dialectCaller(auth, request, reply));
      const agents = list.map(({ id, name, provider }) => [id, { name, description: `${name}, of ${provider}` }] as const);
      const byDefault = { name: DEFAULT_AGENT, description: 'The model of the conversation, or the default one' };
      return { version: '1', mode: 'sse' as const, agents: Object.fromEntries([[DEFAULT_AGENT, byDefault], ...agents]) };
    },
  );
  return tellers;
};
