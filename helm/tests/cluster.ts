import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { goTool } from '../../scripts/go-tools.mjs';
import { CHART, parsed, type Manifest } from './chart.ts';

/** What stands in the namespace: `Secret/name` to its data, `Deployment/name` to its metadata and spec. */
export type Held = Record<string, Record<string, unknown>>;

const PLURALS: Record<string, string> = { secrets: 'Secret', configmaps: 'ConfigMap', deployments: 'Deployment' };
const resources = (groupVersion: string, ...plurals: string[]): object => ({
  kind: 'APIResourceList',
  groupVersion,
  resources: plurals.map((name) => ({ kind: PLURALS[name], name, namespaced: true, verbs: ['get'] })),
});

/** As much of the Kubernetes API as a chart's `lookup` asks. */
const answer = (held: Held, path: string): object => {
  const [, group, plural, name] = /^\/apis?\/(v1|apps\/v1)\/namespaces\/chat\/(\w+)\/(.+)$/.exec(path) ?? [];
  const kind = PLURALS[plural ?? ''];
  const found = held[`${kind}/${name}`];
  if (found && kind === 'Deployment') return { apiVersion: group, kind, ...found };
  if (found) return { apiVersion: group, kind, metadata: { name, namespace: 'chat' }, data: found };
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.0' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  const apps = { groupVersion: 'apps/v1', version: 'v1' };
  if (path === '/apis')
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: [{ name: 'apps', versions: [apps], preferredVersion: apps }] };
  if (path === '/api/v1') return resources('v1', 'secrets', 'configmaps');
  if (path === '/apis/apps/v1') return resources('apps/v1', 'deployments');
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
};

/** Renders as an upgrade does, which asks the cluster. By Helm 3: Helm 4 has the same `lookup`, but asks about every object besides. */
export const renderInCluster = async (held: Held, set: readonly string[]): Promise<Manifest[]> => {
  const server = createServer((request, response) => {
    const body = answer(held, new URL(request.url!, 'http://cluster').pathname);
    response.writeHead('code' in body ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const args = ['template', 'runnel', CHART, '--namespace', 'chat', '--dry-run=server', '--kube-apiserver', url];
    const { stdout } = await promisify(execFile)(goTool('helm3'), [...args, ...set.flatMap((value) => ['--set', value])]);
    return parsed(stdout);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};
