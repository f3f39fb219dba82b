import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../context.ts';
import { askAudit, type Query } from './audit-ask.ts';
import { eraseUser } from './erase-user.ts';
import { ConversationParams, Id, PROBLEMS, UserQuery, json, pageLimit, type Routes } from './schemas.ts';
import { csvOf, type TrailPage } from './trail-csv.ts';

const tags = ['Audit'];
const Time = Type.Optional(Type.Integer({ minimum: 0, description: 'ms since the epoch' }));
const trailQuery = {
  ...UserQuery,
  from: Time,
  to: Time,
  after: Type.Optional(Type.String({ maxLength: 400 })),
  limit: pageLimit(200, 1_000),
  format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('csv')], { description: 'csv: all of it, streamed' })),
};
const Entries = Type.Object({ events: Type.Array(Type.Unknown()), next: Type.Union([Type.String(), Type.Null()]) });
const User = Type.String({ minLength: 1, maxLength: 255 });

/** Trail, statistics and erasure. Everybody sees the trail of their own conversations; the rest needs the `admin` scope. */
export const adminRoutes = (app: Routes, context: GatewayContext): void => {
  const { auth, audit, config, log } = context;

  const adminOf = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const { userId, admin } = await auth.require(request, reply);
    if (admin !== true && !config.adminUsers.includes(userId)) throw new RunnelError('forbidden', 'This needs the admin scope.');
    return userId;
  };
  const sendTrail = async (reply: FastifyReply, query: Query, format: string | undefined, userId: string): Promise<unknown> => {
    const pageAfter = (after: string | undefined): Promise<TrailPage> =>
      askAudit(audit, '/trail', { ...query, ...(format === 'csv' && { limit: 1_000 }), ...(after !== undefined && { after }) }, userId);
    reply.header('cache-control', 'private, no-store');
    if (format !== 'csv') return pageAfter(undefined);
    reply.header('content-type', 'text/csv; charset=utf-8').header('content-disposition', 'attachment; filename="trail.csv"');
    return reply.send(Readable.from(csvOf(pageAfter)));
  };

  app.get(
    '/api/conversations/:id/trail',
    {
      schema: {
        tags,
        summary: 'What happened in one of the caller’s conversations, in order',
        params: ConversationParams,
        querystring: Type.Object(trailQuery),
        response: { 200: json('A page', Entries), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await auth.require(request, reply);
      const { from, to, after, limit, format } = request.query;
      return sendTrail(reply, { conversation: request.params.id, user: userId, from, to, after, limit }, format, userId);
    },
  );

  app.get(
    '/api/admin/trail',
    {
      schema: {
        tags,
        summary: 'The trail of a conversation, a user or a time (admin)',
        querystring: Type.Object({ ...trailQuery, conversation: Type.Optional(Id), user: Type.Optional(User) }),
        response: { 200: json('A page', Entries), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const admin = await adminOf(request, reply);
      const { conversation, user, from, to, after, limit, format } = request.query;
      log.info({ event: 'admin.trail', admin });
      return sendTrail(reply, { conversation, user, from, to, after, limit }, format, admin);
    },
  );

  app.get(
    '/api/admin/analytics',
    {
      schema: {
        tags,
        summary: 'Runs by time and model: ends, percentiles, tokens, takeovers (admin)',
        querystring: Type.Object({
          ...UserQuery,
          from: Time,
          to: Time,
          bucket: Type.Optional(Type.Integer({ minimum: 60_000, maximum: 86_400_000 })),
        }),
        response: { 200: json('Statistics', Type.Object({ statistics: Type.Array(Type.Unknown()) })), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const admin = await adminOf(request, reply);
      const { from, to, bucket } = request.query;
      return askAudit<{ statistics: unknown[] }>(audit, '/analytics', { from, to, bucket }, admin);
    },
  );

  app.delete(
    '/api/admin/users/:user',
    {
      schema: {
        tags,
        summary: 'Erase a user: every text goes, the trail keeps that it happened (admin)',
        params: Type.Object({ user: User }),
        querystring: Type.Object(UserQuery),
        response: { 200: json('How many conversations went', Type.Object({ conversations: Type.Integer() })), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const admin = await adminOf(request, reply);
      const conversations = await eraseUser(context, request.params.user);
      log.info({ event: 'admin.erased', admin, conversations });
      return { conversations };
    },
  );
};
