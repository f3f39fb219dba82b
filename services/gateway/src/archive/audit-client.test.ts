import { createInnerToken } from '@runnel/kit';
import { expect, test } from 'vitest';
import { createAuditClient } from './audit-client.ts';

const client = (fetch: (url: URL, init: RequestInit) => Promise<Response>) =>
  createAuditClient({
    url: 'http://audit:8082/base',
    token: createInnerToken({ given: 'the-inner-token' }),
    deadlineMs: 50,
    fetch: fetch as typeof globalThis.fetch,
  });

test('paths are under the base URL and the caller goes in a header', async () => {
  const seen: [string, string | null][] = [];
  const audit = client(async (url, init) => {
    seen.push([url.href, new Headers(init.headers).get('x-runnel-user')]);
    return Response.json({ messages: [] });
  });
  expect(await audit.call('/history/c1?limit=5', { userId: 'ánn' })).toEqual({ status: 200, body: { messages: [] } });
  expect(seen).toEqual([['http://audit:8082/base/history/c1?limit=5', '%C3%A1nn']]);
});

test('a refusal is an answer, a failure is unavailable', async () => {
  expect(await client(async () => new Response(null, { status: 404 })).call('/x')).toEqual({ status: 404, body: null });
  await expect(client(async () => new Response('', { status: 500 })).call('/x')).rejects.toMatchObject({ code: 'unavailable' });
  await expect(client(async () => new Response('<html>')).call('/x')).rejects.toMatchObject({ code: 'unavailable' });
  await expect(client(async () => Promise.reject(new TypeError('refused'))).call('/x')).rejects.toMatchObject({ code: 'unavailable' });
});

test('P-10 an audit service that hangs is given up at the deadline', async () => {
  const hang = (_url: URL, { signal }: RequestInit) =>
    new Promise<Response>((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error)));
  await expect(client(hang).call('/x')).rejects.toMatchObject({ code: 'unavailable' });
});
