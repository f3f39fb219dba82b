import { Type } from 'typebox';
import { ModelList } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { PROBLEMS, UserQuery, json, type Routes } from '../plumbing/schemas.ts';

export const modelRoutes = (app: Routes, { auth, models }: GatewayContext): void => {
  app.get(
    '/api/models',
    {
      schema: {
        tags: ['Models'],
        operationId: 'listChatModels',
        summary: 'Models that a prompt can name',
        querystring: Type.Object(UserQuery),
        response: { 200: json('Models', ModelList), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      return { models: [...(await models.list(await auth.require(request, reply)))] };
    },
  );
};
