import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { FileStore, WholeFile } from '@runnel/files';
import { RunnelError } from '@runnel/protocol';
import { PREVIEW } from '../../contents/pictures.ts';
import type { GatewayContext } from '../../context.ts';
import { callerOf } from '../plumbing/caller.ts';
import { PROBLEMS, UserQuery } from '../plumbing/schemas.ts';
import { FileParams, fileOf } from './uploads.ts';

const USUAL = 256;

/** `GET /api/files/{id}/preview`: a small picture of a picture. Made anew each time: it takes less than to look for it. */
export const previewRoutes = (app: FastifyInstance, { auth, budgets, contents }: GatewayContext, files: FileStore): void => {
  app.get(
    '/api/files/:id/preview',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['Files'],
        operationId: 'previewFile',
        summary: 'A small picture of a picture (WebP); 404 where there is none',
        params: FileParams,
        querystring: Type.Object({
          ...UserQuery,
          size: Type.Optional(
            Type.Integer({ minimum: PREVIEW.least, maximum: PREVIEW.most, default: USUAL, description: 'Longest side, pixels' }),
          ),
        }),
        response: { 200: { type: 'string', description: 'The picture', format: 'binary' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const { size = USUAL } = request.query as { size?: number };
      return budgets.reading(userId, reply.raw, async () => {
        const file = await fileOf(files, (request.params as { id: string }).id, userId);
        const seen = file.whole ? await files.seen(file as WholeFile) : null;
        const etag = `"${file.whole?.sha256}-${size}"`;
        if (seen !== null && request.headers['if-none-match'] === etag) return reply.code(304).header('etag', etag).send();
        const preview = seen && (await contents.preview(seen, size));
        if (!preview) throw new RunnelError('not-found', 'There is no preview of this file.');
        return reply
          .type('image/webp')
          .headers({ etag, 'cache-control': 'private, max-age=31536000, immutable', 'content-security-policy': 'sandbox' })
          .send(preview);
      });
    },
  );
};
