import { expect, test } from 'vitest';
import { createAccount } from './account.ts';
import { createApi } from './api.ts';
import { createCredentials } from '../connection/credentials.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';

const setup = (answer: unknown) => {
  const calls: unknown[][] = [];
  const clock = createFakeClock();
  const fetch = async (url: string, { method, body }: RequestInit = {}): Promise<Response> => {
    calls.push([method, url.replace('https://a.example', ''), ...(body ? [JSON.parse(body as string)] : [])]);
    return answer === null ? new Response(null, { status: 204 }) : Response.json(answer);
  };
  return { calls, account: createAccount(createApi({ url: 'https://a.example', fetch, credentials: createCredentials(clock), clock })) };
};

test('each call is the one of the protocol, and an id cannot leave its place', async () => {
  const { account, calls } = setup(null);
  await account.endKey('../me');
  await account.endSession('s1');
  await account.endOtherSessions();
  expect(calls).toEqual([
    ['DELETE', '/api/keys/..%2Fme'],
    ['DELETE', '/api/sessions/s1'],
    ['DELETE', '/api/sessions'],
  ]);
});

test('keys and sessions are lists; a made key has what is shown once', async () => {
  const key = { id: 'k', name: 'n', prefix: 'rk_abcdef', scopes: ['read'], createdAt: 1, usedAt: null, expiresAt: null };
  const { account, calls } = setup({ ...key, key: 'rk_whole', keys: [key], limit: 3, sessions: [] });
  expect(await account.keys()).toMatchObject({ keys: [key], limit: 3 });
  expect(await account.makeKey({ name: 'n', scopes: ['read'] })).toMatchObject({ key: 'rk_whole' });
  expect(await account.sessions()).toEqual([]);
  expect(calls[1]).toEqual(['POST', '/api/keys', { name: 'n', scopes: ['read'] }]);
});

test('an answer without the key is an error, not a key nobody sees', async () => {
  const { account } = setup({ id: 'k', name: 'n', prefix: 'p', scopes: [], createdAt: 1 });
  await expect(account.makeKey({ name: 'n', scopes: ['read'] })).rejects.toMatchObject({ code: 'internal' });
});
