import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { append, collect, startRun } from './contract/world.ts';
import { createRedisRunLog } from '../src/redis/run-log.ts';
import { startRedis, waitFor } from '../testing/index.ts';

/** A TCP proxy that can swallow everything on the connections that have subscribed, without closing them. */
const startProxy = async (target: number) => {
  const subscribers = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    near.on('data', (data) => {
      if (data.includes('ssubscribe')) subscribers.add(far);
      far.write(data);
    });
    far.on('data', (data) => near.write(data));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const swallow = (): void => {
    for (const far of subscribers) far.removeAllListeners('data').resume();
    subscribers.clear();
  };
  return { port: (server.address() as AddressInfo).port, swallow, close: () => void server.close() };
};

test('P-10 pub/sub that is silently cut is noticed within two seconds, while commands go on', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const proxy = await startProxy(redis.port);
  onTestFinished(proxy.close);
  const log = createRedisRunLog({ url: `redis://127.0.0.1:${proxy.port}` });
  onTestFinished(() => log.close());

  const run = await startRun(log);
  const followed = await collect(log, run.conversationId);
  await append(log, run, 0, 'a');
  await waitFor(() => followed.entries.length === 1);
  proxy.swallow();
  const cut = performance.now();
  expect(await append(log, run, 1, 'b')).toMatchObject({ outcome: 'appended' });
  await waitFor(() => followed.resubscriptions() === 1, { what: 'resubscribed' });
  expect(performance.now() - cut).toBeLessThan(2_000 + 500);
  await append(log, run, 2, 'c');
  await waitFor(() => followed.entries.length === 2);
  expect(JSON.parse(followed.entries[1]!.json)).toMatchObject({ at: 2, text: 'c' });
});
