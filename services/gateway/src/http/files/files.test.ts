import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import type { AuditClient } from '../../archive/audit-client.ts';
import { startGateway, type TestGateway } from '../../../testing/test-gateway.ts';

const TUS = { 'tus-resumable': '1.0.0' };
const STREAM = { ...TUS, 'content-type': 'application/offset+octet-stream' };
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Gateways over one folder. */
const startNodes = async (count = 1, env: Record<string, string> = {}, audit: AuditClient | null = null) => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-files-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const gateways: TestGateway[] = [];
  for (let i = 0; i < count; i++)
    gateways.push(await startGateway({ env: { FILES_URL: `file:${folder}`, ...env }, ...(audit && { audit }) }));
  onTestFinished(async () => void (await Promise.all(gateways.map((gateway) => gateway.close()))));
  return { folder, gateways, urls: gateways.map(({ url }) => url) };
};
type Call = { user?: string; headers?: Record<string, string>; body?: Uint8Array };
const call = (method: string, url: string, { user = 'ann', headers = {}, body }: Call = {}): Promise<Response> =>
  fetch(`${url}?user_id=${user}`, { method, headers: { ...TUS, ...headers }, ...(body && { body: body as Uint8Array<ArrayBuffer> }) });

const create = async (
  url: string,
  length: number,
  { name = 'a.txt', type = 'text/plain', ...rest }: Call & { name?: string; type?: string } = {},
) => {
  const headers = {
    'upload-length': String(length),
    'upload-metadata': `filename ${base64(name)},filetype ${base64(type)}`,
    ...rest.headers,
  };
  return call('POST', `${url}/api/files`, { ...rest, headers });
};
const patch = (url: string, offset: number, body: Uint8Array, headers: Record<string, string> = {}, user = 'ann') =>
  call('PATCH', url, { user, body, headers: { ...STREAM, 'upload-offset': String(offset), ...headers } });
/** A file with this content; its path. */
const upload = async (url: string, body: Uint8Array, change: { name?: string; type?: string; user?: string } = {}): Promise<string> => {
  const made = await create(url, body.length, { ...change, body, headers: { 'content-type': STREAM['content-type'] } });
  expect(made.status).toBe(201);
  return made.headers.get('location')!;
};

test('an upload goes on over any gateway and is what was sent, whatever the sizes of its pieces', async () => {
  const { urls } = await startNodes(2);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 2_500_000 }),
      fc.array(fc.integer({ min: 0, max: 1_500_000 }), { maxLength: 6 }),
      async (size, pieces) => {
        const bytes = Buffer.alloc(size, 'chữ ');
        const whole = bytes.subarray(0, size - (size % Buffer.byteLength('chữ ')));
        const made = await create(urls[0]!, whole.length);
        expect(made.status).toBe(201);
        const path = made.headers.get('location')!;
        let at = 0;
        for (const [index, piece] of [...pieces, whole.length].entries()) {
          const node = urls[index % 2]!;
          const end = Math.min(whole.length, at + piece);
          if (at === whole.length && at > 0) break;
          const answer = await patch(node + path, at, whole.subarray(at, end));
          expect([answer.status, answer.headers.get('upload-offset')]).toEqual([204, String(end)]);
          at = end;
          const head = await call('HEAD', urls[(index + 1) % 2]! + path);
          expect([head.status, head.headers.get('upload-offset')]).toEqual([200, String(at)]);
          expect(head.headers.get('etag')).toBe(at === whole.length ? `"${sha256(whole)}"` : null);
        }
        const got = await call('GET', urls[1]! + path);
        expect(got.status).toBe(200);
        expect(sha256(Buffer.from(await got.arrayBuffer()))).toBe(sha256(whole));
      },
    ),
    { numRuns: 8, examples: [[0, []]] },
  );
});

test('bytes of a request that breaks off count', async () => {
  const { urls } = await startNodes();
  const bytes = Buffer.alloc(300_000, 'x');
  const path = (await create(urls[0]!, bytes.length)).headers.get('location')!;
  const half = request(`${urls[0]}${path}?user_id=ann`, {
    method: 'PATCH',
    headers: { ...STREAM, 'upload-offset': '0', 'content-length': bytes.length },
  });
  half.on('error', () => {});
  half.write(bytes.subarray(0, 200_000));
  await waitFor(() => half.socket?.bytesWritten !== undefined && half.socket.writableLength === 0);
  // Only one writes at a time; the other is told so.
  await waitFor(async () => (await patch(urls[0]! + path, 0, bytes)).status === 423);
  half.destroy();
  await waitFor(async () => Number((await call('HEAD', urls[0]! + path)).headers.get('upload-offset')) > 0);
  const offset = Number((await call('HEAD', urls[0]! + path)).headers.get('upload-offset'));
  expect((await patch(urls[0]! + path, 0, bytes)).status).toBe(409);
  expect((await patch(urls[0]! + path, offset, bytes.subarray(offset))).status).toBe(204);
  expect(sha256(Buffer.from(await (await call('GET', urls[0]! + path)).arrayBuffer()))).toBe(sha256(bytes));
});

test('of bytes with a checksum all count or none', async () => {
  const { urls } = await startNodes();
  const bytes = randomBytes(50_000);
  for (const algorithm of ['sha256', 'sha1']) {
    const path = (await create(urls[0]!, bytes.length + 1)).headers.get('location')!;
    const digest = createHash(algorithm).update(bytes).digest('base64');
    const wrong = createHash(algorithm).update('else').digest('base64');
    expect((await patch(urls[0]! + path, 0, bytes, { 'upload-checksum': `${algorithm} ${wrong}` })).status).toBe(460);
    expect((await call('HEAD', urls[0]! + path)).headers.get('upload-offset')).toBe('0');
    expect((await patch(urls[0]! + path, 0, bytes, { 'upload-checksum': `${algorithm} ${digest}` })).status).toBe(204);
    expect((await patch(urls[0]! + path, bytes.length, Buffer.from('1'), { 'upload-checksum': `md5 ${digest}` })).status).toBe(400);
  }
});

test('what a file is, is judged by its content', async () => {
  const { urls } = await startNodes();
  const typeOf = async (body: Uint8Array, type: string, name = 'a.bin') => {
    const made = await create(urls[0]!, body.length, { body, type, name, headers: { 'content-type': STREAM['content-type'] } });
    if (made.status !== 201) return made.status;
    const got = await call('GET', urls[0]! + made.headers.get('location')!);
    expect([got.headers.get('x-content-type-options'), got.headers.get('content-security-policy')]).toEqual(['nosniff', 'sandbox']);
    return `${got.headers.get('content-type')} ${got.headers.get('content-disposition')!.split(';')[0]}`;
  };
  expect(await typeOf(PNG, 'text/plain')).toBe('image/png inline');
  expect(await typeOf(Buffer.from('xin chào'), 'image/png')).toBe('text/plain; charset=utf-8 inline');
  expect(await typeOf(Buffer.from('a,b'), 'text/csv')).toBe('text/csv; charset=utf-8 attachment');
  expect(await typeOf(Buffer.from('<script>alert(1)</script>'), 'text/html')).toBe('text/plain; charset=utf-8 inline');
  expect(await typeOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'), 'image/png')).toBe(
    'image/svg+xml attachment',
  );
  expect(await typeOf(Buffer.from('%PDF-1.7 '), 'text/plain')).toBe('application/pdf inline');
  for (const body of [Buffer.from('a\0b'), Buffer.from([0xff, 0xfe, 0x41]), Buffer.from('MZ\x90\0\x03'), Buffer.from('PK\x03\x04')]) {
    expect(await typeOf(body, 'text/plain')).toBe(415);
  }
});

test('a file that is not taken is gone, and so is its room', async () => {
  const { urls, folder, gateways } = await startNodes();
  const path = (await create(urls[0]!, 3)).headers.get('location')!;
  const refused = await patch(urls[0]! + path, 0, Buffer.from([0, 1, 2]));
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([415, 'unsupported-type']);
  expect((await call('HEAD', urls[0]! + path)).status).toBe(404);
  expect(await readdir(join(folder, 'files'))).toEqual([]);
  expect(await gateways[0]!.metric('runnel_gateway_uploads_total')).toBe(1);
});

test('sizes, counts and totals are bounded, over all gateways', async () => {
  const { urls } = await startNodes(2, { FILE_MAX_BYTES: '1000', FILES_MAX_TOTAL_BYTES: '1500', FILES_MAX_COUNT: '3' });
  const codeOf = async (answer: Promise<Response>) => {
    const { status, json } = await answer.then(async (got) => ({ status: got.status, json: (await got.text()) || '{}' }));
    return [status, (JSON.parse(json) as { code?: string }).code];
  };
  expect(await codeOf(create(urls[0]!, 1_001))).toEqual([413, 'too-large']);
  const first = await create(urls[0]!, 1_000);
  expect(await codeOf(create(urls[1]!, 501))).toEqual([413, 'quota']);
  expect((await create(urls[1]!, 501, { user: 'bob' })).status).toBe(201);
  for (let i = 0; i < 2; i++) expect((await create(urls[1]!, 1)).status).toBe(201);
  expect(await codeOf(create(urls[0]!, 1))).toEqual([413, 'quota']);
  const path = first.headers.get('location')!;
  // More than was announced.
  expect((await patch(urls[0]! + path, 0, Buffer.alloc(1_001, 'a'))).status).toBe(413);
  expect((await call('DELETE', urls[1]! + path)).status).toBe(204);
  expect((await create(urls[0]!, 1_000)).status).toBe(201);
});

test('a file is its owner’s: for others and for made-up ids it is not there, whatever they do', async () => {
  const { urls, folder } = await startNodes();
  const path = await upload(urls[0]!, Buffer.from('secret'));
  const open = (await create(urls[0]!, 5)).headers.get('location')!;
  for (const target of [path, open, '/api/files/unknown', '/api/files/..%2f..%2fowners', '/api/files/record.json']) {
    for (const method of ['GET', 'HEAD', 'DELETE', 'PATCH']) {
      const headers = method === 'PATCH' ? { ...STREAM, 'upload-offset': '0' } : {};
      const answer = await call(method, urls[0]! + target, { user: 'eve', headers, ...(method === 'PATCH' && { body: Buffer.from('a') }) });
      expect([400, 404], `${method} ${target}`).toContain(answer.status);
    }
  }
  // One that is not whole can be written and not read.
  expect((await call('GET', urls[0]! + open)).status).toBe(404);
  expect((await call('GET', urls[0]! + path)).status).toBe(200);
  expect((await readdir(join(folder, 'files'))).length).toBe(2);
});

test('GET answers ranges and ETags', async () => {
  const { urls } = await startNodes();
  const url = urls[0]! + (await upload(urls[0]!, Buffer.from('0123456789')));
  const get = async (headers: Record<string, string>) => {
    const answer = await call('GET', url, { headers });
    return [answer.status, await answer.text(), answer.headers.get('content-range')];
  };
  const etag = `"${sha256(Buffer.from('0123456789'))}"`;
  expect(await get({ range: 'bytes=2-4' })).toEqual([206, '234', 'bytes 2-4/10']);
  expect(await get({ range: 'bytes=-3' })).toEqual([206, '789', 'bytes 7-9/10']);
  expect(await get({ range: 'bytes=8-' })).toEqual([206, '89', 'bytes 8-9/10']);
  expect(await get({ range: 'bytes=10-' })).toEqual([416, '', 'bytes */10']);
  expect(await get({ range: 'lines=1-2' })).toEqual([200, '0123456789', null]);
  expect(await get({ range: 'bytes=2-4', 'if-range': '"else"' })).toEqual([200, '0123456789', null]);
  expect(await get({ range: 'bytes=2-4', 'if-range': etag })).toEqual([206, '234', 'bytes 2-4/10']);
  expect(await get({ 'if-none-match': etag })).toEqual([304, '', null]);
});

test('names are the last segment, without what deceives or breaks a header', async () => {
  const { urls } = await startNodes();
  for (const [given, shown] of [
    ['../../etc/passwd', 'passwd'],
    ['C:\\temp\\báo cáo.txt', 'báo cáo.txt'],
    ['a\r\nset-cookie: x=1.txt', 'aset-cookie x=1.txt'],
    ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
    ['..', 'file'],
    ['', 'file'],
  ]) {
    const got = await call('HEAD', urls[0]! + (await upload(urls[0]!, Buffer.from('x'), { name: given! })));
    const name = /filename ([^,]*)/.exec(got.headers.get('upload-metadata')!)![1]!;
    expect(Buffer.from(name, 'base64').toString()).toBe(shown);
  }
});

test('tus says what it can, and refuses another version and headers that cannot be read', async () => {
  const { urls } = await startNodes();
  const said = await call('OPTIONS', `${urls[0]}/api/files`);
  expect(said.status).toBe(204);
  expect(said.headers.get('tus-extension')).toBe('creation,creation-with-upload,expiration,checksum,termination');
  expect(said.headers.get('tus-checksum-algorithm')).toBe('sha256,sha1');
  expect((await create(urls[0]!, 1, { headers: { 'tus-resumable': '0.2.2' } })).status).toBe(412);
  for (const headers of [
    { 'upload-length': '-1' },
    { 'upload-length': '1e3' },
    { 'upload-length': '' },
    { 'upload-metadata': 'filename ###' },
  ]) {
    expect((await create(urls[0]!, 1, { headers })).status, JSON.stringify(headers)).toBe(400);
  }
  const made = await create(urls[0]!, 1);
  expect(Date.parse(made.headers.get('upload-expires')!)).toBeGreaterThan(Date.now() + 23 * 3_600_000);
  expect((await patch(urls[0]! + made.headers.get('location')!, 0, Buffer.from('x'), { 'content-type': 'application/json' })).status).toBe(
    415,
  );
});

test('R-4 a file that is held is gone for its owner and its bytes stay; one that is not leaves nothing', async () => {
  const asked: unknown[] = [];
  let answer: unknown = { held: [], shown: [] };
  const audit: AuditClient = {
    async call(path, { body } = {}) {
      if (path !== '/files/needed') return { status: 200, body: { conversations: [], hasMore: false } };
      if (answer === null) throw new RunnelError('unavailable');
      asked.push(body);
      return { status: answer === 404 ? 404 : 200, body: answer };
    },
  };
  const { folder, urls } = await startNodes(1, { FILE_RETENTION: '30d' }, audit);
  const left = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);
  const deleted = async (text: string, held: (fileId: string) => unknown): Promise<string[]> => {
    const path = await upload(urls[0]!, Buffer.from(text));
    const fileId = path.split('/').at(-1)!;
    answer = held(fileId);
    expect((await call('DELETE', urls[0]! + path)).status).toBe(204);
    expect((await call('GET', urls[0]! + path)).status).toBe(404);
    return (await left()).filter((name) => name === fileId || name === `data-${sha256(Buffer.from(text))}`);
  };
  expect(await deleted('a', () => ({ held: [], shown: ['x'] }))).toEqual([]);
  expect(asked).toEqual([{ user: 'ann', files: [expect.any(String)] }]);
  expect(await deleted('b', (fileId) => ({ held: [fileId], shown: [] }))).toHaveLength(2);
  // The audit is down, or is of a release that cannot tell.
  expect(await deleted('c', () => null)).toHaveLength(2);
  expect(await deleted('d', () => 404)).toHaveLength(2);
});
