import { connect } from 'node:net';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { startGateway } from '../../../testing/test-gateway.ts';

let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  gateway = await startGateway({ env: { TRUST_PROXY: '1', PUBLIC_HOSTS: 'chat.example.org', AUTH_MODE: 'dev' } });
});
afterAll(() => gateway.close());

interface Answer {
  status: number;
  header(name: string): string | undefined;
}

/** As it stands on the wire: `fetch` would mend the target and leave out what it may not send. */
const ask = (method: string, target: string, lines: readonly string[]): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect(gateway.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => {
      heard += data.toString();
      // Event streams do not end by themselves.
      if (heard.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('close', () => {
      const [head = ''] = heard.split('\r\n\r\n');
      const header = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1];
      resolve({ status: Number(head.slice(9, 12)), header });
    });
    socket.on('error', reject);
    socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
  });

/** Every route there is, by the document that lists them, with ids that fit and ids that do not; and what no route answers. */
const targets = async (): Promise<[string, string][]> => {
  const response = await gateway.app.inject({ url: '/api/docs/json', headers: { host: 'chat.example.org' } });
  const { paths } = response.json<{ paths: Record<string, object> }>();
  const listed = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase(), path]));
  const filled = listed.flatMap(([method, path]) =>
    ['c1', 'a%20b', 'x'.repeat(65)].map((id): [string, string] => [method!, path!.replaceAll(/\{\w+\}/g, id)]),
  );
  const more = ['/', '/nothing', '/api/nothing', '/v1/nothing', '/api/docs/', '/api/%zz', '/%', '/ws/chat', '//', '/api/history/../x'];
  const odd = ['OPTIONS', 'HEAD', 'TRACE', 'PUT'].flatMap((method) =>
    ['/api/chat', '/v1/models', '/'].map((path): [string, string] => [method, path]),
  );
  return [...filled, ...more.map((path): [string, string] => ['GET', path]), ...odd];
};

const OURS = 'Host: chat.example.org';
const isApi = (target: string): boolean => /^\/(api|v1)\//.test(target) && !target.startsWith('/api/docs');

test('S-13 S-21 every answer of every route, whatever its status: HSTS over TLS and only there, nosniff, a policy, and no-store from the API', async () => {
  const all = await targets();
  expect(all.length).toBeGreaterThan(60);
  const wrong: string[] = [];
  for (const [method, target] of all) {
    for (const [tls, host] of [
      [true, OURS],
      [false, OURS],
      [true, 'Host: evil.example'],
    ] as const) {
      const who = target.includes('?') || target === '/' ? target : `${target}?user_id=ann`;
      const { status, header } = await ask(method, who, [host, `X-Forwarded-Proto: ${tls ? 'https' : 'http'}`]);
      const say = (what: string): unknown => wrong.push(`${method} ${target.slice(0, 40)} ${status} ${tls ? 'TLS' : 'plain'}: ${what}`);
      // There is no audit service here.
      if (status < 200 || (status >= 500 && status !== 503)) say('status');
      // Of a target that cannot be read nothing is looked at, the Host included.
      const readable = !/%(z|$)/.test(target);
      if ((header('strict-transport-security') !== undefined) !== (tls && host === OURS && readable))
        say(`HSTS ${header('strict-transport-security')}`);
      if (header('x-content-type-options') !== 'nosniff') say('nosniff');
      if (header('content-security-policy') === undefined) say('no policy');
      if (isApi(target) && !header('cache-control')?.includes('no-store') && !header('cache-control')?.includes('no-cache'))
        say(`cache ${header('cache-control')}`);
      if (header('set-cookie') !== undefined && tls !== /; Secure/.test(header('set-cookie')!)) say(`cookie ${header('set-cookie')}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('what pages of other origins may read is said to them alone', async () => {
  const exposed = async (...lines: string[]): Promise<string | undefined> =>
    (await ask('GET', '/api/models?user_id=ann', [OURS, ...lines])).header('access-control-expose-headers');
  expect(await exposed('Origin: https://chat.example.org')).toContain('x-runnel-run');
  expect(await exposed()).toBeUndefined();
});
