import { Type } from 'typebox';
import { ChangeAnswer, ConversationPage, PartSchema } from '@runnel/protocol/http';
import { RunnelError, type Part } from '@runnel/protocol';
import { MAX_SYSTEM } from '../../commands/title.ts';
import type { GatewayContext } from '../../context.ts';
import type { AuditHistory } from '../../archive/audit-history.ts';
import { readPart } from '../../archive/read-part.ts';
import { callerOf } from '../plumbing/caller.ts';
import { listConversations } from '../../archive/history-source.ts';
import { ConversationParams, Id, PROBLEMS, UserQuery, json, pageLimit, type Routes } from '../plumbing/schemas.ts';

const tags = ['Conversations'];
const OrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

export const conversationRoutes = (app: Routes, context: GatewayContext, audit: AuditHistory | null): void => {
  const { auth, commands, runLog, budgets } = context;
  app.get(
    '/api/conversations',
    {
      schema: {
        tags,
        operationId: 'listConversations',
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
        operationId: 'changeConversation',
        summary: 'Rename a conversation, or give it a text for its models or a model of its own',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        body: Type.Object(
          {
            title: Type.Optional(Type.String({ description: 'One line of at most 200 characters; longer than 80 is clipped' })),
            system: Type.Optional(OrNull(`For its models, before the thread; at most ${MAX_SYSTEM} characters; null or empty: none`)),
            model: Type.Optional(OrNull('Answers where a prompt names none; null or empty: the default')),
          },
          { minProperties: 1 },
        ),
        response: { 200: json('Offset of the `title` event, or of the last one', ChangeAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      const { title, system, model } = request.body;
      const conversationId = request.params.id;
      const preset = { ...(system !== undefined && { system: system ?? '' }), ...(model !== undefined && { model: model ?? '' }) };
      if (title === undefined && Object.keys(preset).length === 0)
        throw new RunnelError('bad-frame', 'One of title, system and model is needed.');
      const changed = Object.keys(preset).length > 0 ? await commands.setPreset(caller, { conversationId, ...preset }) : null;
      return title === undefined ? changed! : commands.setTitle(caller, { conversationId, title });
    },
  );
};
