import { expect, test } from 'vitest';
import { startGateway } from '../../../testing/test-gateway.ts';

interface Operation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  responses: Record<string, { content?: Record<string, unknown> }>;
}
interface OpenApi {
  openapi: string;
  info: { contact?: { name: string } };
  tags: { name: string }[];
  servers: { url: string }[];
  components: { schemas: Record<string, unknown> };
  paths: Record<string, Record<string, Operation>>;
}

/** Routes that are no API: the docs themselves, WebSocket (PROTOCOL.md), CORS preflights, files of the page. */
const isDocumented = (method: string, path: string): boolean =>
  method !== 'HEAD' && method !== 'OPTIONS' && !path.startsWith('/api/docs') && !path.startsWith('/ws/') && !path.includes('*');

/** `METHOD /path` of every route, from Fastify's own drawing of its tree: four columns a level, methods in brackets. */
const servedRoutes = (tree: string): string[] => {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent, piece, methods] = /^([│ ]*)[├└]── (\S+) \(([^)]*)\)/.exec(line) ?? [];
    if (indent === undefined || piece === undefined || methods === undefined) return [];
    const level = indent.length / 4;
    const path = (parents[level - 1] ?? '') + piece;
    parents[level] = path;
    return methods.split(', ').flatMap((method) => (isDocumented(method, path) ? [`${method} ${path.replace(/:(\w+)/g, '{$1}')}`] : []));
  });
};

test('OpenAPI covers every route, each with a summary, its answer and its errors', async () => {
  const routes: string[] = [];
  await using gateway = await startGateway();
  const document = (await (await fetch(`${gateway.url}/api/docs/json`)).json()) as OpenApi;
  expect(document.openapi).toBe('3.1.0');
  const tags = new Set(document.tags.map(({ name }) => name));
  const ids: string[] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method.toUpperCase()} ${path}`;
      routes.push(name);
      const answers = Object.keys(operation.responses).filter((status) => status !== 'default' && status !== '4XX');
      expect([name, operation.summary !== undefined, operation.tags?.length, answers.length]).toEqual([name, true, 1, 1]);
      expect([name, tags.has(operation.tags![0]!), /^[a-z]\w+$/i.test(operation.operationId ?? '')]).toEqual([name, true, true]);
      expect([name, operation.description !== undefined, operation.responses['4XX']]).toEqual([name, true, operation.responses['default']]);
      ids.push(operation.operationId!);
      const errorType = path.startsWith('/v1/') ? 'application/json' : 'application/problem+json';
      expect([name, Object.keys(operation.responses['default']?.content ?? {})]).toEqual([name, [errorType]]);
    }
  }
  expect(new Set(ids).size).toBe(ids.length);
  expect([document.servers.length, document.info.contact?.name]).toEqual([1, expect.any(String)]);
  const served = servedRoutes(gateway.app.printRoutes({ commonPrefix: false }));
  expect(served.length).toBeGreaterThan(10);
  expect(routes.sort()).toEqual(served.sort());
});

test('what several answers hold stands in the document once, and each reference leads to it', async () => {
  await using gateway = await startGateway();
  const text = await (await fetch(`${gateway.url}/api/docs/json`)).text();
  const { components } = JSON.parse(text) as OpenApi;
  const used = new Set(Array.from(text.matchAll(/"#\/components\/schemas\/([^"]+)"/g), ([, name]) => name!));
  expect([...used].sort()).toEqual(Object.keys(components.schemas).sort());
  expect(JSON.stringify(components.schemas['ConversationSummary'])).toContain('"waiting"');
  expect(text.split('"RFC 9457"')).toHaveLength(2);
  expect(text.split('It stands before this byte of the text')).toHaveLength(2);
});

test('the docs page has a policy of its own and scripts of this host only', async () => {
  await using gateway = await startGateway();
  const page = await fetch(`${gateway.url}/api/docs/`);
  const html = await page.text();
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
  expect(html).not.toMatch(/<script(?![^>]*src=)/);
  expect(html).not.toMatch(/(src|href)="https?:/);
  const script = await fetch(`${gateway.url}/api/docs/static/swagger-ui-bundle.js`);
  expect([script.status, script.headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
});
