import { fastify, type FastifyInstance } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Type, type Static } from 'typebox';
import { inProcessOnly, type InnerDoor } from '@runnel/kit';
import { ID_PATTERN, RunnelError, toRunnelError } from '@runnel/protocol';
import { RecordKinds } from '@runnel/protocol/audit';
import {
  AdminAct,
  CalledPart,
  ConversationPage,
  Forget,
  ForgetAnswer,
  IdParams,
  NoHistory,
  Replay,
  SearchPage,
  StatisticsAnswer,
  StoredPage,
  StoredPart,
  StoredRecordList,
  TrailPage,
  Verification,
} from '@runnel/protocol/http';
import type { AuditTables } from './audit-database.ts';
import { registerHolds } from './retention/routes.ts';
import { registerWidths } from './read/read-slots.ts';

const Id = Type.String({ pattern: ID_PATTERN });
/** No body. */
const Nothing = Type.Unsafe<undefined>({});
const MaybeNoHistory = Type.Unsafe<Static<typeof NoHistory> | undefined>(NoHistory);
const ThreadParams = Type.Object({ id: Id, messageId: Id });
const Paging = Type.Object({
  before: Type.Optional(Id),
  after: Type.Optional(Id),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
});
const HistoryQuery = Type.Object({ ...Paging.properties, parked: Type.Optional(Type.Literal('1')) });
const Time = Type.Optional(Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: 'Milliseconds since the epoch' }));
const TrailQuery = Type.Object({
  conversation: Type.Optional(Id),
  user: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  from: Time,
  to: Time,
  after: Type.Optional(Type.String({ maxLength: 400 })),
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 200 }),
});
const DAY_MS = 86_400_000;

/** The user a gateway acts for; the door has made sure that it is a gateway who says so. */
const callerOf = (headers: Record<string, unknown>): string => {
  try {
    return plain(decodeURIComponent(String(headers['x-runnel-user'] ?? '')));
  } catch {
    throw new RunnelError('bad-frame', 'x-runnel-user is no name.');
  }
};

/** A text that the databases take. @throws RunnelError `bad-frame` */
const plain = (text: string): string => {
  if (text.includes('\0') || !text.isWellFormed()) throw new RunnelError('bad-frame', 'A name has no U+0000 and no half letter.');
  return text;
};

/** The audit service's HTTP side: history, search and replay for gateways, trail and statistics for auditors. */
export const createAuditApp = (
  tables: Pick<
    AuditTables,
    'reader' | 'parked' | 'called' | 'records' | 'trail' | 'analytics' | 'replay' | 'verify' | 'recordAdminAct' | 'forget' | 'holds'
  >,
  door: InnerDoor = inProcessOnly,
): FastifyInstance => {
  const { reader, trail, analytics } = tables;
  const app = fastify({ logger: false }).withTypeProvider<TypeBoxTypeProvider>();
  // Schemas of answers hold the types together; gateways parse what they get.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  registerWidths(app);

  // For paths that do not exist as well.
  app.addHook('onRequest', door);

  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? toRunnelError(error).status;
    const isOurs = status >= 500;
    return reply.code(isOurs ? 503 : status).send({
      code: isOurs ? 'unavailable' : 'bad-frame',
      message: isOurs ? 'The database is not available.' : error.message,
    });
  });

  app.get(
    '/history/:id',
    { schema: { params: IdParams, querystring: HistoryQuery, response: { 200: StoredPage, 404: MaybeNoHistory, 403: Nothing } } },
    async (request, reply) => {
      const { before, limit } = request.query;
      const conversationId = request.params.id;
      const page = await reader.history({
        conversationId,
        userId: callerOf(request.headers),
        limit,
        ...(before !== undefined && { before }),
      });
      if (page.kind === 'page') {
        const { kind: _, ...told } = page;
        const parked = request.query.parked ? await tables.parked(conversationId, callerOf(request.headers)) : null;
        return parked ? { ...told, parked } : told;
      }
      if (page.kind === 'none') return reply.code(404).send(page.deleted && { deleted: page.deleted });
      return reply.code(403).send();
    },
  );

  app.get(
    '/history/:id/thread/:messageId',
    { schema: { params: ThreadParams, response: { 200: StoredPage, 404: Nothing, 403: Nothing } } },
    async (request, reply) => {
      const { id: conversationId, messageId } = request.params;
      const page = await reader.thread({ conversationId, messageId, userId: callerOf(request.headers) });
      if (page.kind === 'page') return { messages: page.messages, hasMore: page.hasMore, title: page.title };
      return reply.code(page.kind === 'none' ? 404 : 403).send();
    },
  );

  const Listed = Type.Object({
    ...Paging.properties,
    only: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_,-]{1,6500}$', description: 'Ids, with commas: those of these alone' })),
    all: Type.Boolean({ default: false }),
  });
  app.get('/conversations', { schema: { querystring: Listed, response: { 200: ConversationPage } } }, async (request) => {
    const { after, limit, only, all } = request.query;
    const asked = { all, ...(after !== undefined && { after }), ...(only !== undefined && { only: only.split(',') }) };
    return reader.conversations({ userId: callerOf(request.headers), limit, ...asked });
  });

  app.get(
    '/records',
    { schema: { querystring: Type.Object({ kind: RecordKinds }), response: { 200: StoredRecordList } } },
    async (request) => tables.records(callerOf(request.headers), request.query.kind),
  );

  app.get(
    '/parts/:id/:partId',
    { schema: { params: Type.Object({ id: Id, partId: Id }), response: { 200: StoredPart, 404: Nothing } } },
    async (request, reply) => {
      const { id: conversationId, partId } = request.params;
      const found = await reader.part({ conversationId, partId, userId: callerOf(request.headers) });
      return found ?? reply.code(404).send();
    },
  );

  const SearchQuery = Type.Object({
    q: Type.String({ minLength: 1, maxLength: 200 }),
    after: Type.Optional(Type.String({ maxLength: 400 })),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  });
  app.get('/search', { schema: { querystring: SearchQuery, response: { 200: SearchPage } } }, async (request) => {
    const { q, after, limit } = request.query;
    return reader.search({ userId: callerOf(request.headers), text: q, limit, ...(after !== undefined && { after }) });
  });

  app.get('/runs/:id/replay', { schema: { params: IdParams, response: { 200: Replay, 404: Nothing } } }, async (request, reply) => {
    const replay = await tables.replay(request.params.id, callerOf(request.headers));
    return replay ?? reply.code(404).send();
  });

  app.get('/trail', { schema: { querystring: TrailQuery, response: { 200: TrailPage } } }, async (request) => {
    const { conversation, user, from, to, after, limit } = request.query;
    const query = {
      ...(conversation !== undefined && { conversationId: conversation }),
      ...(user !== undefined && { userId: plain(user) }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(after !== undefined && { after }),
    };
    return trail.page({ ...query, limit });
  });

  app.post('/called', { schema: { body: CalledPart, response: { 204: Nothing, 404: Nothing } } }, async (request, reply) => {
    const isHere = await tables.called(callerOf(request.headers), request.body);
    return reply.code(isHere ? 204 : 404).send();
  });

  app.post('/trail', { schema: { body: AdminAct } }, async (request, reply) => {
    const { admin, target, query, ...act } = request.body;
    if (act.type === 'USER_ERASED' && target !== undefined && (await tables.holds.isHeld(plain(target))))
      return reply.code(409).send({ code: 'held', message: 'Something of this person is held.' });
    await tables.recordAdminAct({
      ...{ ...act, admin: plain(admin) },
      ...(target !== undefined && { target: plain(target) }),
      ...(query !== undefined && { query: plain(query) }),
    });
    return reply.code(204).send();
  });

  app.post('/forget', { schema: { body: Forget, response: { 200: ForgetAnswer } } }, async (request) => ({
    forgotten: await tables.forget(plain(request.body.user)),
  }));

  app.get(
    '/trail/:id',
    { schema: { params: IdParams, querystring: Type.Pick(TrailQuery, ['after', 'limit']), response: { 200: TrailPage } } },
    async (request) => {
      const { after, limit } = request.query;
      return trail.page({ conversationId: request.params.id, limit, ...(after !== undefined && { after }) });
    },
  );

  const Owner = Type.Object({ user: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Only when it is theirs' })) });
  app.get(
    '/verify/:id',
    { schema: { params: IdParams, querystring: Owner, response: { 200: Verification, 404: Nothing } } },
    async (request, reply) => {
      const { user } = request.query;
      const owner = await reader.ownerOf(request.params.id);
      if (owner === null || (user !== undefined && owner !== user)) return reply.code(404).send();
      return tables.verify(request.params.id);
    },
  );

  registerHolds(app, tables.holds, plain);

  const Statistics = Type.Object({ from: Time, to: Time, bucket: Type.Integer({ minimum: 60_000, maximum: DAY_MS, default: 60_000 }) });
  app.get('/analytics', { schema: { querystring: Statistics, response: { 200: StatisticsAnswer } } }, async (request) => {
    const { to = Date.now(), from = to - DAY_MS, bucket } = request.query;
    return { statistics: await analytics.statistics({ from, to, bucketMs: bucket }) };
  });

  return app;
};
