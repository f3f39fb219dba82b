import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { startGateway } from '../../../testing/test-gateway.ts';
import { excessOf } from './json-depth.ts';

const SECRET = 'a secret of more than thirty-two characters';
const JWT = { AUTH_MODE: 'jwt', JWT_SECRET: SECRET };
const tokenOf = (userId: string): Promise<string> =>
  new SignJWT({ sub: userId })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .setIssuedAt()
    .sign(new TextEncoder().encode(SECRET));

/** A POST whose head is sent and whose body is not finished; `heard` is what was answered meanwhile. */
const unfinished = (port: number, path: string, { token, length, sent }: { token?: string; length: number; sent: number }) => {
  const socket: Socket = connect(port, '127.0.0.1');
  const state = { heard: '', socket, closed: false };
  socket.on('data', (data) => (state.heard += data.toString()));
  socket.on('close', () => (state.closed = true));
  socket.on('error', () => undefined);
  const auth = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\n${auth}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n`);
  if (sent > 0) socket.write(Buffer.alloc(sent, ' '));
  return state;
};

test.each(['/v1/chat/completions', '/api/chat', '/api/cancel'])('S-4 %s tells a stranger so before it reads the body', async (path) => {
  await using gateway = await startGateway({ env: JWT });
  const request = unfinished(gateway.port, path, { length: 60_000, sent: 0 });
  await waitFor(() => request.heard.startsWith('HTTP/1.1 401'), { deadlineMs: 3000, what: 'a 401' });
  request.socket.destroy();
});

test('S-4 unfinished bodies of one person are bounded, and another person is answered', async () => {
  await using gateway = await startGateway({ env: JWT });
  const token = await tokenOf('mallory');
  const body = { token, length: 2_000_000, sent: 1_900_000 };
  const requests = Array.from({ length: 16 }, () => unfinished(gateway.port, '/v1/chat/completions', body));
  await waitFor(() => requests.filter(({ heard }) => heard.startsWith('HTTP/1.1 429')).length >= 8, {
    deadlineMs: 10_000,
    what: 'refusals',
  });
  expect(requests.find(({ heard }) => heard !== '')!.heard).toContain('retry-after: 1');
  const bob = await fetch(`${gateway.url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf('bob')}` },
    body: JSON.stringify({ conversationId: 'c1', messageId: 'm1', runId: 'r1', text: 'Hello' }),
  });
  expect(bob.status).toBe(202);
  // What is broken off gives its room back.
  for (const { socket } of requests) socket.destroy();
  await waitFor(
    async () => {
      const again = unfinished(gateway.port, '/v1/chat/completions', { token, length: 500_000, sent: 500_000 });
      await waitFor(() => again.heard !== '', { deadlineMs: 3000 });
      again.socket.destroy();
      return again.heard.startsWith('HTTP/1.1 400');
    },
    { deadlineMs: 5000, what: 'room again' },
  );
});

test('S-4 people who announce much and send little keep nobody out: the slowest of them give way', async () => {
  await using gateway = await startGateway({ env: JWT });
  const body = { length: 2_000_000, sent: 100 };
  const slow = [];
  for (const name of ['m1', 'm2', 'm3', 'm4']) {
    const token = await tokenOf(name);
    for (let i = 0; i < 8; i++) slow.push(unfinished(gateway.port, '/v1/chat/completions', { token, ...body }));
  }
  const ask = async (): Promise<number> => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf('bob')}` },
      body: ' '.repeat(100_000),
    });
    return answer.status;
  };
  await waitFor(async () => (await ask()) === 400, { deadlineMs: 10_000, everyMs: 250, what: 'a place, and that it is no JSON' });
  const refused = slow.filter(({ heard }) => heard.startsWith('HTTP/1.1 503'));
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]!.heard).toContain('overloaded');
  expect(refused.length).toBeLessThan(slow.length);
  for (const { socket } of slow) socket.destroy();
});

/** A POST of a body of blanks in pieces of one size, each a chunk of its own; what was answered. */
const inPieces = async (port: number, path: string, { token, size, count }: { token: string; size: number; count: number }) => {
  const socket = connect(port, '127.0.0.1');
  const state = { heard: '', closed: false };
  socket.on('data', (data) => (state.heard += data.toString()));
  socket.on('close', () => (state.closed = true));
  socket.on('error', () => undefined);
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
  socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
  const some = Math.max(1, Math.floor(20_000 / size));
  const chunks = `${size.toString(16)}\r\n${' '.repeat(size)}\r\n`.repeat(some);
  for (let sent = 0; sent < count && !state.closed; sent += some) {
    if (!socket.write(chunks)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
  if (!state.closed) socket.write('0\r\n\r\n');
  await waitFor(() => state.closed || state.heard !== '', { deadlineMs: 20_000, what: 'an answer' });
  socket.destroy();
  return state.heard;
};

test('S-4 a body weighs what its pieces hold, however small they are; small packets of an honest client are read', async () => {
  await using gateway = await startGateway({ env: JWT });
  const token = await tokenOf('mallory');
  // A million of them hold 500 MB, and a body may have 24 million bytes.
  for (const size of [1, 40]) {
    const heard = await inPieces(gateway.port, '/v1/chat/completions', { token, size, count: 60_000 });
    expect([size, heard.slice(0, 12)]).toEqual([size, 'HTTP/1.1 429']);
    expect(heard).toMatch(/connection: close/i);
  }
  for (const [size, count] of [
    [1, 5_000],
    [536, 2_000],
  ] as const) {
    const heard = await inPieces(gateway.port, '/v1/chat/completions', { token, size, count });
    expect([size, heard.slice(0, 12)]).toEqual([size, 'HTTP/1.1 400']);
  }
});

test('S-4 a body that nests too deeply is refused', async () => {
  await using gateway = await startGateway();
  for (const path of ['/v1/chat/completions', '/api/chat']) {
    const body = `{"messages":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    const answer = await fetch(`${gateway.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('nests too deeply');
  }
});

/** What a client may say of a body, with the bytes it would send; only the first few are as we read them. */
const SAID: readonly [number, string, Record<string, string>, Buffer][] = (() => {
  const text = '{"conversationId":"ID","messageId":"m1","runId":"r1","text":"chào"}';
  const utf8 = Buffer.from(text);
  const types = [';charset=utf-8', '; charset="UTF-8"', '; charset=utf8', ''].map((type) => [202, `type ${type}`, { type }, utf8] as const);
  const charsets = ['utf-16', 'utf-16le', 'latin1', 'iso-8859-1', 'us-ascii', 'x', '"utf-7"'];
  const encodings = ['gzip', 'GZIP', 'br', 'deflate', 'zstd', 'gzip, gzip', 'identity, gzip'];
  const broken = [Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le'), Buffer.concat([utf8, Buffer.from([0xc3])])];
  return [
    ...types.map(([status, name, { type }, body]) => [status, name, { 'content-type': `application/json${type}` }, body] as const),
    [202, 'identity', { 'content-encoding': 'identity' }, utf8] as const,
    ...charsets.map((charset) => [415, charset, { 'content-type': `application/json; charset=${charset}` }, utf8] as const),
    ...encodings.map((encoding) => [415, encoding, { 'content-encoding': encoding }, gzipSync(utf8)] as const),
    ...broken.map((body, i) => [400, `no UTF-8 ${i}`, {}, body] as const),
  ].map((said) => [...said]);
})();

test('S-4 a body is UTF-8 as it is: other charsets and compressed ones are 415, and bytes that are no UTF-8 never become a prompt', async () => {
  await using gateway = await startGateway();
  for (const path of ['/api/chat', '/v1/chat/completions']) {
    for (const [status, name, headers, body] of SAID) {
      // `/v1` reads other fields, and says so with 400 once it could read them.
      const expected = path === '/v1/chat/completions' && status === 202 ? 400 : status;
      const id = `c-${name.replace(/\W/g, '')}`;
      const bytes = Buffer.from(body.toString('latin1').replace('ID', id), 'latin1');
      const answer = await fetch(`${gateway.url}${path}?user_id=ann`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: bytes,
      });
      expect([name, answer.status]).toEqual([name, expected]);
      if (status === 415) expect(answer.headers.get('accept-encoding')).toBe('identity');
    }
  }
});

test('nesting counts brackets outside of strings only', () => {
  expect(excessOf('[[[]]]', { depth: 3, values: 100 })).toBe(null);
  expect(excessOf('[[[]]]', { depth: 2, values: 100 })).toBe('depth');
  expect(excessOf('["[[[[", {"a\\"[[[": []}]', { depth: 3, values: 100 })).toBe(null);
  expect(excessOf('[[],[],[],[]]', { depth: 2, values: 100 })).toBe(null);
});

test('P-8 values are counted outside of strings, as far as a body may have them', () => {
  const most = { depth: 32, values: 5 };
  expect(excessOf('[1,2,3,4]', most)).toBe(null);
  expect(excessOf('[1,2,3,4,5]', most)).toBe('values');
  expect(excessOf('{"a":{"b":[{}]}}', most)).toBe(null);
  expect(excessOf('{"a":{"b":[{},{}]}}', most)).toBe('values');
  expect(excessOf('[",,,,,,[[[{{{"]', most)).toBe(null);
  expect(excessOf(`[${'0,'.repeat(65_533)}0]`)).toBe(null);
  expect(excessOf(`[${'0,'.repeat(65_535)}0]`)).toBe('values');
});

test('P-8 a body of more values than any has is refused before anything is made of it', async () => {
  await using gateway = await startGateway();
  for (const path of ['/v1/chat/completions', '/v1/responses', '/api/ai-sdk', '/api/ag-ui/agent/m/run']) {
    const answer = await gateway.app.inject({
      ...{ method: 'POST', url: `${path}?user_id=ann`, headers: { 'content-type': 'application/json' } },
      payload: `{"messages":[${'{},'.repeat(40_000)}{}]}`,
    });
    expect([path, answer.statusCode, answer.body.includes('too many values')]).toEqual([path, 400, true]);
  }
});
