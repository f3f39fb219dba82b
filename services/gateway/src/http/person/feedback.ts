import { Type } from 'typebox';
import { FeedbackList, NewFeedback } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { callerOf } from '../plumbing/caller.ts';
import { ConversationParams, Id, json, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

const tags = ['Conversations'];

/** Thumbs, kept for the person who gives them. */
export const feedbackRoutes = (app: Routes, { auth, budgets, own }: GatewayContext): void => {
  app.put(
    '/api/conversations/:id/messages/:messageId/feedback',
    {
      schema: {
        tags,
        operationId: 'rateAnswer',
        summary: 'Say whether an answer was good; null takes it back',
        params: Type.Object({ id: Id, messageId: Id }),
        querystring: Type.Object(UserQuery),
        body: NewFeedback,
        response: { 204: { description: 'Kept', type: 'null' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const { id: conversationId, messageId } = request.params;
      const { rating, reason } = request.body;
      await own.rate({ conversationId, userId }, messageId, rating, reason);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/api/conversations/:id/feedback',
    {
      schema: {
        tags,
        operationId: 'listFeedback',
        summary: 'What the caller said of its answers',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        response: { 200: json('By message', FeedbackList), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      reply.header('cache-control', 'private, no-store');
      const feedback = await budgets.reading(userId, reply.raw, () => own.feedback({ conversationId: request.params.id, userId }));
      return { feedback };
    },
  );
};
