import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import { SessionList } from '@runnel/protocol/http';
import type { FastifyRequest } from 'fastify';
import { personOf } from '../../auth/grants/person.ts';
import type { Oidc } from '../../auth/oidc/oidc.ts';
import { secretOf } from '../../auth/oidc/oidc-auth.ts';
import type { GatewayContext } from '../../context.ts';
import { recordAct } from './admin-record.ts';
import { Id, json, PROBLEMS, type Routes } from '../plumbing/schemas.ts';

const tags = ['Keys and sessions'];

/** Where a person is signed in, and how they end it. */
export const sessionRoutes = (app: Routes, context: GatewayContext & { oidc: Oidc }): void => {
  const { auth, config, log } = context;
  const { sessions, secure } = context.oidc;

  const currentOf = async (request: FastifyRequest): Promise<string | null> => {
    const secret = secretOf(request, { cookie: config.sessionCookie, secure });
    return secret === undefined ? null : ((await sessions.find(secret))?.sessionId ?? null);
  };
  const end = async (userId: string, session: string): Promise<boolean> => {
    if ((await sessions.end(userId, session)) === 'none') return false;
    const query = JSON.stringify({ session, by: 'person' });
    await recordAct(context, { type: 'SIGNED_OUT', admin: userId, query }).catch((err: unknown) =>
      log.warn({ event: 'session.not-recorded', err }),
    );
    return true;
  };

  app.get(
    '/api/sessions',
    {
      schema: {
        tags,
        operationId: 'listSessions',
        summary: 'Where one is signed in',
        response: { 200: json('Sessions', SessionList), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const userId = await personOf(auth, request, reply);
      reply.header('cache-control', 'private, no-store');
      const current = await currentOf(request);
      return { sessions: (await sessions.list(userId)).map((session) => ({ ...session, current: session.id === current })) };
    },
  );

  app.delete(
    '/api/sessions/:id',
    {
      schema: {
        tags,
        operationId: 'endSession',
        summary: 'Sign out somewhere: what lives of it closes within a second',
        params: Type.Object({ id: Id }),
        response: { 204: { description: 'It has ended' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const userId = await personOf(auth, request, reply);
      if (!(await end(userId, request.params.id))) throw new RunnelError('not-found', 'There is no such session.');
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/sessions',
    {
      schema: {
        tags,
        operationId: 'endOtherSessions',
        summary: 'Sign out everywhere else',
        response: { 204: { description: 'They have ended' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const userId = await personOf(auth, request, reply);
      const current = await currentOf(request);
      for (const { id } of await sessions.list(userId)) if (id !== current) await end(userId, id);
      return reply.code(204).send();
    },
  );
};
