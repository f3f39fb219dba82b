import { afterEach, beforeEach, expect, test } from 'vitest';
import { createInnerToken, createMetrics, silentLog, waitFor } from '@runnel/kit';
import type { AiPods } from '../ai-pods.ts';
import { gatewayMetrics } from '../../metrics.ts';
import { servicePods } from './service-pods.ts';
import { startApiServer } from '../../../testing/discovery/api-server.ts';
import { endpoint, slice } from '../../../testing/discovery/slices.ts';

const token = createInnerToken({});

type Api = Awaited<ReturnType<typeof startApiServer>>;

let api: Api;
let pods: AiPods;
const metrics = createMetrics('gateway');
const counted = gatewayMetrics(metrics);

const start = (): void => {
  pods = servicePods({ service: 'runnel-ai', api: api.url, accountDir: api.accountDir, token, metrics: counted, log: silentLog });
};
const urls = (): string[] => pods.list().map(({ url }) => url);
const watching = (times: number) => waitFor(() => api.watched().length >= times && api.watches.size === 1, { what: `watch ${times}` });

beforeEach(async () => {
  api = await startApiServer();
  api.state.slices = [slice('a', [endpoint('10.0.0.1'), endpoint('10.0.0.2')])];
  api.state.version = '100';
});
afterEach(async () => {
  pods.close();
  await api.close();
});

test("lists and then watches from there, as the pod's own account, and asks for bookmarks", async () => {
  start();
  await watching(1);
  expect(urls()).toEqual(['http://10.0.0.1:8081', 'http://10.0.0.2:8081']);
  const path = '/apis/discovery.k8s.io/v1/namespaces/chat/endpointslices';
  const labelSelector = 'kubernetes.io/service-name=runnel-ai';
  expect(api.lists()).toEqual([{ path, query: { labelSelector, resourceVersion: '0' }, authorization: 'Bearer tok-1' }]);
  expect(api.watched()[0]).toMatchObject({ path, query: { labelSelector, resourceVersion: '100', allowWatchBookmarks: 'true' } });
  expect(api.watched()[0]!.authorization).toBe('Bearer tok-1');
});

test('a pod that drains gets nothing from the moment it is said; one that stays keeps what is known of it', async () => {
  start();
  await watching(1);
  const [first] = pods.list();
  api.send('MODIFIED', slice('a', [endpoint('10.0.0.1'), endpoint('10.0.0.2', { ready: false, terminating: true })], { version: '101' }));
  await waitFor(() => urls().length === 1);
  expect(pods.list()[0]).toBe(first);
  api.send('ADDED', slice('b', [endpoint('10.0.0.3')], { version: '102' }));
  await waitFor(() => urls().length === 2);
  api.send('DELETED', slice('a', [], { version: '103' }));
  await waitFor(() => urls().length === 1);
  expect(urls()).toEqual(['http://10.0.0.3:8081']);
});

test.each(['end', 'cut'] as const)('a watch that ends (%s) goes on from the last version, without a new list', async (how) => {
  start();
  await watching(1);
  api.send('BOOKMARK', { metadata: { resourceVersion: '170' } });
  api.send('MODIFIED', slice('a', [endpoint('10.0.0.9')], { version: '171' }));
  await waitFor(() => urls()[0] === 'http://10.0.0.9:8081');
  api.end(how);
  await watching(2);
  expect(api.watched()[1]).toMatchObject({ query: { resourceVersion: '171' }, authorization: 'Bearer tok-1' });
  expect(api.lists()).toHaveLength(1);
  expect(urls()).toEqual(['http://10.0.0.9:8081']);
});

test.each(['event', 'status'] as const)(
  'an expired version (410 as %s) is listed again, and what has gone meanwhile is gone',
  async (as) => {
    start();
    await watching(1);
    api.state.slices = [slice('b', [endpoint('10.0.0.5')])];
    api.state.version = '900';
    if (as === 'event') api.send('ERROR', { kind: 'Status', code: 410, message: 'too old resource version' });
    else {
      api.state.watchStatus = 410;
      api.end('end');
    }
    await waitFor(() => api.lists().length >= 2);
    api.state.watchStatus = 200;
    await watching(2);
    expect(api.watched().at(-1)!.query['resourceVersion']).toBe('900');
    expect(urls()).toEqual(['http://10.0.0.5:8081']);
  },
);

test('what was known stays while the API fails, and it is not hammered', async () => {
  start();
  await watching(1);
  api.state.watchStatus = 500;
  api.state.listStatus = 500;
  const before = api.asked.length;
  api.end('cut');
  await waitFor(() => api.asked.length >= before + 3);
  expect(urls()).toHaveLength(2);
  api.state.watchStatus = 200;
  api.state.listStatus = 200;
  await watching(2);
  expect(await metrics.text()).toMatch(/runnel_gateway_discoveries_total\{.*outcome="failed"/);
});

test('without a service account the name is resolved, again and again', async () => {
  let addresses = ['10.1.0.2', '10.1.0.1'];
  let fails = false;
  pods = servicePods({
    token,
    service: 'ai',
    api: undefined,
    accountDir: '/nowhere',
    metrics: counted,
    log: silentLog,
    resolveEveryMs: 5,
    resolve: (name) => {
      if (fails || name !== 'ai') return Promise.reject(new Error('ENOTFOUND'));
      return Promise.resolve(addresses.map((address) => ({ address })));
    },
  });
  await waitFor(() => pods.list().length === 2);
  expect(urls()).toEqual(['http://10.1.0.1:8081', 'http://10.1.0.2:8081']);
  addresses = ['10.1.0.3'];
  await waitFor(() => urls()[0] === 'http://10.1.0.3:8081');
  fails = true;
  await waitFor(() => pods.list().length === 1);
  expect(urls()).toEqual(['http://10.1.0.3:8081']);
});
