import type { FastifyInstance } from 'fastify';
import type { FileStore } from '@runnel/files';
import type { GatewayContext } from '../../context.ts';
import type { HttpMetrics } from '../plumbing/http-metrics.ts';
import { downloadRoutes } from './downloads.ts';
import { previewRoutes } from './previews.ts';
import { TUS_ALGORITHMS, TUS_EXTENSIONS, TUS_VERSION } from './tus.ts';
import { uploadRoutes } from './uploads.ts';

/** What tus can here, on the answer to `OPTIONS`. CORS gives that answer, so this comes before it. */
export const sayTus = (app: FastifyInstance, { limits }: FileStore): void => {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'OPTIONS' || !request.url.startsWith('/api/files')) return;
    reply.headers({
      'tus-resumable': TUS_VERSION,
      'tus-version': TUS_VERSION,
      'tus-extension': TUS_EXTENSIONS,
      'tus-max-size': String(limits.maxBytes),
      'tus-checksum-algorithm': TUS_ALGORITHMS,
    });
  });
};

/** In a scope of its own: bodies that are bytes are taken here and nowhere else. */
export const registerFiles = async (
  app: FastifyInstance,
  context: GatewayContext,
  files: FileStore,
  metrics: HttpMetrics,
): Promise<void> => {
  await app.register(async (scope) => {
    uploadRoutes(scope, context, files, metrics);
    downloadRoutes(scope, context, files);
    previewRoutes(scope, context, files);
  });
};
