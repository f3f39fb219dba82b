import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog, waitFor } from '@runnel/kit';
import { endpointSlicePods, readyUrls } from './endpoint-slices.ts';
import { createJsonClient } from './http-json.ts';

const endpoint = (address: string, conditions = {}) => ({ addresses: [address], conditions });
const slice = (endpoints: object[], extra = {}) => ({
  addressType: 'IPv4',
  ports: [
    { name: 'internal', port: 9081 },
    { name: 'http', port: 8081 },
  ],
  endpoints,
  ...extra,
});

test('ready pods are asked at their public port; those that leave are not', () => {
  const slices = [
    slice([
      endpoint('10.0.0.2', { ready: true }),
      endpoint('10.0.0.1'),
      endpoint('10.0.0.3', { ready: false }),
      endpoint('10.0.0.4', { ready: true, terminating: true }),
    ]),
    slice([endpoint('10.0.0.1')]),
    slice([endpoint('fd00::1')], { addressType: 'IPv6', ports: [{ port: 80 }] }),
    slice([endpoint('10.0.0.9')], { ports: [] }),
    { addressType: 'IPv4', ports: null, endpoints: null },
  ];
  expect(readyUrls(slices)).toEqual(['http://10.0.0.1:8081', 'http://10.0.0.2:8081', 'http://[fd00::1]:80']);
});

test("the API is asked with the pod's own token, and what was known stays while it fails", async () => {
  const accountDir = await mkdtemp(join(tmpdir(), 'account-'));
  for (const [name, text] of Object.entries({ token: 'tok\n', namespace: 'chat', 'ca.crt': '' }))
    await writeFile(join(accountDir, name), text);
  let addresses = ['10.0.0.1', '10.0.0.2'];
  let fails = false;
  const asked: { url: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url!, authorization: request.headers.authorization });
    response.writeHead(fails ? 500 : 200).end(JSON.stringify({ items: [slice(addresses.map((address) => endpoint(address)))] }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pods = endpointSlicePods({ service: 'runnel-ai', api, client: createJsonClient(), log: silentLog, accountDir, everyMs: 10 });
  await waitFor(() => pods.list().length === 2);
  expect(asked[0]).toEqual({
    url: '/apis/discovery.k8s.io/v1/namespaces/chat/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Drunnel-ai&resourceVersion=0',
    authorization: 'Bearer tok',
  });
  const [first] = pods.list();
  fails = true;
  const before = asked.length;
  await waitFor(() => asked.length > before + 2);
  expect(pods.list()).toHaveLength(2);
  fails = false;
  addresses = ['10.0.0.1', '10.0.0.7', '10.0.0.8'];
  await waitFor(() => pods.list().length === 3);
  expect(pods.list()[0]).toBe(first);
  pods.close();
  server.close();
  server.closeAllConnections();
  await rm(accountDir, { recursive: true });
});
