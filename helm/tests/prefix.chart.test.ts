import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { freePort } from '@runnel/kit/testing';
import { waitFor } from '@runnel/e2e';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { securityHeaders } from '../../services/gateway/src/http/plumbing/security-headers.ts';
import { pageBelow } from '../../services/gateway/src/http/plumbing/prefix.ts';
import { LEAST, render, type Manifest } from './chart.ts';

const PREFIX = '/tools/chat.2';
const BELOW = [...LEAST, `auth.publicUrl=https://example.org${PREFIX}/`];
const WAY_IN = ['auth.devModeOpen=true', 'ingress.enabled=true', 'ingress.host=example.org', 'web.enabled=true'];
const of = (kind: string, ...set: string[]): Manifest => render({ set: [...BELOW, ...WAY_IN, ...set] }).find((one) => one.kind === kind)!;
const configMap = (manifests: Manifest[]): (Manifest & { data: Record<string, string> }) | undefined =>
  manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('runnel-web-')) as never;

describe('a path of its host (auth.publicUrl)', () => {
  test.each([
    ['as it is', [], PREFIX],
    ['taken away by a proxy in front', ['ingress.path=/'], ''],
  ])('the way in has each path below it: %s', (_, set, below) => {
    const rules = of('Ingress', ...set).spec['rules'] as { http: { paths: { path: string }[] } }[];
    const paths = [...['/ws', '/api', '/v1'].map((path) => below + path), below || '/'];
    expect(rules[0]!.http.paths.map(({ path }) => path)).toEqual(paths);
    const route = of('HTTPRoute', 'ingress.controller=gateway-api', 'ingress.gatewayName=g', ...set).spec['rules'];
    const matches = (route as { matches: { path: { value: string } }[] }[]).flatMap((rule) => rule.matches);
    expect(matches.map(({ path }) => path.value)).toEqual(paths);
  });

  test('gateways know it in every mode, and pods of the page are others when it is another', () => {
    const isGateway = ({ kind, metadata }: Manifest): boolean => kind === 'Deployment' && metadata.name === 'runnel-gateway';
    const gateway = render({ set: BELOW }).find(isGateway);
    expect(JSON.stringify(gateway)).toContain(`"value":"https://example.org${PREFIX}/"`);
    const [one, other] = [BELOW, [...LEAST, 'auth.publicUrl=https://example.org/b']].map((set) =>
      configMap(render({ set: [...set, 'web.enabled=true'] })),
    );
    expect(one!.metadata.name).not.toBe(other!.metadata.name);
    for (const set of [LEAST, [...LEAST, 'auth.publicUrl=https://example.org/']])
      expect(configMap(render({ set: [...set, 'web.enabled=true'] }))).toBeUndefined();
  });

  test.each([
    ['https://example.org/api/chat', 'begins with a word'],
    ['https://example.org/C', 'begins with a word'],
    ['https://example.org/a//b', 'other characters'],
    ["https://example.org/a'b", 'other characters'],
    ['https://example.org/a;b', 'other characters'],
  ])('%s is refused', (url, why) => expect(() => render({ set: [...LEAST, `auth.publicUrl=${url}`] })).toThrow(why));

  test.each([[BELOW], [LEAST]])('a path of the way in that is neither is refused', (set) =>
    expect(() => render({ set: [...set, 'ingress.path=/other'] })).toThrow('ingress.path'),
  );
});

describe("the page's nginx with what the chart gives it", () => {
  const html = '<!doctype html><meta name="base" content="/"><script src="/assets/a-1.js"></script>';
  let folder: string;
  let port: number;
  let nginx: ChildProcess;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'runnel-nginx-'));
    cpSync(join(import.meta.dirname, '../../nginx-ingress'), folder, { recursive: true });
    cpSync('/etc/nginx/mime.types', join(folder, 'mime.types'));
    // As root, nginx reads as nobody.
    chmodSync(folder, 0o755);
    for (const name of ['tmp', 'page/assets', 'prefix']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'prefix/prefix.conf'), configMap(render({ set: [...BELOW, 'web.enabled=true'] }))!.data['prefix.conf']!);
    writeFileSync(join(folder, 'page/index.html'), html);
    writeFileSync(join(folder, 'page/index.html.gz'), gzipSync('not this one'));
    writeFileSync(join(folder, 'page/assets/a-1.js'), 'plain');
    writeFileSync(join(folder, 'page/assets/a-1.js.gz'), gzipSync('packed'));
    port = await freePort();
    const text = readFileSync(join(folder, 'web.conf'), 'utf8').replaceAll('/tmp/', `${folder}/tmp/`);
    writeFileSync(
      join(folder, 'nginx.conf'),
      text.replace('listen 8080', `listen 127.0.0.1:${port}`).replace('/usr/share/runnel', join(folder, 'page')),
    );
    nginx = spawn('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' });
    await waitFor(() => get('/'), { deadlineMs: 10_000, what: 'nginx' });
  });
  afterAll(async () => {
    nginx.kill('SIGQUIT');
    await once(nginx, 'exit');
    rmSync(folder, { recursive: true });
  });
  const get = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'accept-encoding': 'gzip' }, redirect: 'manual' });

  test.each([PREFIX, ''])('below %j the page is what a gateway would send, with its headers', async (given) => {
    for (const path of ['/', '/c/some-conversation', '/index.html?x=1']) {
      const page = await get(given + path);
      expect(await page.text()).toBe(pageBelow(html, PREFIX));
      expect(page.headers.get('cache-control')).toBe('no-cache');
      for (const [name, value] of Object.entries(securityHeaders('/'))) expect(page.headers.get(name), name).toBe(value);
    }
  });

  test.each([PREFIX, ''])('below %j assets come packed and for ever; a missing one is missing', async (given) => {
    const asset = await get(`${given}/assets/a-1.js`);
    expect([await asset.text(), asset.headers.get('cache-control')]).toEqual(['packed', 'public, max-age=31536000, immutable']);
    expect((await get(`${given}/assets/none.js`)).status).toBe(404);
  });

  test('without its last slash one is sent there, on the same host', async () => {
    const { status, headers } = await get(`${PREFIX}?user_id=ann`);
    expect([status, headers.get('location')]).toEqual([302, `${PREFIX}/?user_id=ann`]);
  });
});
