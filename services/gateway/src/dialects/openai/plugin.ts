import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { newId, RunnelError } from '@runnel/protocol';
import { MOST_BODY_BYTES } from '../../http/plumbing/bodies.ts';
import type { GatewayContext } from '../../context.ts';
import { logFailure, toFailure, type HttpFailure } from '../../http/plumbing/problem.ts';
import type { Routes } from '../../http/plumbing/schemas.ts';
import { completionRoutes } from '../chat-completions/route.ts';
import type { Shelves } from '../responses/find.ts';
import { retrieveRoutes } from '../responses/retrieve.ts';
import { createRoute } from '../responses/route.ts';
import { ApiError, openAiError, openAiHeaders, openAiStatus } from './api-error.ts';
import { dialectCaller } from '../door.ts';
import type { OpenAiContext } from './context.ts';
import { requestCounts } from './metrics.ts';
import type { Dialect, DialectMetrics } from '../metrics.ts';
import { modelRoutes } from './models.ts';
import { missing } from './other-methods.ts';

/** A body that is too large is not a thread that is too long. */
const failureOf = (thrown: unknown): HttpFailure => {
  const failure = toFailure(thrown);
  if (thrown instanceof RunnelError || failure.status !== 413) return failure;
  const message = `A request has at most ${MOST_BODY_BYTES} bytes.`;
  return { ...failure, error: new ApiError('too-large', message, { code: 'too_large' }) };
};

const dialectOf = ({ url }: FastifyRequest): Dialect | null => {
  const [, name] = /^\/v1\/(chat\/completions|responses|models)\b/.exec(url) ?? [];
  if (name === undefined) return null;
  return name === 'chat/completions' ? 'chat-completions' : (name as Dialect);
};

const idOf = (reply: FastifyReply): string => String(reply.getHeader('x-request-id'));

/** The routes of `/v1`, with errors in OpenAI's shape. Register with a prefix, so that its handlers stay its own. */
export const openAiRoutes = async (
  instance: FastifyInstance,
  given: GatewayContext &
    Pick<OpenAiContext, 'pending' | 'callers' | 'bodies' | 'uploaded'> & { dialects: DialectMetrics; history: Shelves['history'] },
): Promise<void> => {
  const requests = requestCounts(given.dialects);
  const context: OpenAiContext = { ...given, requests };
  const app = instance.withTypeProvider<TypeBoxTypeProvider>() as unknown as Routes;

  const sendError = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const failure = failureOf(thrown);
    logFailure(request, failure, { requestId: idOf(reply) });
    const dialect = dialectOf(request);
    if (dialect) requests.ended(dialect, failure.error);
    void reply
      .code(openAiStatus(failure))
      .headers(openAiHeaders(failure))
      .type('application/json')
      .send(JSON.stringify(openAiError(failure)));
  };
  app.setErrorHandler(sendError);
  const missed = missing(app);
  app.setNotFoundHandler((request, reply) => sendError(missed(request, reply), request, reply));
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-request-id', `req_${newId().replaceAll('-', '')}`));
  // Reject unauthenticated requests before reading the body: unfinished bodies of strangers would fill the memory.
  app.addHook('onRequest', async (request, reply) => {
    context.callers.set(request, (await dialectCaller(context.auth, request, reply)).userId);
  });
  modelRoutes(app, context);
  completionRoutes(app, context);
  const shelves = { runLog: context.runLog, history: given.history };
  createRoute(app, context, shelves);
  retrieveRoutes(app, context, shelves);
};
