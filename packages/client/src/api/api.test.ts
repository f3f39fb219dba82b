import { describe, expect, test } from 'vitest';
import { CALL_DEADLINE_MS, createApi } from './api.ts';
import { createCredentials } from '../connection/credentials.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';

const setup = (answer: (url: string, init: RequestInit) => Response | Promise<Response>, token?: () => string) => {
  const clock = createFakeClock();
  const calls: { method: string; url: string; body: unknown; authorization: string | undefined }[] = [];
  const fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { authorization } = init.headers as Record<string, string | undefined>;
    calls.push({ method: init.method!, url, body: init.body && JSON.parse(init.body as string), authorization });
    return answer(url, init);
  };
  return { clock, calls, api: createApi({ url: 'https://a.example/', fetch, credentials: createCredentials(clock, token), clock }) };
};

test('each call is the one of the protocol', async () => {
  const answer = { models: [], conversations: [], messages: [], hasMore: false, conversationId: 'c2', outcome: 'forked' };
  const { api, calls } = setup(() => Response.json(answer));
  await api.models();
  await api.listConversations({ after: 'c9', limit: 5 });
  await api.rename('c1', 'mới');
  await api.deleteConversation('c1');
  await api.history('c1', { before: 'm1' });
  await api.forkConversation('c/1', { conversationId: 'c2', messageId: 'm1' });
  expect(calls.map(({ method, url, body }) => [method, url.replace('https://a.example', ''), body])).toEqual([
    ['GET', '/api/models', undefined],
    ['GET', '/api/conversations?after=c9&limit=5', undefined],
    ['PATCH', '/api/conversations/c1', { title: 'mới' }],
    ['DELETE', '/api/history/c1', undefined],
    ['GET', '/api/history/c1?before=m1', undefined],
    ['POST', '/api/conversations/c%2F1/fork', { conversationId: 'c2', messageId: 'm1' }],
  ]);
});

test('a part is read whole, and what is none is an error', async () => {
  const part = { partId: 'p/0', index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'nghĩ' };
  let answer: object = part;
  const { api, calls } = setup(() => Response.json(answer));
  expect(await api.part('c1', 'p/0')).toEqual(part);
  expect(calls).toMatchObject([{ method: 'GET', url: 'https://a.example/api/conversations/c1/parts/p%2F0' }]);
  answer = { messages: [] };
  await expect(api.part('c1', 'p0')).rejects.toMatchObject({ code: 'internal' });
});

test.each([
  [{ url: 'https://id.example/end' }, 'https://id.example/end'],
  [{ url: null }, null],
  [{}, null],
])('signing out says where to go on: %j', async (answer, url) => {
  const { api, calls } = setup(() => Response.json(answer));
  expect(await api.signOut()).toBe(url);
  expect(calls).toMatchObject([{ method: 'POST', url: 'https://a.example/api/sign-out' }]);
});

test('an id cannot leave its place in the path', async () => {
  const { api, calls } = setup(() => new Response(null, { status: 204 }));
  await api.deleteConversation('../conversations?x=');
  expect(calls[0]!.url).toBe('https://a.example/api/history/..%2Fconversations%3Fx%3D');
});

test('a 401 is answered with a fresh token, once', async () => {
  let count = 0;
  const answer = (): Response => (count < 2 ? Response.json({ code: 'token-expired' }, { status: 401 }) : Response.json({ models: [] }));
  const { api, calls } = setup(answer, () => `t${++count}`);
  await expect(api.models()).resolves.toEqual([]);
  expect(calls.map((call) => call.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
});

describe('failures', () => {
  test.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [413, 'too-long'],
    [429, 'rate-limited'],
    [502, 'unavailable'],
    [503, 'unavailable'],
    [400, 'bad-frame'],
    [500, 'internal'],
  ])('an answer %i that says nothing more is %s', async (status, code) => {
    const { api } = setup(() => new Response('<h1>', { status }));
    await expect(api.models()).rejects.toMatchObject({ code });
  });

  test('an answer that breaks off is `unavailable`', async () => {
    const { api } = setup(() => new Response('{"models":[', { status: 200 }));
    await expect(api.models()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('no call waits longer than its deadline', async () => {
    const { api, clock } = setup(
      (_url, { signal }) => new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    const call = api.models().catch((error: { code: string }) => error.code);
    await clock.advance(CALL_DEADLINE_MS);
    await expect(call).resolves.toBe('unavailable');
    expect(clock.pending()).toBe(0);
  });
});
