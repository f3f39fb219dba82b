import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { createMetrics } from '../metrics.ts';
import { ownVersion, showBuild } from './build-info.ts';
import { observeHttp } from './http-metrics.ts';
import { memoryLimit, showMemoryLimit } from './memory-limit.ts';
import { showStore } from './store-figures.ts';

const bare = () => createMetrics('test', { processMetrics: false });

test('the release and the commit stand beside a 1; where there is no package.json it is said', async () => {
  const metrics = bare();
  showBuild(metrics, 'abc123');
  expect(await metrics.text()).toMatch(/^runnel_build_info\{version="\d+\.\d+\.\d+[^"]*",commit="abc123",service="test"\} 1$/m);
  expect(ownVersion('/nowhere')).toBe('unknown');
});

test('a process that nothing bounds says 0, and one in a cgroup its limit', async () => {
  expect(memoryLimit(2 ** 64)).toBe(0);
  expect(memoryLimit(0)).toBe(0);
  expect(memoryLimit(384 * 2 ** 20)).toBe(402_653_184);
  const metrics = bare();
  showMemoryLimit(metrics, () => 7);
  expect(await metrics.text()).toContain('runnel_process_memory_limit_bytes{service="test"} 7');
});

test('figures of the process stand under their stock names as well, in both formats, and nothing else does', async () => {
  const metrics = createMetrics('test');
  showMemoryLimit(metrics, () => 7);
  metrics.counter('runnel_x_total', 'X.').inc();
  for (const text of [await metrics.text(), await metrics.openMetrics()]) {
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    expect(families).toEqual([...new Set(families)]);
    const ours = families.filter((name) => /^runnel_(process|nodejs)_/.test(name) && !name.includes('memory_limit'));
    expect(families.filter((name) => !name.startsWith('runnel_')).toSorted()).toEqual(ours.map((name) => name.slice(7)).toSorted());
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_version_info'])
      expect(text).toMatch(new RegExp(`^${name}\\{`, 'm'));
    // A family's lines lie together, and the end is at the end.
    const lines = text.trimEnd().split('\n');
    expect(lines.filter((line) => line === '# EOF')).toEqual(lines.at(-1) === '# EOF' ? ['# EOF'] : []);
  }
});

test('requests are counted by the route as it is declared, whatever address is asked for; streams are in no histogram', async () => {
  const metrics = bare();
  const app = fastify();
  const seen: unknown[] = [];
  observeHttp(app, metrics, ({ ms, ...request }) => seen.push([request, ms >= 0]));
  app.get('/items/:id', () => 'ok');
  app.get('/stream', (_request, reply) => reply.type('text/event-stream').send('data: x\n\n'));
  app.get('/broken', () => Promise.reject(new Error('no')));
  await app.ready();
  for (let i = 0; i < 50; i++) await app.inject(`/items/${i}?token=secret-${i}`);
  for (const url of ['/stream', '/broken', '/nobody-knows-this/1', '/nobody-knows-this/2']) await app.inject(url);
  await app.inject({ method: 'PROPFIND' as never, url: '/items/1' }).catch(() => undefined);
  const text = await metrics.text();
  expect(text).toContain('runnel_http_requests_total{route="/items/:id",method="GET",code="200",service="test"} 50');
  expect(text).toContain('runnel_http_requests_total{route="/broken",method="GET",code="500",service="test"} 1');
  expect(text).toContain('runnel_http_requests_total{route="none",method="GET",code="404",service="test"} 2');
  expect(text).toContain('runnel_http_request_seconds_count{service="test",route="/items/:id"} 50');
  expect(text).not.toContain('runnel_http_request_seconds_count{service="test",route="/stream"}');
  expect(text).not.toMatch(/secret|nobody-knows/);
  expect(seen[0]).toEqual([{ route: '/items/:id', method: 'GET', code: '200' }, true]);
  await app.close();
});

test('a caller who leaves before the answer is 499', async () => {
  const metrics = bare();
  const app = fastify({ forceCloseConnections: true });
  const asked = Promise.withResolvers<void>();
  const told = Promise.withResolvers<string>();
  observeHttp(app, metrics, ({ code }) => told.resolve(code));
  app.get('/slow', () => {
    asked.resolve();
    return new Promise(() => undefined);
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const leaving = new AbortController();
  const asking = fetch(`${url}/slow`, { signal: leaving.signal }).catch(() => 'left');
  await asked.promise;
  leaving.abort();
  expect(await asking).toBe('left');
  expect(await told.promise).toBe('499');
  expect(await metrics.text()).toContain('runnel_http_requests_total{route="/slow",method="GET",code="499",service="test"} 1');
  await app.close();
});

test('a store that is away leaves its figures out of a scrape, and no other', async () => {
  const metrics = bare();
  showStore(metrics, { backlog: () => Promise.resolve(4), clockOffset: () => Promise.reject(new Error('away')) });
  expect(await metrics.text()).toContain('runnel_outbox_backlog{service="test"} 4');
});
