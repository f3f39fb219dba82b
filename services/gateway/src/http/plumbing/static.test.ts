import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startGateway } from '../../../testing/test-gateway.ts';

const SCRIPT = 'console.log("hello");'.repeat(50);

const startWithPage = async () => {
  const webDir = await mkdtemp(join(tmpdir(), 'runnel-web-'));
  await mkdir(join(webDir, 'assets'));
  await writeFile(join(webDir, 'index.html'), '<!doctype html><title>Runnel</title>');
  await writeFile(join(webDir, 'favicon.svg'), '<svg/>');
  await writeFile(join(webDir, 'sw.js'), SCRIPT);
  await writeFile(join(webDir, '.env'), 'SECRET=1');
  await writeFile(join(webDir, 'assets', 'index-AbC123.js'), SCRIPT);
  await writeFile(join(webDir, 'assets', 'index-AbC123.js.br'), brotliCompressSync(SCRIPT));
  const gateway = await startGateway({ env: { WEB_DIR: webDir } });
  const stop = async () => {
    await gateway.close();
    await rm(webDir, { recursive: true });
  };
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${gateway.url}${path}`, { headers });
  return { gateway, get, [Symbol.asyncDispose]: stop };
};

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

test('pages of the app are index.html, asked for again each time, under a policy that lets nothing in or out', async () => {
  await using t = await startWithPage();
  for (const path of ['/', '/c/some-conversation?x=1', '/settings']) {
    const response = await t.get(path, browser);
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-cache']);
    expect(await response.text()).toContain('<title>Runnel</title>');
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https:|\*/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  }
});

test('assets named by their content are kept for ever and come compressed as the build left them', async () => {
  await using t = await startWithPage();
  const response = await t.get('/assets/index-AbC123.js', { 'accept-encoding': 'br' });
  expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(response.headers.get('content-encoding')).toBe('br');
  expect(response.headers.get('content-type')).toContain('javascript');
  expect(response.headers.get('vary')?.toLowerCase()).toContain('accept-encoding');
  expect(await response.text()).toBe(SCRIPT);
  const plain = await t.get('/assets/index-AbC123.js', { 'accept-encoding': 'identity' });
  expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, SCRIPT]);
  expect((await t.get('/favicon.svg')).headers.get('cache-control')).toBe('no-cache');
});

test('the service worker is a script at the root of its scope that is asked for again each time', async () => {
  await using t = await startWithPage();
  const { status, headers } = await t.get('/sw.js', { 'service-worker': 'script' });
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-cache']);
  expect(headers.get('content-type')).toContain('javascript');
  expect(headers.get('content-security-policy')).toContain("worker-src 'self'");
});

test('what is not there is a problem document, to programs and for files', async () => {
  await using t = await startWithPage();
  for (const path of ['/assets/gone-Xyz.js', '/api/nope', '/v1x.js', '/.env']) {
    const response = await t.get(path, browser);
    expect([path, response.status]).toEqual([path, 404]);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  }
  expect((await t.get('/settings', { accept: 'application/json' })).status).toBe(404);
});

test('P-8 no path leads out of the directory', async () => {
  await using t = await startWithPage();
  // `fetch` would clean these up before they are sent.
  const raw = (path: string) =>
    new Promise<number>((resolve, reject) =>
      request({ port: t.gateway.port, path, headers: browser }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      })
        .on('error', reject)
        .end(),
    );
  for (const path of [
    '/../../etc/passwd',
    '/assets/../../../etc/passwd',
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
  ]) {
    const status = await raw(path);
    expect([path, status]).toEqual([path, expect.toSatisfy((code: number) => code === 403 || code === 404 || code === 200)]);
  }
});
