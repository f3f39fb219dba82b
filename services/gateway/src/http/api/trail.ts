import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { TrailPage, Verification } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { askAudit, type Query } from '../../archive/audit-ask.ts';
import { ConversationParams, PROBLEMS, UserQuery, json, pageLimit, type Routes } from '../plumbing/schemas.ts';
import { EXPORTS } from './trail-export.ts';

const Time = Type.Optional(Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: 'ms since the epoch' }));
export const trailQuery = {
  ...UserQuery,
  from: Time,
  to: Time,
  after: Type.Optional(Type.String({ maxLength: 400 })),
  limit: pageLimit(200, 1_000),
  format: Type.Optional(
    Type.Union([Type.Literal('json'), Type.Literal('csv'), Type.Literal('ndjson')], { description: 'csv, ndjson: all of it, streamed' }),
  ),
};
const EXPORT_PAGE = 1_000;
const file = (type: string, description: string) => ({ [type]: { schema: Type.Unsafe<TrailPage>({ type: 'string', description }) } });
/** A page, or with `format` all of it. */
export const TRAIL = {
  200: {
    description: 'A page, or a file',
    content: {
      'application/json': { schema: TrailPage },
      ...file('text/csv', 'A line of names, then one for each event'),
      ...file('application/x-ndjson', 'An event a line'),
    },
  },
  ...PROBLEMS,
};

/** A page, or the whole trail as a file. */
export const sendTrail = async (
  { audit, budgets }: GatewayContext,
  reply: FastifyReply,
  query: Query,
  format: 'json' | 'csv' | 'ndjson' | undefined,
  userId: string,
): Promise<TrailPage> => {
  reply.header('cache-control', 'private, no-store');
  if (format !== 'csv' && format !== 'ndjson')
    return budgets.reading(userId, reply.raw, () => askAudit(audit, TrailPage, '/trail', query, userId));
  const pageAfter = (after: string | undefined): Promise<TrailPage> =>
    askAudit(audit, TrailPage, '/trail', { ...query, limit: EXPORT_PAGE, ...(after !== undefined && { after }) }, userId);
  // The first page before the headers: a database that is down is a problem document and no empty file. An export is one read to its end.
  const from = query['after'] === undefined ? undefined : String(query['after']);
  const first = await budgets.reading(userId, reply.raw, () => pageAfter(from));
  const { type, write } = EXPORTS[format];
  reply.header('content-type', type).header('content-disposition', `attachment; filename="trail.${format}"`);
  return reply.send(Readable.from(write(first, pageAfter)));
};

/** What happened to the caller's own. */
export const trailRoutes = (app: Routes, context: GatewayContext): void => {
  const { auth, audit, budgets } = context;
  const tags = ['Audit'];

  app.get(
    '/api/trail',
    {
      schema: {
        tags,
        operationId: 'readOwnTrail',
        summary: 'What the caller did, over all conversations, in order',
        querystring: Type.Object(trailQuery),
        response: TRAIL,
      },
    },
    async (request, reply) => {
      const { userId } = await auth.require(request, reply);
      const { from, to, after, limit, format } = request.query;
      return sendTrail(context, reply, { user: userId, from, to, after, limit }, format, userId);
    },
  );

  app.get(
    '/api/conversations/:id/trail',
    {
      schema: {
        tags,
        operationId: 'readTrail',
        summary: 'What happened in one of the caller’s conversations, in order',
        params: ConversationParams,
        querystring: Type.Object(trailQuery),
        response: TRAIL,
      },
    },
    async (request, reply) => {
      const { userId } = await auth.require(request, reply);
      const { from, to, after, limit, format } = request.query;
      return sendTrail(context, reply, { conversation: request.params.id, user: userId, from, to, after, limit }, format, userId);
    },
  );

  app.get(
    '/api/conversations/:id/verify',
    {
      schema: {
        tags,
        operationId: 'verifyConversation',
        summary: 'Whether the trail of one of the caller’s conversations is whole, and its texts those that were answered',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        response: { 200: json('What was found', Verification), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await auth.require(request, reply);
      return budgets.verifying(userId, reply.raw, () =>
        askAudit(audit, Verification, `/verify/${request.params.id}`, { user: userId }, userId),
      );
    },
  );
};
