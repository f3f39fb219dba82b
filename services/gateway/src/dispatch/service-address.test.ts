import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createServer as createTcp, type AddressInfo, type Server } from 'node:net';
import { createInnerToken, createMetrics, silentLog, waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { gatewayMetrics } from '../metrics.ts';
import { createDispatcher } from './dispatch.ts';
import { serviceAddress } from './service-address.ts';
import { watchPods } from './watch-pods.ts';

const RUN = { conversationId: 'c1', runId: 'r1' };

const listening = async (server: Server): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
};

const startPod = async (name: string, status: () => number) => {
  const offers: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/alive') return void response.writeHead(200).write(`{"owner":"${name}","keepMs":20}\n`);
    offers.push(request.url!);
    response.writeHead(status()).end('{"running":1}');
  });
  const port = await listening(server);
  return { port, offers, die: () => server.closeAllConnections() };
};

/** A Service as kube-proxy makes one: each connection goes to the next pod. */
const startService = async (ports: readonly number[]): Promise<string> => {
  let turn = 0;
  const service = createTcp((client) => {
    const pod = connect(ports[turn++ % ports.length]!, '127.0.0.1');
    for (const [from, to] of [
      [client, pod],
      [pod, client],
    ] as const)
      from.pipe(to).on('error', () => from.destroy());
  });
  return `http://127.0.0.1:${await listening(service)}`;
};

const dispatcherOf = (url: string) => {
  const metrics = gatewayMetrics(createMetrics('gateway', { processMetrics: false }));
  const pods = serviceAddress([url], createInnerToken({}));
  const dispatcher = createDispatcher({ pods, policy: 'service', metrics, log: silentLog });
  onTestFinished(() => dispatcher.close());
  return { dispatcher, pods, metrics };
};

test('a run that one pod refuses is offered to the address again, which asks another', async () => {
  const pods = [await startPod('a', () => 429), await startPod('b', () => 202)];
  const { dispatcher } = dispatcherOf(await startService(pods.map(({ port }) => port)));
  for (let n = 0; n < 6; n++) expect(await dispatcher.dispatch(RUN)).toBe('accepted');
  expect(pods[1]!.offers).toHaveLength(6);
  expect(pods[0]!.offers.length).toBeGreaterThan(0);
});

test('what nobody takes stays in the queue after a few turns, and an address that is gone is none', async () => {
  const full = await startPod('a', () => 429);
  const { dispatcher } = dispatcherOf(await startService([full.port]));
  expect(await dispatcher.dispatch(RUN)).toBe('queued');
  expect(full.offers).toHaveLength(4);
  expect(await dispatcherOf('http://127.0.0.1:9').dispatcher.dispatch(RUN)).toBe('queued');
});

test('P-4 the pods behind the address are watched, as far as its connections reach them', async () => {
  const pods = [await startPod('a', () => 202), await startPod('b', () => 202)];
  const { pods: turns, metrics } = dispatcherOf(await startService(pods.map(({ port }) => port)));
  const doubted = new Set<string>();
  const runLog = { doubtOwner: async (owner: string) => (doubted.add(owner), []), publishWork: async () => undefined };
  const watching = watchPods({ pods: turns, token: createInnerToken({}), runLog, metrics, log: silentLog });
  onTestFinished(watching.close);
  await waitFor(
    async () => {
      for (const pod of pods) pod.die();
      return doubted.size === 2;
    },
    { deadlineMs: 8_000, everyMs: 200, what: 'both deaths' },
  );
  expect([...doubted].toSorted()).toEqual(['a', 'b']);
});
