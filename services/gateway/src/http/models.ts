import { Type } from 'typebox';
import type { GatewayContext } from '../context.ts';
import { PROBLEMS, UserQuery, json, type Routes } from './schemas.ts';

const Model = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider: Type.String(),
  canContinue: Type.Boolean({ description: 'Goes on from the last byte when its pod dies; else the answer starts again' }),
  default: Type.Optional(Type.Boolean()),
});

export const modelRoutes = (app: Routes, { auth, models }: GatewayContext): void => {
  app.get(
    '/api/models',
    {
      schema: {
        tags: ['Models'],
        summary: 'Models that a prompt can name',
        querystring: Type.Object(UserQuery),
        response: { 200: json('Models', Type.Object({ models: Type.Array(Model) })), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      await auth.require(request, reply);
      return { models: await models.list() };
    },
  );
};
