import { Type } from 'typebox';
import { ConversationPage, PartSchema, PatchAnswer, RECORD_CHARS } from '@runnel/protocol/http';
import { RunnelError, type Part } from '@runnel/protocol';
import { MAX_SYSTEM } from '../../commands/title.ts';
import type { GatewayContext } from '../../context.ts';
import type { AuditHistory } from '../../archive/audit-history.ts';
import { readPart } from '../../archive/read-part.ts';
import { callerOf } from '../plumbing/caller.ts';
import { listPlaced, type ListSource } from '../../person/placed-list.ts';
import { conversationsAmong, listConversations } from '../../archive/history-source.ts';
import { ConversationParams, Id, PROBLEMS, UserQuery, json, pageLimit, type Routes } from '../plumbing/schemas.ts';

const tags = ['Conversations'];
const OrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

export const conversationRoutes = (app: Routes, context: GatewayContext, audit: AuditHistory | null): void => {
  const { auth, commands, runLog, budgets, records, own } = context;
  const source: ListSource = {
    page: (query) => listConversations(runLog, audit, query),
    among: (userId, ids) => conversationsAmong(runLog, audit, userId, ids),
    records,
  };
  app.get(
    '/api/conversations',
    {
      schema: {
        tags,
        operationId: 'listConversations',
        summary: 'The caller’s conversations, newest first',
        description:
          'Without those that are archived. A folder or the archive is asked for alone; `pinned=first` puts what is pinned before the first page, beyond its limit.',
        querystring: Type.Object({
          ...UserQuery,
          after: Type.Optional(Id),
          limit: pageLimit(50, 200),
          archived: Type.Optional(Type.Boolean({ description: 'Only those that are archived' })),
          folder: Type.Optional(Type.String({ maxLength: 300, description: 'Only those in it' })),
          pinned: Type.Optional(Type.Literal('first')),
        }),
        response: { 200: json('A page', ConversationPage), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const { after, limit = 50, archived = false, folder, pinned } = request.query;
      const view = { archived, pinnedFirst: pinned === 'first', ...(folder !== undefined && { folder }) };
      const query = { userId, limit, ...view, ...(after !== undefined && { after }) };
      return budgets.reading(userId, reply.raw, () => listPlaced(source, query));
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
        summary:
          'Rename a conversation, give it a text for its models or a model of its own, or put it to another place in the caller’s list',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        body: Type.Object(
          {
            title: Type.Optional(Type.String({ description: 'One line of at most 200 characters; longer than 80 is clipped' })),
            system: Type.Optional(OrNull(`For its models, before the thread; at most ${MAX_SYSTEM} characters; null or empty: none`)),
            model: Type.Optional(OrNull('Answers where a prompt names none; null or empty: the default')),
            pinned: Type.Optional(Type.Boolean({ description: 'Takes it out of the archive' })),
            archived: Type.Optional(Type.Boolean({ description: 'Takes its pin away' })),
            folder: Type.Optional(OrNull(`At most ${RECORD_CHARS.folder} characters; null or empty: in none`)),
          },
          { minProperties: 1 },
        ),
        response: { 200: json('What was changed', PatchAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      const { title, system, model, pinned, archived, folder } = request.body;
      const conversationId = request.params.id;
      const preset = { ...(system !== undefined && { system: system ?? '' }), ...(model !== undefined && { model: model ?? '' }) };
      const place = {
        ...(pinned !== undefined && { pinned }),
        ...(archived !== undefined && { archived }),
        ...(folder !== undefined && { folder }),
      };
      const [isPreset, isPlace] = [Object.keys(preset).length > 0, Object.keys(place).length > 0];
      if (title === undefined && !isPreset && !isPlace)
        throw new RunnelError('bad-frame', 'One of title, system, model, pinned, archived and folder is needed.');
      let changed: { offset?: number } = isPreset ? await commands.setPreset(caller, { conversationId, ...preset }) : {};
      if (title !== undefined) changed = await commands.setTitle(caller, { conversationId, title });
      return { ...changed, ...(isPlace && (await own.setPlace({ conversationId, userId: caller.userId }, place))) };
    },
  );
};
