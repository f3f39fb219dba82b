import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import type { ModelInfo } from '@runnel/protocol/http';
import type { Answer } from './answer.ts';
import { lifeOf } from '../../http/plumbing/caller.ts';
import { completionIds, openAiCaller } from './caller.ts';
import { completion, finishReasonOf, openAiError, openAiStatus, type AnswerHead } from './format.ts';
import { CompletionBody, readCompletion } from './request.ts';
import { runForResponse, type PendingAnswers } from './run.ts';
import { streamAnswer } from './stream.ts';
import { failureHeaders, logFailure, notFound, toFailure } from '../../http/plumbing/problem.ts';
import { OPENAI_ERRORS, UserQuery, json } from '../../http/plumbing/schemas.ts';

const BODY_LIMIT = 2 * 1024 * 1024;
/** A failure before the first word is an HTTP status; after this long the headers of a stream go out without one. */
const FIRST_SIGN_MS = 2_000;
const tags = ['OpenAI-compatible'];

const sendOpenAiError = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
  const failure = toFailure(thrown);
  logFailure(request, failure);
  void reply
    .code(openAiStatus(failure))
    .headers(failureHeaders(failure))
    .type('application/json')
    .send(JSON.stringify(openAiError(failure)));
};

/** Resolves when the answer shows what becomes of it, or has shown nothing for too long. */
const firstSign = async (answer: Answer): Promise<void> => {
  const giveUpAt = performance.now() + FIRST_SIGN_MS;
  const timer = setTimeout(() => answer.touch(), FIRST_SIGN_MS + 1);
  while (answer.text === '' && !answer.end && performance.now() < giveUpAt) await answer.next();
  clearTimeout(timer);
};

const Model = Type.Object({ id: Type.String(), object: Type.Literal('model'), created: Type.Integer(), owned_by: Type.String() });
const ModelList = Type.Object({ object: Type.Literal('list'), data: Type.Array(Model) });

const openAiModel = ({ id, provider }: ModelInfo) => ({ id, object: 'model' as const, created: 0, owned_by: provider });

export type OpenAiContext = GatewayContext & {
  pending: PendingAnswers;
  /** The caller of a request, for handlers that run after authentication and before the body is read. */
  callers: WeakMap<FastifyRequest, string>;
};

/** The routes of `/v1`, with errors in OpenAI's shape. Register with a prefix, so that its handlers stay its own. */
export const openAiRoutes = async (instance: FastifyInstance, context: OpenAiContext): Promise<void> => {
  const { auth, models, callers, runLog } = context;
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler(sendOpenAiError);
  // Reject unauthenticated requests before reading the body: unfinished bodies of strangers would fill the memory.
  app.addHook('onRequest', async (request, reply) => {
    callers.set(request, (await openAiCaller(auth, request, reply)).userId);
  });
  app.setNotFoundHandler((request, reply) => sendOpenAiError(notFound(), request, reply));

  app.post(
    '/chat/completions',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        tags,
        summary: 'Chat completion, streamed or whole',
        description:
          'The last user message is the prompt. Earlier messages are the context of a new conversation; an existing one ' +
          '(`x-runnel-conversation`) has its own. Closing the request cancels the run. Sampling parameters are accepted and not applied.',
        headers: Type.Object({
          'x-runnel-conversation': Type.Optional(Type.String({ description: 'Continue this conversation' })),
          'idempotency-key': Type.Optional(Type.String({ maxLength: 255, description: 'A retry joins the first try’s run' })),
        }),
        querystring: Type.Object(UserQuery),
        body: CompletionBody,
        response: {
          200: {
            description: '`x-runnel-conversation` and `x-runnel-run` name what was made',
            content: {
              'application/json': { schema: Type.Unsafe<object>({ type: 'object', description: 'chat.completion' }) },
              'text/event-stream': { schema: Type.String({ description: 'chat.completion.chunk objects, then [DONE]' }) },
            },
          },
          ...OPENAI_ERRORS,
        },
      },
    },
    async (request, reply) => {
      const caller = await openAiCaller(auth, request, reply);
      const life = await lifeOf(auth, request, reply);
      const { prompt, seed, model, stream, includeUsage } = readCompletion(request.body);
      const ids = await completionIds(request.headers, caller.userId, () => runLog.sharedSecret('completion-ids'));
      const head: AnswerHead = { runId: ids.runId, model: await models.resolve(model), createdAt: Date.now() };
      reply.headers({ 'x-runnel-conversation': ids.conversationId, 'x-runnel-run': ids.runId });
      await runForResponse(context, caller, { ...ids, text: prompt, model: head.model, seed }, { reply, life }, async (answer) => {
        if (stream) await firstSign(answer);
        // A failure before the first word, or any failure of a whole answer, is a status of its own.
        if (stream && !(answer.text === '' && answer.end?.error)) return streamAnswer(answer, head, reply, includeUsage);
        while (!answer.end) await answer.next();
        const { error, usage, finish } = answer.end;
        if (error) throw error;
        await reply.send(completion(head, answer.text, finishReasonOf(finish), usage));
      });
      return reply;
    },
  );

  app.get(
    '/models',
    { schema: { tags, summary: 'Models that can be named', response: { 200: json('Models', ModelList), ...OPENAI_ERRORS } } },
    async (request, reply) => {
      await openAiCaller(auth, request, reply);
      return { object: 'list' as const, data: (await models.list()).map(openAiModel) };
    },
  );

  app.get(
    '/models/:model',
    {
      schema: {
        tags,
        summary: 'One model',
        params: Type.Object({ model: Type.String() }),
        response: { 200: json('The model', Model), ...OPENAI_ERRORS },
      },
    },
    async (request, reply) => {
      await openAiCaller(auth, request, reply);
      const found = (await models.list()).find(({ id }) => id === request.params.model);
      if (!found) throw new RunnelError('model-unknown');
      return openAiModel(found);
    },
  );
};
