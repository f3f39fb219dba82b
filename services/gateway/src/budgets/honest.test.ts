import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { startGateway, type TestGateway } from '../../testing/test-gateway.ts';

/** Gateways as an operator gets them who sets nothing but how people are known. */
const SECRET = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const JWT = { AUTH_MODE: 'jwt', JWT_SECRET: SECRET };
const headersOf = async (userId: string): Promise<Record<string, string>> => {
  const token = await new SignJWT({ sub: userId })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
};
const ask = async ({ url }: TestGateway, headers: Record<string, string>, conversationId: string): Promise<number> => {
  const body = JSON.stringify({ conversationId, messageId: `m-${conversationId}`, runId: `r-${conversationId}`, text: 'Hello' });
  return (await fetch(`${url}/api/chat`, { method: 'POST', headers, body })).status;
};
const only = (status: number, statuses: readonly number[]): void => expect([...new Set(statuses)]).toEqual([status]);
const TEN = Array.from({ length: 10 }, (_, i) => `c${i}`);

test('S-6 S-11 ten conversations in three tabs of two devices, all of them reloaded five times in a minute: nothing is refused', async () => {
  const runLog = createMemoryRunLog();
  await using one = await startGateway({ runLog, env: JWT });
  await using two = await startGateway({ runLog, env: JWT });
  const headers = await headersOf('ann');
  only(202, await Promise.all(TEN.map((id) => ask(one, headers, id))));
  const paths = [...TEN.map((id) => `/api/history/${id}`), '/api/conversations', '/api/me', '/api/models', '/api/sign-in'];
  const tab = (gateway: TestGateway): Promise<number>[] =>
    paths.map(async (path) => {
      const answer = await fetch(`${gateway.url}${path}`, { headers });
      await answer.arrayBuffer();
      return answer.status;
    });
  // All six at the node that is left when the other one goes, and spread over both.
  for (let reload = 0; reload < 5; reload++) {
    const gateways = reload % 2 === 0 ? [one, one, one, one, one, one] : [one, two, one, two, one, two];
    only(200, await Promise.all(gateways.flatMap(tab)));
  }
  expect((await one.metric('runnel_gateway_refusals_total')) + (await two.metric('runnel_gateway_refusals_total'))).toBe(0);
  expect(await one.metric('runnel_gateway_reads_waiting')).toBe(0);
});

test('S-7 twenty answers at once under the name of one integrator, and ten conversations asked at once by one person', async () => {
  const runLog = createMemoryRunLog();
  await using one = await startGateway({ runLog, env: JWT });
  await using two = await startGateway({ runLog, env: JWT });
  for (const [who, at] of [
    ['integrator', 20],
    ['ann', 10],
  ] as const) {
    const headers = await headersOf(who);
    only(202, await Promise.all(Array.from({ length: at }, (_, i) => ask(i % 2 ? one : two, headers, `${who}-${i}`))));
  }
});

test('S-11 a class of sixty behind one address, each with a socket and a question', async () => {
  await using gateway = await startGateway({ env: JWT });
  const pupils = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const { authorization } = await headersOf(`pupil-${i}`);
      const socket = await gateway.connect({ headers: { authorization: authorization! } });
      await socket.ask({ type: 'follow', conversationId: `p${i}` });
      return socket.ask({ type: 'prompt', conversationId: `p${i}`, messageId: 'm', text: 'Hello' });
    }),
  );
  expect([...new Set(pupils.map(({ type }) => type))]).toEqual(['ok']);
});
