import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createInnerToken, createMetrics, silentLog, waitFor } from '@runnel/kit';
import type { ModelInfo } from '@runnel/protocol/http';
import { staticPods, type AiPod, type AiPods, type Offer } from './ai-pods.ts';
import { askingOrder, createDispatcher } from './dispatch.ts';
import { gatewayMetrics } from '../metrics.ts';
import { createJsonClient } from './json-client.ts';
import { chooseModel, createModelCatalogue, mergeModels } from './model-catalogue.ts';

const metrics = () => gatewayMetrics(createMetrics('gateway', { processMetrics: false }));
const RUN = { conversationId: 'c1', runId: 'r1' };
const pod = (url: string, answer: Offer, extra: Partial<AiPod> = {}) => {
  const asked: string[] = [];
  return {
    url,
    open: false,
    load: 0,
    asked,
    offer: async (run: { runId: string }) => (asked.push(run.runId), answer),
    models: async () => [],
    ...extra,
  };
};
const dispatcherOf = (pods: AiPod[]) =>
  createDispatcher({
    pods: { list: () => pods, close: () => {} },
    policy: 'round-robin',
    metrics: metrics(),
    log: silentLog,
    firstTurn: 0,
  });

test('pods take turns; broken ones are skipped; least-inflight asks the idlest first', () => {
  const pods = [pod('a', 'accepted', { load: 5 }), pod('b', 'accepted', { load: 1 }), pod('c', 'accepted', { open: true })];
  const order = (policy: 'round-robin' | 'least-inflight', turn: number) => askingOrder(pods, policy, turn).map(({ url }) => url);
  expect([0, 1, 2].map((turn) => order('round-robin', turn))).toEqual([
    ['a', 'b'],
    ['b', 'a'],
    ['a', 'b'],
  ]);
  expect(order('least-inflight', 0)).toEqual(['b', 'a']);
  expect(askingOrder([], 'round-robin', 3)).toEqual([]);
});

test('a refusal goes to the next pod; who has it already has it; nobody leaves it queued', async () => {
  const refusing = (['full', 'draining', 'unsuited', 'failed'] as const).map((offer) => pod(offer, offer));
  const last = pod('last', 'accepted');
  expect(await dispatcherOf([...refusing, last]).dispatch(RUN)).toBe('accepted');
  expect([...refusing, last].map(({ asked }) => asked.length)).toEqual([1, 1, 1, 1, 1]);
  const after = pod('after', 'accepted');
  expect(await dispatcherOf([pod('taken', 'taken'), after]).dispatch(RUN)).toBe('accepted');
  expect(after.asked).toEqual([]);
  expect(await dispatcherOf(refusing).dispatch(RUN)).toBe('queued');
  expect(await dispatcherOf([]).dispatch(RUN)).toBe('queued');
});

const servers: { close(): void; closeAllConnections(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

test('a pod is asked over HTTP, and says how loaded it is', async () => {
  let body = '';
  const url = await serve((request, response) => {
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => response.writeHead(202).end('{"outcome":"claimed","epoch":1,"running":7}'));
  });
  const pods = staticPods([url], createJsonClient(), createInnerToken({}));
  const [only] = pods.list();
  expect(await only!.offer(RUN)).toBe('accepted');
  expect(JSON.parse(body)).toEqual(RUN);
  expect(only!.load).toBe(7);
  pods.close();
});

test('a pod that fails three times in a row is left alone, and tried again later', async () => {
  let status = 500;
  let calls = 0;
  const url = await serve((_request, response) => {
    calls++;
    response.writeHead(status).end();
  });
  const pods = staticPods([url], createJsonClient(), createInnerToken({}));
  const [only] = pods.list();
  for (let i = 0; i < 3; i++) expect(await only!.offer(RUN)).toBe('failed');
  expect(only!.open).toBe(true);
  expect(await only!.offer(RUN)).toBe('failed');
  expect(calls).toBe(3);
  status = 202;
  await expect.poll(() => only!.offer(RUN), { timeout: 4000, interval: 100 }).toBe('accepted');
  expect(only!.open).toBe(false);
  pods.close();
});

test('a pod that is gone is a failure, not an exception', async () => {
  const pods = staticPods(['http://127.0.0.1:9'], createJsonClient(), createInnerToken({}));
  expect(await pods.list()[0]!.offer(RUN)).toBe('failed');
  pods.close();
});

const model = (id: string, extra: object = {}) => ({ id, name: id, provider: 'demo', canContinue: true, ...extra });
const podsWith = (models: () => Promise<ModelInfo[]>): AiPods => ({ list: () => [pod('a', 'accepted', { models })], close: () => {} });

test('a pod whose list holds junk has no list, and the error says what is wrong with it', async () => {
  for (const [models, wrong] of [
    [[model('a'), null], '/models/1'],
    [[{ id: 1, name: 'a', provider: 'demo', canContinue: true }], '/models/0/id'],
    [[{ id: 'a', name: 'a', canContinue: true }], 'provider'],
    [undefined, 'models'],
  ] as const) {
    const url = await serve((_request, response) => response.end(JSON.stringify({ models })));
    const pods = staticPods([url], createJsonClient(), createInnerToken({}));
    await expect(pods.list()[0]!.models()).rejects.toThrow(wrong);
    pods.close();
  }
});

test('the catalogue is what all pods have', () => {
  expect(mergeModels([[model('a')], [model('b'), model('a', { name: 'other' })]]).map(({ id, name }) => [id, name])).toEqual([
    ['a', 'a'],
    ['b', 'b'],
  ]);
});

test('a model is down where every pod that has it says so', () => {
  const down = { down: true };
  const merged = mergeModels([
    [model('a', down), model('b', down), model('c')],
    [model('a', down), model('b'), model('c', down), model('d', down)],
  ]);
  expect(merged.filter((known) => known.down).map(({ id }) => id)).toEqual(['a', 'd']);
});

test('no model is the default; an unknown one is refused; without a catalogue everything is queued', () => {
  const catalogue = [model('a'), model('b', { default: true })];
  expect(chooseModel(catalogue, undefined)).toBe('b');
  expect(chooseModel(catalogue, 'default')).toBe('b');
  expect(chooseModel([model('a')], undefined)).toBe('a');
  expect(chooseModel(catalogue, 'a')).toBe('a');
  expect(chooseModel(catalogue, 'z')).toBeNull();
  expect(chooseModel([], undefined)).toBe('default');
  expect(chooseModel([], 'z')).toBe('z');
});

test('a gateway that started before the AI pods knows their models soon, without being asked, and asks no more when it does', async () => {
  let asked = 0;
  const models = createModelCatalogue(
    podsWith(async () => (++asked > 3 ? [model('a')] : Promise.reject(new Error('not up yet')))),
    { refreshMs: 60_000 },
  );
  await waitFor(() => models.find('a'), { deadlineMs: 10_000, what: 'the model' });
  expect(asked).toBe(4);
  models.close();
});

test('a prompt during an outage of the AI pods is queued, and soon learns the models when they are back', async () => {
  let up = false;
  let clock = 0;
  const models = createModelCatalogue(
    podsWith(async () => (up ? [model('a', { promptTokens: 7 })] : Promise.reject(new Error('down')))),
    { now: () => clock },
  );
  expect(await models.resolve(undefined, {})).toBe('default');
  up = true;
  clock += 2000;
  expect(await models.resolve(undefined, {})).toBe('a');
  await expect(models.resolve('z', {})).rejects.toMatchObject({ code: 'model-unknown' });
  up = false;
  clock += 2000;
  await expect(models.resolve('z', {})).rejects.toMatchObject({ code: 'model-unknown' });
  expect((await models.list({})).map(({ id }) => id)).toEqual(['a']);
  expect(models.find('a')?.promptTokens).toBe(7);
  models.close();
});
