import { parse } from 'range-parser';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { FileStore, WholeFile } from '@runnel/files';
import type { GatewayContext } from '../../context.ts';
import { callerOf } from '../plumbing/caller.ts';
import { PROBLEMS, UserQuery } from '../plumbing/schemas.ts';
import { FileParams, fileOf, notThere } from './uploads.ts';

/** What a browser may show by itself; everything else, and what could run a script, is saved. */
const SHOWN = /^(image\/(png|jpeg|gif|webp|avif)|application\/pdf|text\/plain)$/;

/** Names in both forms of RFC 6266; old clients read the first. Pure. */
const dispositionOf = ({ name, whole }: WholeFile): string => {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${SHOWN.test(whole.mediaType) ? 'inline' : 'attachment'}; filename="${plain}"; filename*=UTF-8''${encoded}`;
};

/** What of a file is asked for. Several ranges, and what cannot be read, is the whole file (RFC 9110). Pure. */
const rangeOf = (bytes: number, header: string | undefined): { from: number; to: number; isPart: boolean } | null => {
  const whole = { from: 0, to: bytes - 1, isPart: false };
  if (header === undefined || bytes === 0) return whole;
  const { type, ranges, code } = parse(bytes, header);
  if (type !== 'bytes' || (code & 1) !== 0 || ranges.length > 1) return whole;
  const [range] = ranges;
  return range ? { from: range.start, to: range.end, isPart: true } : null;
};

/** `GET /api/files/{id}`: for who may read it, with Range and ETag. */
export const downloadRoutes = (app: FastifyInstance, { auth, budgets }: GatewayContext, files: FileStore): void => {
  app.get(
    '/api/files/:id',
    {
      // HEAD is tus's.
      exposeHeadRoute: false,
      schema: {
        tags: ['Files'],
        operationId: 'readFile',
        summary: 'The bytes of a whole file (Range, If-None-Match)',
        params: FileParams,
        querystring: Type.Object(UserQuery),
        response: { 200: { type: 'string', description: 'The bytes', format: 'binary' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      return budgets.reading(userId, reply.raw, async () => {
        const file = await fileOf(files, (request.params as { id: string }).id, userId);
        if (!file.whole) throw notThere();
        const whole = file as WholeFile;
        const etag = `"${file.whole.sha256}"`;
        reply.headers({
          etag,
          'accept-ranges': 'bytes',
          'cache-control': 'private, max-age=31536000, immutable',
          'content-disposition': dispositionOf(whole),
          'content-security-policy': 'sandbox',
        });
        const asked = request.headers['if-none-match'];
        if (asked !== undefined && asked.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)) return reply.code(304).send();
        const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
        const range = rangeOf(file.whole.bytes, isSame ? request.headers.range : undefined);
        if (range === null) return reply.code(416).header('content-range', `bytes */${file.whole.bytes}`).send();
        if (range.isPart) reply.code(206).header('content-range', `bytes ${range.from}-${range.to}/${file.whole.bytes}`);
        const isText = file.whole.mediaType.startsWith('text/');
        return reply
          .type(isText ? `${file.whole.mediaType}; charset=utf-8` : file.whole.mediaType)
          .header('content-length', String(range.to - range.from + 1))
          .send(files.read(whole, range.from, range.to));
      });
    },
  );
};
