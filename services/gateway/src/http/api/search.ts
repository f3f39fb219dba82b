import { Type } from 'typebox';
import { SearchPage } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { askAudit } from '../../archive/audit-ask.ts';
import { callerOf } from '../plumbing/caller.ts';
import { json, pageLimit, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

export const searchRoutes = (app: Routes, { auth, audit, budgets }: GatewayContext): void => {
  app.get(
    '/api/search',
    {
      schema: {
        tags: ['History'],
        operationId: 'search',
        summary: 'The caller’s messages that hold every word; diacritics and case do not matter',
        querystring: Type.Object({
          ...UserQuery,
          q: Type.String({ minLength: 1, maxLength: 200 }),
          after: Type.Optional(Type.String({ maxLength: 400 })),
          limit: pageLimit(20, 100),
        }),
        response: { 200: json('A page', SearchPage), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const { q, after, limit = 20 } = request.query;
      reply.header('cache-control', 'private, no-store');
      await budgets.search(userId);
      const query = { q, after, limit };
      return budgets.reading(userId, reply.raw, () => askAudit(audit, SearchPage, '/search', query, userId));
    },
  );
};
