import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { finishDocument, TAGS } from './openapi-document.ts';

const DOCS_PATH = '/api/docs';

/** Gathers every route registered after it into one OpenAPI 3.1 document; `prefix` as people see it, empty for none. */
export const registerOpenApi = async (app: FastifyInstance, prefix = ''): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Runnel',
        version: '1',
        description: 'Commands, history and events of the gateway. Live events also come over WebSocket at `/ws/chat` (see PROTOCOL.md).',
        contact: { name: 'The developers of Runnel' },
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: prefix === '' ? '/' : prefix, description: 'This gateway, or any other of the cluster' }],
      tags: TAGS,
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      // Either a token, or nothing where AUTH_MODE=dev.
      security: [{ token: [] }, {}],
    },
    transformObject: (made) => finishDocument('openapiObject' in made ? made.openapiObject : made.swaggerObject),
  });
};

/** The document at `/api/docs/json` and `/api/docs/yaml`, and a page to try it on. */
export const registerDocs = async (app: FastifyInstance, prefix = ''): Promise<void> => {
  await app.register(swaggerUi, {
    routePrefix: DOCS_PATH,
    indexPrefix: prefix,
    theme: { title: 'Runnel API' },
    uiConfig: { validatorUrl: null },
  });
};
