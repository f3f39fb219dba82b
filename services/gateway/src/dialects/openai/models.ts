import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import type { ModelInfo } from '@runnel/protocol/http';
import { OPENAI_ERRORS, UserQuery, json, type Routes } from '../../http/plumbing/schemas.ts';
import { dialectCaller } from '../door.ts';
import type { OpenAiContext } from './context.ts';

const tags = ['OpenAI-compatible'];

const Model = Type.Object({ id: Type.String(), object: Type.Literal('model'), created: Type.Integer(), owned_by: Type.String() });
const ModelList = Type.Object({ object: Type.Literal('list'), data: Type.Array(Model) });

/** Nobody knows when a model was made: since when this process serves. */
const since = Math.floor(Date.now() / 1000);
const openAiModel = ({ id, provider }: ModelInfo) => ({ id, object: 'model' as const, created: since, owned_by: provider });

export const modelRoutes = (app: Routes, { auth, models, requests }: OpenAiContext): void => {
  app.get(
    '/models',
    {
      schema: {
        operationId: 'listModels',
        tags,
        summary: 'Models that can be named',
        querystring: Type.Object(UserQuery),
        response: { 200: json('Models', ModelList), ...OPENAI_ERRORS },
      },
    },
    async (request, reply) => {
      const data = (await models.list(await dialectCaller(auth, request, reply))).map(openAiModel);
      requests.ended('models', undefined);
      return { object: 'list' as const, data };
    },
  );

  app.get(
    '/models/:model',
    {
      schema: {
        operationId: 'retrieveModel',
        tags,
        summary: 'One model',
        params: Type.Object({ model: Type.String({ description: 'The id' }) }),
        querystring: Type.Object(UserQuery),
        response: { 200: json('The model', Model), ...OPENAI_ERRORS },
      },
    },
    async (request, reply) => {
      const found = (await models.list(await dialectCaller(auth, request, reply))).find(({ id }) => id === request.params.model);
      if (!found) throw new RunnelError('model-unknown');
      requests.ended('models', undefined);
      return openAiModel(found);
    },
  );
};
