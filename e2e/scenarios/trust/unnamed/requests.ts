const request = (lines: readonly string[], body = ''): string => `${lines.join('\r\n')}\r\n\r\n${body}`;
const get = (path: string, ...headers: string[]): string => request([`GET ${path} HTTP/1.1`, 'host: x', 'connection: close', ...headers]);
const JSON_TYPE = 'content-type: application/json';
const post = (path: string, body: string, ...headers: string[]): string =>
  request([`POST ${path} HTTP/1.1`, 'host: x', 'connection: close', `content-length: ${Buffer.byteLength(body)}`, ...headers], body);
const completion = '{"model":"count","messages":[{"role":"user","content":"count 1"}]}';

/** Requests that no client makes: what is said twice, asked of the wrong place, or not of this protocol at all. */
export const ODD_REQUESTS: Record<string, string> = {
  'two people in an address': get('/api/me?user_id=ann&user_id=bob'),
  'a person in brackets': get('/api/me?user_id[]=ann'),
  'a person who is an object': get('/api/me?user_id[toString]=ann'),
  'two Authorizations': get('/api/me?user_id=ann', 'authorization: Bearer a', 'authorization: Bearer b'),
  'two lengths that differ': request(
    ['POST /api/chat?user_id=ann HTTP/1.1', 'host: x', JSON_TYPE, 'content-length: 2', 'content-length: 3'],
    '{}',
  ),
  'a length and pieces': request(
    ['POST /api/chat?user_id=ann HTTP/1.1', 'host: x', JSON_TYPE, 'content-length: 4', 'transfer-encoding: chunked'],
    '0\r\n\r\nGET /api/me HTTP/1.1\r\nhost: x\r\n\r\n',
  ),
  'a negative length': request(['POST /api/chat?user_id=ann HTTP/1.1', 'host: x', JSON_TYPE, 'content-length: -1']),
  'two conversations in a header': post(
    '/v1/chat/completions?user_id=ann',
    completion,
    JSON_TYPE,
    'x-runnel-conversation: a',
    'x-runnel-conversation: b',
  ),
  'two cursors': get('/api/conversations/odd/events?user_id=ann', 'last-event-id: a:1', 'last-event-id: b:2', 'connection: close'),
  'two types of a body': post('/api/chat?user_id=ann', '{}', JSON_TYPE, 'content-type: text/plain'),
  'a body of a GET': request(['GET /api/me?user_id=ann HTTP/1.1', 'host: x', 'connection: close', 'content-length: 5'], 'hello'),
  'a tunnel': request(['CONNECT redis:6379 HTTP/1.1', 'host: redis:6379']),
  'a trace': request(['TRACE / HTTP/1.1', 'host: x', 'connection: close', 'cookie: secret']),
  'options of everything': request(['OPTIONS * HTTP/1.1', 'host: x', 'connection: close']),
  'a whole address': request(['GET http://elsewhere/api/me?user_id=ann HTTP/1.1', 'host: x', 'connection: close']),
  'another upgrade': get('/api/me?user_id=ann', 'connection: upgrade', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQCAAAAAAIAAAAA'),
  'an upgrade elsewhere': get(
    '/api/me?user_id=ann',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ),
  'an upgrade without a key': get('/ws/chat?user_id=ann', 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'),
  'an upgrade of an old version': get(
    '/ws/chat?user_id=ann',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 8',
    'sec-websocket-key: x',
  ),
  'the beginning of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/0.9': 'GET /api/me\r\n\r\n',
  'HTTP/1.0 without a host': 'GET /api/me?user_id=ann HTTP/1.0\r\n\r\n',
  'TLS to a port that has none': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  'an expectation of nothing': post('/api/chat?user_id=ann', '{}', JSON_TYPE, 'expect: a-miracle'),
  'a thousand ranges': get('/?user_id=ann', `range: bytes=${Array.from({ length: 1_000 }, (_, i) => `${i}-${i}`).join(',')}`),
  'a compressed bomb': post('/api/chat?user_id=ann', '\u001f\u008b\u0008\u0000', JSON_TYPE, 'content-encoding: gzip'),
  'every language': get('/?user_id=ann', `accept-language: ${'vi;q=0.1,'.repeat(1_000)}`, `accept: ${'text/html;q=0.1,'.repeat(300)}`),
  'a name of a header that a language knows': get('/api/me?user_id=ann', '__proto__: x', 'constructor: y', 'tostring: z'),
  'two hundred cookies': get('/api/me?user_id=ann', `cookie: ${Array.from({ length: 200 }, (_, i) => `c${i}=${i}`).join('; ')}`),
  'a query of a thousand names': get(`/api/me?user_id=ann&${Array.from({ length: 1_000 }, (_, i) => `n${i}=1`).join('&')}`),
  'pieces with long extensions': request(
    ['POST /api/chat?user_id=ann HTTP/1.1', 'host: x', JSON_TYPE, 'connection: close', 'transfer-encoding: chunked'],
    `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
  ),
  'a thousand requests in one breath': `${request(['GET /api/me?user_id=ann HTTP/1.1', 'host: x']).repeat(999)}${get('/api/me?user_id=ann')}`,
};

/** The statuses of all answers in what came over a connection. */
export const statusesIn = (text: string): number[] =>
  [...text.matchAll(/(?:^|\n)HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status));
