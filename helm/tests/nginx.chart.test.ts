import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

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

test("web.conf, the page's, is accepted", () => {
  cpSync('/etc/nginx/mime.types', join(folder, 'mime.types'));
  expect(nginxTest('web.conf')).toBe('ok');
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
