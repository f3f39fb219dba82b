import { Type } from 'typebox';
import { ChangeAnswer, ConversationPage, PartSchema } from '@runnel/protocol/http';
import type { Part } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import type { AuditHistory } from '../../archive/audit-history.ts';
import { readPart } from '../../archive/read-part.ts';
import { callerOf } from '../plumbing/caller.ts';
import { listConversations } from '../../archive/history-source.ts';
import { ConversationParams, Id, PROBLEMS, UserQuery, json, pageLimit, type Routes } from '../plumbing/schemas.ts';

const tags = ['Conversations'];

export const conversationRoutes = (app: Routes, context: GatewayContext, audit: AuditHistory | null): void => {
  const { auth, commands, runLog, budgets } = context;
  app.get(
    '/api/conversations',
    {
      schema: {
        tags,
        summary: 'The caller’s conversations, newest first',
        querystring: Type.Object({ ...UserQuery, after: Type.Optional(Id), limit: pageLimit(50, 200) }),
        response: { 200: json('A page', ConversationPage), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const { after, limit = 50 } = request.query;
      const query = { userId, limit, ...(after !== undefined && { after }) };
      return budgets.reading(userId, reply.raw, () => listConversations(runLog, audit, query));
    },
  );

  app.get(
    '/api/conversations/:id/parts/:partId',
    {
      schema: {
        tags,
        operationId: 'readPart',
        summary: 'A part of an answer with all that was streamed of it',
        description:
          'Messages carry the first 16 KiB of each field (`truncated`). 503: its end was a moment ago, and the rest is not in the database yet.',
        params: Type.Object({ id: Id, partId: Id }),
        querystring: Type.Object(UserQuery),
        response: { 200: json('The part', Type.Unsafe<Part>(PartSchema)), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const { id: conversationId, partId } = request.params;
      reply.header('cache-control', 'private, no-store');
      return budgets.reading(userId, reply.raw, () => readPart(runLog, context.audit, { conversationId, userId, partId }));
    },
  );

  app.patch(
    '/api/conversations/:id',
    {
      schema: {
        tags,
        summary: 'Rename a conversation',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        body: Type.Object({ title: Type.String({ description: 'One line of at most 200 characters; longer than 80 is clipped' }) }),
        response: { 200: json('Offset of the `title` event', ChangeAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      return commands.setTitle(caller, { conversationId: request.params.id, title: request.body.title });
    },
  );
};
