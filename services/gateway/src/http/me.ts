import { Type } from 'typebox';
import type { GatewayContext } from '../context.ts';
import { isAdmin } from './admin-scope.ts';
import { json, PROBLEMS, UserQuery, type Routes } from './schemas.ts';

const Me = Type.Object({
  userId: Type.String(),
  admin: Type.Boolean({ description: 'May read everybody’s trail and statistics, and erase users' }),
  audit: Type.Boolean({ description: 'There is an audit service: search, replay and the trail can be asked for' }),
});

/** What a page needs to know of its reader, so that it offers only what will work. */
export const meRoutes = (app: Routes, { auth, audit, config }: GatewayContext): void => {
  app.get(
    '/api/me',
    {
      schema: {
        tags: ['Conversations'],
        summary: 'Who calls, and what they may ask for',
        querystring: Type.Object(UserQuery),
        response: { 200: json('The caller', Me), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const identity = await auth.require(request, reply);
      reply.header('cache-control', 'private, no-store');
      return { userId: identity.userId, admin: isAdmin(identity, config), audit: audit !== null };
    },
  );
};
