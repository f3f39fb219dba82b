import type { FastifyInstance } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import { FilesAsked, FilesNeeded, Hold, HoldList, HoldWish, KeptPage } from '@runnel/protocol/http';
import type { Holds } from './holds.ts';

const HoldParams = Type.Object({ hold: Type.String({ pattern: '^[0-9a-f-]{36}$' }) });
const Nothing = Type.Unsafe<undefined>({});

/** Legal holds, and what they keep of files, for who has the services' own token. `plain` refuses names that the databases do not take. */
export const registerHolds = (app: FastifyInstance, holds: Holds, plain: (text: string) => string): void => {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>();

  typed.get('/holds', { schema: { response: { 200: HoldList } } }, async () => ({ holds: await holds.list() }));

  typed.post('/holds', { schema: { body: HoldWish, response: { 201: Hold } } }, async (request, reply) => {
    const { admin, user, conversation, matter } = request.body;
    if ((user === undefined) === (conversation === undefined)) throw new RunnelError('bad-frame', 'A hold names a user or a conversation.');
    const hold = await holds.set({
      admin: plain(admin),
      ...(user !== undefined && { user: plain(user) }),
      ...(conversation !== undefined && { conversation }),
      ...(matter !== undefined && { matter: plain(matter) }),
    });
    return reply.code(201).send(hold);
  });

  typed.post('/files/needed', { schema: { body: FilesAsked, response: { 200: FilesNeeded } } }, async (request) =>
    holds.neededFiles(plain(request.body.user), request.body.files),
  );

  const Admin = Type.Object({ admin: Type.String({ minLength: 1, maxLength: 255 }) });
  typed.delete(
    '/holds/:hold',
    { schema: { params: HoldParams, querystring: Admin, response: { 204: Nothing, 404: Nothing } } },
    async (request, reply) => {
      const ended = await holds.end(request.params.hold, plain(request.query.admin));
      return reply.code(ended ? 204 : 404).send();
    },
  );

  const Skip = Type.Object({ skip: Type.Integer({ minimum: 0, default: 0 }) });
  typed.get(
    '/holds/:hold/kept',
    { schema: { params: HoldParams, querystring: Skip, response: { 200: KeptPage, 404: Nothing } } },
    async (request, reply) => {
      const page = await holds.kept(request.params.hold, request.query.skip);
      return page ?? reply.code(404).send();
    },
  );
};
