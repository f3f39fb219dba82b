import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { createFileReader, openBlobs } from '@runnel/files';
import { expect, onTestFinished, test } from 'vitest';
import { docxOf, pdfOf } from '../../../testing/files/documents.ts';
import { startGateway } from '../../../testing/test-gateway.ts';
import { uploadFile } from '../../../testing/files/upload.ts';

const start = async (env: Record<string, string> = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-previews-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const gateway = await startGateway({ env: { FILES_URL: `file:${folder}`, ...env } });
  onTestFinished(() => gateway.close());
  const get = (path: string, user = 'ann', headers = {}): Promise<Response> =>
    fetch(`${gateway.url}/api/files/${path}${path.includes('?') ? '&' : '?'}user_id=${user}`, { headers });
  return { gateway, get, url: gateway.url, reader: createFileReader(openBlobs(`file:${folder}`)!) };
};
const photo = (width = 600, height = 400): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#888' } })
    .withMetadata({ orientation: 6 })
    .withExif({ IFD0: { Artist: 'SECRET-NAME' } })
    .jpeg()
    .toBuffer();

test('what is served of a picture has no metadata, and its digest is the ETag; a preview is as large as was asked', async () => {
  const { get, url, reader } = await start();
  const given = await photo();
  const fileId = await uploadFile(url, given, { name: 'a.jpg' });
  const served = await get(fileId);
  const bytes = Buffer.from(await served.arrayBuffer());
  expect([given.includes('SECRET'), bytes.includes('SECRET')]).toEqual([true, false]);
  expect(served.headers.get('etag')).toBe(`"${createHash('sha256').update(bytes).digest('hex')}"`);
  expect(await sharp(bytes).metadata()).toMatchObject({ width: 400, height: 600 });

  for (const size of [16, 200, 1_024]) {
    const preview = await get(`${fileId}/preview?size=${size}`);
    expect([preview.status, preview.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect([preview.headers.get('content-security-policy'), preview.headers.get('x-content-type-options')]).toEqual(['sandbox', 'nosniff']);
    expect(await sharp(await preview.arrayBuffer()).metadata()).toMatchObject({ height: Math.min(size, 600) });
  }
  const etag = (await get(`${fileId}/preview`)).headers.get('etag')!;
  expect((await get(`${fileId}/preview`, 'ann', { 'if-none-match': etag })).status).toBe(304);
  expect(await reader.content(fileId, 9_999_999)).toMatchObject({ kind: 'picture', mediaType: 'image/jpeg' });
});

test('there is no preview of other files, of other people’s, and of a size that is none', async () => {
  const { get, url } = await start();
  const text = await uploadFile(url, Buffer.from('text'));
  const picture = await uploadFile(url, await photo(), { name: 'a.jpg' });
  expect((await get(`${text}/preview`)).status).toBe(404);
  expect((await get(`${picture}/preview`, 'bob')).status).toBe(404);
  for (const size of ['15', '1025', '1e9', 'x']) expect((await get(`${picture}/preview?size=${size}`)).status).toBe(400);
});

test('a bomb is 415 and gone, and the gateway goes on', async () => {
  const { gateway, url } = await start({ IMAGE_MAX_PIXELS: '100000' });
  await expect(uploadFile(url, await photo(), { name: 'a.jpg' })).rejects.toThrow('415');
  expect(await gateway.metric('runnel_gateway_file_contents_total')).toBe(1);
  expect(await uploadFile(url, await photo(300, 300), { name: 'a.jpg' })).toBeTruthy();
});

test.each([
  ['a.pdf', pdfOf(['Hello PDF']), 'Hello PDF'],
  ['a.docx', docxOf(['Xin chào']), 'Xin chào'],
  ['a.csv', Buffer.from('a;b'), 'a;b'],
])('models read the words of %s', async (name, bytes, text) => {
  const { url, reader } = await start();
  expect(await reader.content(await uploadFile(url, bytes, { name }), 9_999)).toEqual({ kind: 'text', text });
});

test('a document without words is taken, and nothing can be read from it', async () => {
  const { get, url, reader } = await start();
  const fileId = await uploadFile(url, pdfOf(['']), { name: 'a.pdf' });
  expect((await get(fileId)).status).toBe(200);
  expect(await reader.content(fileId, 9_999)).toBeNull();
});
