import { Type } from 'typebox';
import { Me } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { isAdmin } from './admin-scope.ts';
import { json, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

export const meRoutes = (app: Routes, { auth, audit, config }: GatewayContext): void => {
  app.get(
    '/api/me',
    {
      schema: {
        tags: ['Conversations'],
        operationId: 'readMe',
        summary: 'Who calls, and what they may ask for',
        querystring: Type.Object(UserQuery),
        response: { 200: json('The caller', Me), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const identity = await auth.require(request, reply);
      reply.header('cache-control', 'private, no-store');
      const admin = isAdmin(identity, config);
      const role = admin ? 'admin' : (identity.role ?? 'user');
      return { userId: identity.userId, admin, role, audit: audit !== null, ...(!config.deviceCopies && { copies: false as const }) };
    },
  );
};
