import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { UNUSED_MS, type Appended, type FileRecord, type FileStore } from '@runnel/files';
import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import { OFFSET_STREAM } from '../plumbing/bodies.ts';
import { callerOf } from '../plumbing/caller.ts';
import type { HttpMetrics } from '../plumbing/http-metrics.ts';
import { prefixOf } from '../plumbing/prefix.ts';
import { sendProblem, toProblem } from '../plumbing/problem.ts';
import { Id, PROBLEMS, UserQuery } from '../plumbing/schemas.ts';
import { bytesOf, checksumOf, metadataHeader, metadataOf, TUS_VERSION } from './tus.ts';

const tags = ['Files'];
export const FileParams = Type.Object({ id: Id });
const nothing = (description: string) => ({ type: 'null', description });

/** Statuses of tus that no code of ours has. */
const CONFLICT = 409;
const LOCKED = 423;
const MISMATCH = 460;
const REFUSED: Record<Exclude<Appended['outcome'], 'appended'>, { status: number; code: 'busy' | 'bad-frame'; message: string }> = {
  conflict: { status: CONFLICT, code: 'busy', message: 'The file does not end at this offset: ask by HEAD where it does.' },
  locked: { status: LOCKED, code: 'busy', message: 'This file is being written; try again soon.' },
  mismatch: { status: MISMATCH, code: 'bad-frame', message: 'The checksum is not that of the bytes: none of them counts.' },
};

const OF_BYTES = ['etag', 'accept-ranges', 'content-range', 'content-disposition'];
const REFUSALS = ['unsupported-type', 'too-large', 'quota'] as const;

export const notThere = (): RunnelError => new RunnelError('not-found', 'There is no such file.');

/** The file of the caller, or `not-found`: also for somebody else’s, whose existence is not told. */
export const fileOf = async (files: FileStore, fileId: string, userId: string): Promise<FileRecord> => {
  const file = await files.find(fileId, userId);
  if (file === null) throw notThere();
  return file;
};

const expiry = ({ createdAt }: FileRecord): string => new Date(createdAt + UNUSED_MS).toUTCString();

/** `POST`, `HEAD`, `PATCH`, `DELETE /api/files`: tus 1.0, so that any tus client works, over any gateway. */
export const uploadRoutes = (app: FastifyInstance, { auth, config }: GatewayContext, files: FileStore, { uploads }: HttpMetrics): void => {
  const prefix = prefixOf(config.publicUrl);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    OFFSET_STREAM,
    (_request: FastifyRequest, payload: IncomingMessage, done: (error: null, body: unknown) => void) => done(null, payload),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.header('tus-resumable', TUS_VERSION);
    const asked = request.headers['tus-resumable'];
    if (asked === undefined || asked === TUS_VERSION) return;
    reply.header('tus-version', TUS_VERSION).code(412);
    return reply.send();
  });

  /** Takes the bytes of a request; resolves to the file’s end when they count, and has answered when they do not. */
  const take = async (file: FileRecord, offset: number, request: FastifyRequest, reply: FastifyReply): Promise<number | null> => {
    const source = request.body as AsyncIterable<Uint8Array>;
    const appended = await files.append(file, offset, source, checksumOf(request.headers));
    if (appended.outcome === 'appended') {
      if (appended.offset === file.length) await files.finish(file);
      uploads.inc({ outcome: appended.offset === file.length ? 'whole' : 'part' });
      return appended.offset;
    }
    uploads.inc({ outcome: appended.outcome });
    const { status, code, message } = REFUSED[appended.outcome];
    const problem = toProblem({ error: new RunnelError(code, message), status });
    // What still comes of the body is not read.
    void reply.code(status).header('connection', 'close').type('application/problem+json').send(JSON.stringify(problem));
    return null;
  };

  app.post(
    '/api/files',
    {
      schema: {
        tags,
        operationId: 'createFile',
        summary: 'Begin an upload (tus 1.0: Upload-Length, Upload-Metadata with filename and filetype)',
        querystring: Type.Object(UserQuery),
        response: { 201: nothing('Location is the path of the file, good on any gateway'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const metadata = metadataOf(request.headers);
      const length = bytesOf(request.headers, 'upload-length');
      const [name, filetype] = [metadata.get('filename') ?? '', metadata.get('filetype') ?? ''];
      const file = await files.create({ userId, name, filetype, length });
      reply.headers({ location: `${prefix}/api/files/${file.fileId}`, 'upload-expires': expiry(file) });
      if (request.headers['content-type']?.startsWith(OFFSET_STREAM)) {
        const offset = await take(file, 0, request, reply);
        if (offset === null) return reply;
        reply.header('upload-offset', String(offset));
      } else if (length === 0) {
        await files.finish(file);
      }
      return reply.code(201).send();
    },
  );

  app.head(
    '/api/files/:id',
    {
      schema: {
        tags,
        operationId: 'fileOffset',
        summary: 'How many bytes are there (Upload-Offset); with the ETag once the file is whole',
        params: FileParams,
        querystring: Type.Object(UserQuery),
        response: { 200: nothing('Upload-Offset, Upload-Length, Upload-Metadata'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      let file = await fileOf(files, (request.params as { id: string }).id, userId);
      const offset = await files.offsetOf(file);
      // All bytes are there, and whoever took the last of them died before it judged them.
      if (offset === file.length && !file.whole) file = await files.finish(file);
      return reply
        .headers({
          'upload-offset': String(offset),
          'upload-length': String(file.length),
          'upload-metadata': metadataHeader({ filename: file.name, filetype: file.whole?.mediaType ?? file.filetype }),
          'cache-control': 'no-store',
          ...(file.whole ? { etag: `"${file.whole.sha256}"` } : { 'upload-expires': expiry(file) }),
        })
        .code(200)
        .send();
    },
  );

  app.patch(
    '/api/files/:id',
    {
      schema: {
        tags,
        operationId: 'appendToFile',
        summary: 'Add bytes at Upload-Offset; those of a request that breaks off count',
        params: FileParams,
        querystring: Type.Object(UserQuery),
        response: { 204: nothing('Upload-Offset: where the file ends now'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const offset = bytesOf(request.headers, 'upload-offset');
      const file = await fileOf(files, (request.params as { id: string }).id, userId);
      const end = await take(file, offset, request, reply);
      if (end === null) return reply;
      return reply
        .headers({ 'upload-offset': String(end), ...(end < file.length && { 'upload-expires': expiry(file) }) })
        .code(204)
        .send();
    },
  );

  app.delete(
    '/api/files/:id',
    {
      schema: {
        tags,
        operationId: 'deleteFile',
        summary: 'Delete a file, also one that is used; what was said of it stays',
        params: FileParams,
        querystring: Type.Object(UserQuery),
        response: { 204: nothing('It is gone'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      await files.discard(await fileOf(files, (request.params as { id: string }).id, userId));
      return reply.code(204).send();
    },
  );
  app.setErrorHandler((error, request, reply) => {
    const outcome = error instanceof RunnelError && REFUSALS.find((code) => code === error.code);
    if (outcome) uploads.inc({ outcome });
    // What a download had said already of bytes that do not come.
    for (const name of OF_BYTES) reply.removeHeader(name);
    sendProblem(error, request, reply);
  });
};
