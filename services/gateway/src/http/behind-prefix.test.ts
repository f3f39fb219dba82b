import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SUBPROTOCOL } from '@runnel/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startGateway, type TestGateway } from '../../testing/test-gateway.ts';

const PREFIX = '/tools/chat';
const HTML = { accept: 'text/html' };

let folder: string;
let gateway: TestGateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnel-prefix-'));
  await writeFile(join(folder, 'index.html'), '<meta name="base" content="/"><script src="/assets/a.js"></script>');
  await writeFile(join(folder, 'sw.js'), 'self;');
  gateway = await startGateway({
    env: { PUBLIC_URL: `https://example.org${PREFIX}/`, WEB_DIR: folder, FILES_URL: `file:${folder}/files` },
  });
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

describe.each([
  ['a proxy that leaves the prefix', PREFIX],
  ['a proxy that takes it away', ''],
])('behind %s', (_, given) => {
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(gateway.url + given + path, { redirect: 'manual', ...init });

  test('each path of the page is the page, whose addresses are below the prefix', async () => {
    for (const path of ['/', '/index.html', '/c/some-conversation', '/audit?x=1']) {
      const answer = await ask(path, { headers: HTML });
      expect([path, answer.status, answer.headers.get('cache-control')]).toEqual([path, 200, 'no-cache']);
      expect(answer.headers.get('content-security-policy')).toContain("base-uri 'none'");
      expect(await answer.text()).toBe(`<meta name="base" content="${PREFIX}/"><script src="${PREFIX}/assets/a.js"></script>`);
    }
    expect(await (await ask('/sw.js')).text()).toBe('self;');
    expect((await ask('/assets/none.js', { headers: HTML })).status).toBe(404);
  });

  test('the API answers, refuses who says nothing of themselves, and describes itself where it is', async () => {
    expect(await (await ask('/api/me?user_id=ann')).json()).toMatchObject({ userId: 'ann' });
    expect((await ask('/api/none?user_id=ann')).status).toBe(404);
    expect((await (await ask('/api/docs/json')).json()) as object).toMatchObject({ servers: [{ url: PREFIX }] });
    expect(await (await ask('/api/docs', { headers: HTML })).text()).toContain(`src="${PREFIX}/api/docs/static/swagger-ui-bundle.js"`);
    expect((await ask('/api/me')).headers.get('content-security-policy')).not.toContain('script-src');
  });

  test('an upload is told an address at which a browser finds it', async () => {
    const begin = { 'tus-resumable': '1.0.0', 'upload-length': '3', 'upload-metadata': `filename ${btoa('a.txt')}` };
    const made = await ask('/api/files?user_id=ann', { method: 'POST', headers: begin });
    expect(made.status).toBe(201);
    const location = made.headers.get('location')!;
    expect(location.startsWith(`${PREFIX}/api/files/`)).toBe(true);
    const headers = { 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
    const below = location.slice(PREFIX.length);
    expect((await ask(`${below}?user_id=ann`, { method: 'PATCH', headers, body: 'abc' })).status).toBe(204);
    expect(await (await ask(`${below}?user_id=ann`)).text()).toBe('abc');
  });

  test('a socket opens, and says hello', async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${given}/ws/chat?user_id=ann`, [SUBPROTOCOL]);
    onTestFinished(() => socket.close());
    await once(socket, 'open');
    const first = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
    expect(String((await first)[0])).toContain('"type":"welcome"');
  });

  test('events come as they happen', async () => {
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const answer = await ask('/api/conversations/c1/events?user_id=ann', { signal: stop.signal, headers: { accept: 'text/event-stream' } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/event-stream')]);
    expect((await answer.body!.getReader().read()).done).toBe(false);
  });
});

test('the page without its last slash is sent there, with its query', async () => {
  const answer = await fetch(`${gateway.url}${PREFIX}?user_id=ann`, { redirect: 'manual', headers: HTML });
  expect([answer.status, answer.headers.get('location')]).toEqual([308, `${PREFIX}/?user_id=ann`]);
});

test('what only begins like the prefix is not there', async () => {
  expect((await fetch(`${gateway.url}${PREFIX}ter/api/me?user_id=ann`)).status).toBe(404);
});

test('a path that the API has itself is refused at the start, with its name', async () => {
  await expect(startGateway({ env: { PUBLIC_URL: 'https://example.org/api/chat' } })).rejects.toThrow(/PUBLIC_URL.*\/api/);
});
