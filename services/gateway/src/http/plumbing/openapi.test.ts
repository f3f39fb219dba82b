import { expect, test } from 'vitest';
import { startGateway } from '../../../testing/test-gateway.ts';

interface Operation {
  summary?: string;
  tags?: string[];
  responses: Record<string, { content?: Record<string, unknown> }>;
}
interface OpenApi {
  openapi: string;
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
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method.toUpperCase()} ${path}`;
      routes.push(name);
      const answers = Object.keys(operation.responses).filter((status) => status !== 'default');
      expect([name, operation.summary !== undefined, operation.tags?.length, answers.length]).toEqual([name, true, 1, 1]);
      const errorType = path.startsWith('/v1/') ? 'application/json' : 'application/problem+json';
      expect([name, Object.keys(operation.responses['default']?.content ?? {})]).toEqual([name, [errorType]]);
    }
  }
  const served = servedRoutes(gateway.app.printRoutes({ commonPrefix: false }));
  expect(served.length).toBeGreaterThan(10);
  expect(routes.sort()).toEqual(served.sort());
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
