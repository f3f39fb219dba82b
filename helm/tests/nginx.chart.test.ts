import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { freePort } from '@runnel/kit/testing';
import { waitFor } from '@runnel/e2e';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { securityHeaders } from '../../services/gateway/src/http/plumbing/security-headers.ts';

const CONFIGURATIONS = join(import.meta.dirname, '../../nginx-ingress');
const NGINX = '/usr/sbin/nginx';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runnel-nginx-'));
  cpSync(CONFIGURATIONS, folder, { recursive: true });
  mkdirSync(join(folder, 'tmp'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (name: string): string => readFileSync(join(CONFIGURATIONS, name), 'utf8');

/** Debian's nginx 1.22 resolves names at the test and knows `http2` only with `listen`; the images have 1.28. */
const forThisMachine = (text: string): string =>
  text
    .replaceAll(/gateway-(\d):8080/g, '127.0.0.$1:8080')
    .replaceAll('/tmp/', `${folder}/tmp/`)
    .replace(/listen 8443 ssl;\n *http2 on;/, 'listen 8443 ssl http2;')
    .replaceAll('/etc/nginx/tls/', `${folder}/`);

const nginxTest = (name: string): string => {
  writeFileSync(join(folder, 'nginx.conf'), forThisMachine(read(name)));
  const { status, stderr } = spawnSync(NGINX, ['-t', '-p', folder, '-c', join(folder, 'nginx.conf')], { encoding: 'utf8' });
  return status === 0 ? 'ok' : stderr;
};

const addTls = (): void => {
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
  ];
  spawnSync('openssl', [...args, '-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')]);
  mkdirSync(join(folder, 'tls.d'));
  writeFileSync(join(folder, 'tls.d/tls.conf'), forThisMachine(read('tls.conf')));
};

describe.each(['round-robin.conf', 'cookie.conf'])('%s', (name) => {
  test('is accepted by a real nginx', () => expect(nginxTest(name)).toBe('ok'));

  test('is accepted with TLS added', () => {
    addTls();
    expect(nginxTest(name)).toBe('ok');
  });

  test('a mistake would be seen', () => {
    writeFileSync(join(folder, 'locations.conf'), `${read('locations.conf')}\nproxy_bufering off;`);
    expect(nginxTest(name)).toMatch(/unknown directive "proxy_bufering"/);
  });
});

describe("web.conf, the page's", () => {
  let port: number;
  let nginx: ChildProcess;
  beforeEach(async () => {
    port = await freePort();
    cpSync('/etc/nginx/mime.types', join(folder, 'mime.types'));
    // As root, nginx reads as nobody.
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'page/assets'), { recursive: true });
    writeFileSync(join(folder, 'page/index.html'), 'the page');
    writeFileSync(join(folder, 'page/assets/a-1.js'), 'plain');
    writeFileSync(join(folder, 'page/assets/a-1.js.gz'), gzipSync('packed'));
    const text = forThisMachine(read('web.conf')).replace('listen 8080', `listen 127.0.0.1:${port}`);
    writeFileSync(join(folder, 'nginx.conf'), text.replace('/usr/share/runnel', join(folder, 'page')));
    nginx = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' });
    await waitFor(() => get('/'), { deadlineMs: 5_000, what: 'nginx' });
  });
  afterEach(async () => {
    nginx.kill('SIGQUIT');
    await once(nginx, 'exit');
  });
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'accept-encoding': 'gzip' } });

  test('assets come as they were packed and are kept for ever; a missing one is missing', async () => {
    const asset = await get('/assets/a-1.js');
    expect(await asset.text()).toBe('packed');
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await get('/assets/a-2.js')).status).toBe(404);
  });

  test('every other path is the page, asked for again each time', async () => {
    const page = await get('/c/some-conversation');
    expect(await page.text()).toBe('the page');
    expect(page.headers.get('cache-control')).toBe('no-cache');
  });

  test("everything carries the gateway's own strict headers, also what is missing", async () => {
    for (const path of ['/', '/assets/a-1.js', '/assets/none.js']) {
      const { headers } = await get(path);
      for (const [name, value] of Object.entries(securityHeaders('/'))) expect(headers.get(name), name).toBe(value);
    }
  });
});

test('the modes differ in their upstream only', () => {
  const withoutUpstream = (name: string): string =>
    read(name)
      .replace(/^#.*\n/, '')
      .replace(/ *upstream [\s\S]*?\n {2}\}\n/, '')
      .replace(/ *# The gateway sets the cookie.*\n *map .*\n\n/, '');
  expect(withoutUpstream('cookie.conf')).toBe(withoutUpstream('round-robin.conf'));
});

test('what a stream of words needs is said', () => {
  const all = `${read('common.conf')}${read('locations.conf')}`;
  for (const directive of [
    'proxy_buffering off;',
    'proxy_http_version 1.1;',
    'proxy_set_header Upgrade $http_upgrade;',
    'proxy_read_timeout 3600s;',
    'gzip off;',
  ])
    expect(all).toContain(directive);
  expect(read('tls.conf')).toContain('ssl_protocols TLSv1.3;');
});
