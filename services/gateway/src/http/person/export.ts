import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { ExportLine } from '@runnel/protocol/http';
import { exportPerson } from '../../archive/export-person.ts';
import { personOf } from '../../auth/grants/person.ts';
import type { GatewayContext } from '../../context.ts';
import { PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';
import { recordAct } from '../api/admin-record.ts';
import { adminOf } from '../api/admin-scope.ts';

const RESPONSE = {
  200: { description: 'A line for each thing, the last one `end`', content: { 'application/x-ndjson': { schema: ExportLine } } },
  ...PROBLEMS,
};

/** The schema is of one line; what is sent is many. */
const asLines = (stream: Readable): ExportLine => stream as unknown as ExportLine;

async function* inLines(first: ExportLine, rest: AsyncIterable<ExportLine>): AsyncGenerator<string> {
  yield `${JSON.stringify(first)}\n`;
  for await (const line of rest) yield `${JSON.stringify(line)}\n`;
}

/** All that is kept of a person, for them to take away (GDPR, article 20), and for an admin whom they ask (article 15). */
export const exportRoutes = (app: Routes, context: GatewayContext): void => {
  const { auth, runLog, audit, files, budgets, keys, oidc, records } = context;

  const send = async (reply: FastifyReply, userId: string): Promise<Readable> => {
    const sessions = async (of: string) => oidc?.sessions.list(of) ?? [];
    const lines = exportPerson(
      { runLog, audit, files, records: (of) => records.all(of), keys: (of) => keys.list(of), sessions },
      userId,
      Date.now(),
    );
    // The first conversation before the headers: a database that is down is a problem document and no file without an end. An export is one
    // read to its end.
    const [first, second] = await budgets.reading(userId, reply.raw, async () => [await lines.next(), await lines.next()] as const);
    async function* rest(): AsyncGenerator<ExportLine> {
      if (!second.done) yield second.value;
      yield* lines;
    }
    reply.header('cache-control', 'private, no-store').header('content-disposition', 'attachment; filename="export.ndjson"');
    reply.type('application/x-ndjson; charset=utf-8');
    return Readable.from(inLines(first.value as ExportLine, rest()));
  };

  app.get(
    '/api/export',
    {
      schema: {
        tags: ['History'],
        operationId: 'exportOwn',
        summary: 'All that is kept of the caller, as a file',
        querystring: Type.Object(UserQuery),
        response: RESPONSE,
      },
    },
    async (request, reply) => reply.send(asLines(await send(reply, await personOf(auth, request, reply)))),
  );

  app.get(
    '/api/admin/users/:user/export',
    {
      schema: {
        ...{ tags: ['Audit'], operationId: 'exportUserAsAdmin', summary: 'All that is kept of a person, as a file (admin)' },
        params: Type.Object({ user: Type.String({ minLength: 1, maxLength: 255 }) }),
        querystring: Type.Object(UserQuery),
        response: RESPONSE,
      },
    },
    async (request, reply) => {
      const admin = await adminOf(context, request, reply);
      await recordAct(context, { type: 'ADMIN_READ', admin, target: request.params.user, query: 'export' });
      return reply.send(asLines(await send(reply, request.params.user)));
    },
  );
};
