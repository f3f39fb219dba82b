import { createRedisRunLog } from '@runnel/coordination';
import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import { waitFor } from '@runnel/kit';
import { CLOSE, newId } from '@runnel/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../testing/oidc/browser.ts';
import { startRealProvider, type RealProvider } from '../testing/oidc/real-provider.ts';
import { signed, testSessions } from '../testing/oidc/sessions.ts';
import { meOf, oidcEnv, signIn, startOidcGateway } from '../testing/oidc/signed-in.ts';
import { startGateway } from '../testing/test-gateway.ts';

let redis: TestRedis;
let provider: RealProvider;
beforeAll(async () => {
  [redis, provider] = await Promise.all([startRedis(), startRealProvider()]);
});
afterAll(async () => {
  await provider.close();
  await redis.stop();
});
const open = async () => {
  const runLog = createRedisRunLog({ url: redis.url });
  await waitFor(() => runLog.ping().then(() => true));
  return runLog;
};

test(
  'A-19 Redis is emptied: everybody signs in again and comes back to where they were; sockets of what was forgotten close',
  { timeout: 60_000 },
  async () => {
    const runLog = await open();
    const { gateway, publicUrl } = await startOidcGateway(provider, { runLog });
    const browser = new Browser();
    await signIn(browser, publicUrl);
    const planted = browser.cookiesFor(publicUrl);
    const socket = await gateway.connect({ query: {}, headers: { cookie: planted } });
    const conversationId = newId();
    await socket.ask({ type: 'prompt', conversationId, messageId: newId(), text: 'hi' });
    await waitFor(() => gateway.owner.runs.length === 1);

    await redis.cli('FLUSHALL');
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 401 });
    // What lives of a session that nobody knows any more is closed at the next look.
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await signIn(browser, publicUrl, `/c/${conversationId}`)).toBe(`${publicUrl}/c/${conversationId}`);
    expect(browser.cookiesFor(publicUrl)).not.toBe(planted);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 200, userId: 'ann' });
    await gateway.close();
    await runLog.close();
  },
);

test('A-14 a session that is ended on one node is refused on the other, and its socket there closes within a second', async () => {
  const [here, there] = [await open(), await open()];
  const { gateway: one, publicUrl } = await startOidcGateway(provider, { runLog: here });
  await using two = await startGateway({ runLog: there, env: oidcEnv(provider.issuer, publicUrl) });
  const [browser, bystander] = [new Browser(), new Browser()];
  await signIn(browser, publicUrl);
  await signIn(bystander, publicUrl);
  const socketOf = (of: Browser) => two.connect({ query: {}, headers: { cookie: of.cookiesFor(publicUrl) } });
  const [socket, other] = [await socketOf(browser), await socketOf(bystander)];
  const at = performance.now();
  await browser.ask(`${publicUrl}/api/sign-out`, { method: 'POST', headers: { origin: publicUrl } });
  expect(await socket.closedWith).toBe(CLOSE.auth);
  expect(performance.now() - at).toBeLessThan(1_000);
  expect(other.socket.readyState).toBe(1);
  await one.close();
  await Promise.all([here.close(), there.close()]);
});

test(
  'A-2 thousands of sessions of one person, begun on two gateways at once, leave fifty, and no digest of the others',
  { timeout: 120_000 },
  async () => {
    const stores = [await open(), await open()];
    await redis.cli('FLUSHALL');
    const gateways = stores.map((store) => testSessions(provider.issuer, { store, maxMs: 3_600_000 }));
    for (let begun = 0; begun < 2_000; begun += 100) {
      // A busy machine may let the store be late: whoever is told so tries again, as a person would.
      const enter = (i: number) => waitFor(() => gateways[i % 2]!.begin(signed(), 'a device').catch(() => null), { deadlineMs: 30_000 });
      await Promise.all(Array.from({ length: 100 }, (_, i) => enter(i)));
    }
    expect(await gateways[0]!.list('ann')).toHaveLength(50);
    expect(await redis.cli('KEYS', 'grant:home:*')).toHaveLength(50);
    await Promise.all(stores.map((store) => store.close()));
  },
);
