import { Type } from 'typebox';
import { ErasedAnswer, StatisticsAnswer, Verification } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { recordAct } from './admin-record.ts';
import { adminOf, readerOf } from './admin-scope.ts';
import { MAX_USER_ID } from '../../auth/identity.ts';
import { askAudit } from '../../archive/audit-ask.ts';
import { eraseUser } from './erase-user.ts';
import { ConversationParams, Id, PROBLEMS, UserQuery, json, type Routes } from '../plumbing/schemas.ts';
import { sendTrail, TRAIL, trailQuery } from './trail.ts';

const tags = ['Audit'];
const Time = Type.Optional(Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: 'ms since the epoch' }));
const User = Type.String({ minLength: 1, maxLength: MAX_USER_ID });

/** Everybody's trail, statistics and erasure: for the `admin` scope. Each call is in the trail, with the admin's name. */
export const adminRoutes = (app: Routes, context: GatewayContext): void => {
  const { audit, log } = context;

  app.get(
    '/api/admin/trail',
    {
      schema: {
        tags,
        operationId: 'readTrailAsAdmin',
        summary: 'The trail of a conversation, a user or a time (admin)',
        querystring: Type.Object({ ...trailQuery, conversation: Type.Optional(Id), user: Type.Optional(User) }),
        response: TRAIL,
      },
    },
    async (request, reply) => {
      const admin = await readerOf(context, request, reply);
      const { conversation, user, from, to, after, limit, format } = request.query;
      const query = JSON.stringify({ conversation, user, from, to, after, limit, format });
      const whose = { ...(user !== undefined && { target: user }), ...(conversation !== undefined && { conversation }) };
      await recordAct(context, { type: 'ADMIN_READ', admin, ...whose, query });
      return sendTrail(context, reply, { conversation, user, from, to, after, limit }, format, admin);
    },
  );

  app.get(
    '/api/admin/conversations/:id/verify',
    {
      schema: {
        tags,
        operationId: 'verifyAsAdmin',
        summary: 'Whether the trail of any conversation is whole (admin)',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        response: { 200: json('What was found', Verification), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const admin = await readerOf(context, request, reply);
      await recordAct(context, { type: 'ADMIN_READ', admin, conversation: request.params.id, query: 'verify' });
      return context.budgets.verifying(admin, reply.raw, () => askAudit(audit, Verification, `/verify/${request.params.id}`, {}, admin));
    },
  );

  app.get(
    '/api/admin/analytics',
    {
      schema: {
        tags,
        operationId: 'readStatistics',
        summary: 'Runs by time and model: ends, percentiles, tokens, takeovers (admin)',
        querystring: Type.Object({
          ...UserQuery,
          from: Time,
          to: Time,
          bucket: Type.Optional(Type.Integer({ minimum: 60_000, maximum: 86_400_000 })),
        }),
        response: { 200: json('Statistics', StatisticsAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const admin = await readerOf(context, request, reply);
      const { from, to, bucket } = request.query;
      await recordAct(context, { type: 'ADMIN_READ', admin, query: 'analytics' });
      return askAudit(audit, StatisticsAnswer, '/analytics', { from, to, bucket }, admin);
    },
  );

  app.delete(
    '/api/admin/users/:user',
    {
      schema: {
        tags,
        operationId: 'eraseUser',
        summary: 'Erase a user: every text and the id go, the trail keeps that it happened (admin)',
        description:
          '`forgotten`: no store names the user any more. Where it is false something of theirs is alive again, or the audit has not read of every deletion yet: it goes on by itself, and asking again tells.',
        params: Type.Object({ user: User }),
        querystring: Type.Object(UserQuery),
        response: { 200: json('How many conversations went', ErasedAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const admin = await adminOf(context, request, reply);
      const target = request.params.user;
      await recordAct(context, { type: 'USER_ERASED', admin, target });
      const erased = await eraseUser(context, target, admin);
      log.info({ event: 'admin.erased', admin, target, ...erased });
      return erased;
    },
  );
};
