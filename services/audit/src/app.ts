import { fastify, type FastifyInstance } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { ID_PATTERN, toRunnelError } from '@runnel/protocol';
import type { AuditReader } from './reader.ts';

const Params = Type.Object({ id: Type.String({ pattern: ID_PATTERN }) });
const Paging = Type.Object({
  before: Type.Optional(Type.String({ pattern: ID_PATTERN })),
  after: Type.Optional(Type.String({ pattern: ID_PATTERN })),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
});

/** The user a gateway acts for; this service listens inside the cluster only. */
const callerOf = (headers: Record<string, unknown>): string => decodeURIComponent(String(headers['x-runnel-user'] ?? ''));

/** The audit service's HTTP side: history and conversation list for gateways, the trail for auditors. */
export const createAuditApp = (deps: { reader: AuditReader }): FastifyInstance => {
  const { reader } = deps;
  const app = fastify({ logger: false }).withTypeProvider<TypeBoxTypeProvider>();

  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? toRunnelError(error).status;
    return reply.code(status).send(status < 500 ? { code: 'bad-frame', message: error.message } : { code: 'unavailable', message: 'The database is not available.' });
  });

  app.get('/history/:id', { schema: { params: Params, querystring: Paging } }, async (request, reply) => {
    const { before, limit } = request.query;
    const page = await reader.history({ conversationId: request.params.id, userId: callerOf(request.headers), limit, ...(before !== undefined && { before }) });
    if (page.kind === 'page') return { messages: page.messages, hasMore: page.hasMore };
    return reply.code(page.kind === 'none' ? 404 : 403).send();
  });

  app.get('/conversations', { schema: { querystring: Paging } }, async (request) => {
    const { after, limit } = request.query;
    return reader.conversations({ userId: callerOf(request.headers), limit, ...(after !== undefined && { after }) });
  });

  app.get(
    '/trail/:id',
    { schema: { params: Params, querystring: Type.Object({ after: Type.Integer({ minimum: 0, default: 0 }), limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 200 }) }) } },
    async (request) => ({ events: await reader.trail({ conversationId: request.params.id, afterSequence: request.query.after, limit: request.query.limit }) }),
  );

  return app;
};
