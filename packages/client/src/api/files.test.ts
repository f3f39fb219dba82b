import { expect, test } from 'vitest';
import type { CallOptions } from './api.ts';
import { createFiles } from './files.ts';

test('files are read, previewed and removed at their addresses; a removal speaks tus', async () => {
  const asked: [string, CallOptions | undefined][] = [];
  const files = createFiles({ open: async (path, options) => (asked.push([path, options]), new Response('bytes')) });
  expect(await (await files.read('a/b')).text()).toBe('bytes');
  await files.preview('f1', 256);
  await files.remove('f1');
  expect(asked).toEqual([
    ['/api/files/a%2Fb', { accept: '*/*' }],
    ['/api/files/f1/preview', { query: { size: 256 }, accept: 'image/*' }],
    ['/api/files/f1', { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } }],
  ]);
});
