import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import { ApiKeyList, ApiKeyMade, NewApiKey } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { personOf } from '../../auth/grants/person.ts';
import { recordAct } from './admin-record.ts';
import { Id, json, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

const tags = ['Keys and sessions'];
const querystring = Type.Object(UserQuery);

/** Keys for programs. A key cannot ask for any of this: who finds one must not be able to make it last. */
export const keyRoutes = (app: Routes, context: GatewayContext): void => {
  const { auth, keys, log } = context;

  app.post(
    '/api/keys',
    {
      schema: {
        tags,
        operationId: 'makeKey',
        summary: 'Make a key for a program; it is shown in this answer and never again',
        querystring,
        body: NewApiKey,
        response: { 201: json('The key', ApiKeyMade), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const userId = await personOf(auth, request, reply);
      const { name, expiresAt, scopes } = request.body;
      if (keys.limit === 0) throw new RunnelError('forbidden', 'Nobody makes API keys here.');
      const made = await keys.make(userId, { name, scopes, ...(expiresAt !== undefined && { expiresAt }) });
      try {
        const query = JSON.stringify({ key: made.id, scopes, expiresAt: made.expiresAt });
        await recordAct(context, { type: 'KEY_MADE', admin: userId, query });
      } catch (cause) {
        // What nobody can know of is not there.
        await keys.end(userId, made.id);
        throw cause;
      }
      reply.header('cache-control', 'no-store');
      return reply.code(201).send(made);
    },
  );

  app.get(
    '/api/keys',
    {
      schema: {
        tags,
        operationId: 'listKeys',
        summary: 'One’s keys',
        querystring,
        response: { 200: json('Keys', ApiKeyList), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const userId = await personOf(auth, request, reply);
      reply.header('cache-control', 'private, no-store');
      return { keys: await keys.list(userId), limit: keys.limit };
    },
  );

  app.delete(
    '/api/keys/:id',
    {
      schema: {
        tags,
        operationId: 'endKey',
        summary: 'End a key: refused everywhere at once, and what lives of it is closed within a second',
        params: Type.Object({ id: Id }),
        querystring,
        response: { 204: { description: 'It has ended' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const userId = await personOf(auth, request, reply);
      const { id } = request.params;
      await keys.end(userId, id);
      // It has ended whether or not this can be recorded now.
      await recordAct(context, { type: 'KEY_ENDED', admin: userId, query: JSON.stringify({ key: id }) }).catch((err: unknown) =>
        log.warn({ event: 'key.end-not-recorded', key: id, err }),
      );
      return reply.code(204).send();
    },
  );
};
