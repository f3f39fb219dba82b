import { Type } from 'typebox';
import { bytesOf, type StoredMessage } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { ChangeAnswer, MessagePage } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { callerOf } from '../plumbing/caller.ts';
import type { HistoryCache } from '../../archive/history-cache.ts';
import { ConversationParams, Id, PROBLEMS, UserQuery, json, pageLimit, type Routes } from '../plumbing/schemas.ts';

const tags = ['History'];

const COMMA = Buffer.from(',');

interface ReadPage {
  messages: StoredMessage[];
  hasMore: boolean;
}
/** Readers that came together share one page: its JSON is made once for all of them, since of 7 MiB each would hold one. */
const bodies = new WeakMap<ReadPage, Buffer>();
const bodyOf = (page: ReadPage): Buffer => {
  const known = bodies.get(page);
  if (known) return known;
  const listed = page.messages.flatMap((message, index) => (index === 0 ? [bytesOf(message)] : [COMMA, bytesOf(message)]));
  const body = Buffer.concat([Buffer.from('{"messages":['), ...listed, Buffer.from(`],"hasMore":${page.hasMore}}`)]);
  bodies.set(page, body);
  return body;
};

export const historyRoutes = (app: Routes, { auth, commands, budgets }: GatewayContext, history: HistoryCache): void => {
  app.get(
    '/api/history/:id',
    {
      schema: {
        tags,
        operationId: 'readHistory',
        summary: 'A page of messages of all branches',
        params: ConversationParams,
        querystring: Type.Object({ ...UserQuery, before: Type.Optional(Id), limit: pageLimit(50, 200) }),
        response: { 200: json('A page', MessagePage), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const { before, limit = 50 } = request.query;
      const query = { conversationId: request.params.id, userId, limit, ...(before !== undefined && { before }) };
      const result = await budgets.reading(userId, reply.raw, () => history.read(query));
      if (result.kind !== 'page') throw new RunnelError(result.kind === 'none' ? 'not-found' : 'forbidden');
      // A page is the user's own: nobody between may keep it, nor a disk that others read.
      reply.header('cache-control', 'private, no-store');
      return reply.type('application/json; charset=utf-8').send(bodyOf(result) as unknown as ReadPage);
    },
  );

  app.delete(
    '/api/history/:id',
    {
      schema: {
        tags,
        operationId: 'deleteConversation',
        summary: 'Delete a conversation everywhere',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        response: { 204: { description: 'Gone', type: 'null' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      await commands.deleteConversation(caller, { conversationId: request.params.id });
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/api/history/:id/:messageId',
    {
      schema: {
        tags,
        operationId: 'deleteMessage',
        summary: 'Delete a message: its text is gone, its place in the tree stays',
        params: Type.Object({ id: Id, messageId: Id }),
        querystring: Type.Object(UserQuery),
        response: { 200: json('Offset of the `message-deleted` event', ChangeAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { id: conversationId, messageId } = request.params;
      return commands.deleteMessage(await callerOf(auth, request, reply), { conversationId, messageId });
    },
  );
};
