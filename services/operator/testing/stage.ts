import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInnerToken, createMetrics, silentLog, waitFor } from '@runnel/kit';
import { createKubeApi, StatusError, type KubeObject, type Lease } from '@runnel/kube';
import { startKubeServer, type KubeServer } from '@runnel/kube/testing';
import { hashOfEntry, type AiFigures, type ModelEntry, type ModelFigures } from '@runnel/protocol/http';
import { SMALL, SMALL_ENV } from '../../../scripts/images/bundle.mjs';
import type { ChatCluster } from '../src/kinds/chat-cluster.ts';
import type { ChatModel } from '../src/kinds/chat-model.ts';
import { crds } from '../src/kinds/crd.ts';
import { createOperatorMetrics } from '../src/metrics.ts';
import { MODELS_KEY, type ConfigMap, type Secret } from '../src/models/files.ts';
import type { Pod } from '../src/observe/pods.ts';
import { startOperator } from '../src/operator.ts';
import { TIMING } from './timing.ts';

export const NS = '/api/v1/namespaces/chat';
export const MODELS = '/apis/runnel.dev/v1alpha1/namespaces/chat/chatmodels';
export const CLUSTERS = '/apis/runnel.dev/v1alpha1/namespaces/chat/chatclusters';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/chat/deployments';
const labels = (component: string): Record<string, string> => ({
  'app.kubernetes.io/name': 'runnel',
  'app.kubernetes.io/instance': 'runnel',
  'app.kubernetes.io/component': component,
});

/** What an AI pod would say that follows the published file, unless a test says otherwise. */
export interface PlayedPod {
  runs: number;
  ended: { ok: number; failed: number };
  models: Record<string, Partial<ModelFigures>>;
  deaf: boolean;
}

/** A real API server with our kinds; pods are objects whose figures a test plays. */
export const startStage = async () => {
  let taken: (() => readonly ModelEntry[]) | undefined;
  const server: KubeServer = await startKubeServer();
  const { api } = server;
  for (const crd of crds()) await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
  for (const path of [MODELS, CLUSTERS]) await waitFor(() => api.get(path), { deadlineMs: 20_000 });

  const played = new Map<string, PlayedPod>();
  const published = async (): Promise<ModelEntry[]> => {
    const file = await api.find<ConfigMap>(`${NS}/configmaps/runnel-models`);
    return JSON.parse(file?.data?.[MODELS_KEY] ?? '[]') as ModelEntry[];
  };
  const figuresOf = async ({ runs, ended, models }: PlayedPod): Promise<AiFigures> => {
    const quiet = { running: 0, ok: 0, failed: 0, firstTextP95Ms: null };
    const entries = taken?.() ?? (await published());
    return {
      ...{ runs, ended, problems: [] },
      models: Object.fromEntries(entries.map((entry) => [entry.id, { ...quiet, hash: hashOfEntry(entry), ...models[entry.id] }])),
    };
  };
  const http = createServer((request, response) => {
    const [, name = ''] = request.url!.split('/');
    const pod = played.get(name);
    if (pod === undefined || pod.deaf) return void response.writeHead(503).end();
    const body = name.startsWith('gateway') ? Promise.resolve({ sockets: pod.runs }) : figuresOf(pod);
    void body.then(
      (figures) => response.end(JSON.stringify(figures)),
      () => response.writeHead(500).end(),
    );
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const podsUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const token = createInnerToken({ given: 'inner-token-of-a-test' });

  const operators: { close(): Promise<void> }[] = [];
  const operator = (user = 'admin', keySecrets: string[] = []) => {
    const account = server.account(user);
    const own = createKubeApi(account, { deadlineMs: 2_000 });
    const metrics = createMetrics('operator', { processMetrics: false });
    const started = startOperator({
      ...{ account, api: own, token, log: silentLog, metrics: createOperatorMetrics(metrics), timing: TIMING },
      config: { nodeId: 'test', release: 'runnel', instance: 'runnel', modelsDir: '/etc/runnel/models', keySecrets },
      addressOfPod: (pod: Pod) => `${podsUrl}/${pod.metadata!.name!}`,
    });
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= started.close().then(() => own.close()));
    operators.push({ close });
    return { ...started, close, metrics };
  };

  const processes: ChildProcess[] = [];
  /** One that can be killed, and put to sleep; with what its image gives to Node. */
  const operatorProcess = (name: string, pace: 'quick' | 'real' = 'quick', modelsDir = '/etc/runnel/models'): ChildProcess => {
    const file = join(import.meta.dirname, 'operator-process.ts');
    const told = { KUBE_SERVER: server.url, KUBE_CA: server.admin.ca, NAME: name, PODS_URL: podsUrl, PACE: pace, MODELS_DIR: modelsDir };
    const env = { ...process.env, ...told, ...SMALL_ENV };
    const child = spawn(process.execPath, [...SMALL, file], { env, stdio: 'ignore' });
    processes.push(child);
    return child;
  };

  const remove = async (path: string): Promise<void> => {
    await api.remove(path).catch((error: unknown) => {
      if (!(error instanceof StatusError && error.status === 404)) throw error;
    });
  };
  return {
    server,
    api,
    operator,
    operatorProcess,
    published,
    remove,
    /** What AI pods say that they have, from now on. */
    follow: (entries: () => readonly ModelEntry[]): void => void (taken = entries),
    async pod(name: string, component: 'ai' | 'gateway', more: { hash?: string } = {}): Promise<PlayedPod> {
      const pod = { runs: 0, ended: { ok: 0, failed: 0 }, models: {}, deaf: false };
      played.set(name, pod);
      const metadata = { name, labels: { ...labels(component), ...(more.hash && { 'pod-template-hash': more.hash }) } };
      const containers = [{ name: component, image: `runnel/${component}:${more.hash ?? '1'}` }];
      await api.create(`${NS}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } } as KubeObject);
      const conditions = [{ type: 'Ready', status: 'True' }];
      await api.patch(`${NS}/pods/${name}/status`, 'merge', { status: { phase: 'Running', podIP: '127.0.0.1', conditions } });
      return pod;
    },
    async deployment(component: 'ai' | 'gateway', replicas: number): Promise<void> {
      const template = { metadata: { labels: labels(component) }, spec: { containers: [{ name: component, image: 'runnel/x:1' }] } };
      await api.create(DEPLOYMENTS, {
        ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: `runnel-${component}`, labels: labels(component) } },
        spec: { replicas, selector: { matchLabels: labels(component) }, template },
      } as KubeObject);
      await api.patch(`${DEPLOYMENTS}/runnel-${component}/status`, 'merge', {
        status: { observedGeneration: 1, replicas, updatedReplicas: replicas, readyReplicas: replicas },
      });
    },
    /** As `kubectl apply` does. */
    apply: (name: string, spec: object) =>
      api.patch<ChatModel>(
        `${MODELS}/${name}`,
        'apply',
        { apiVersion: 'runnel.dev/v1alpha1', kind: 'ChatModel', metadata: { name }, spec },
        { fieldManager: 'test', force: true },
      ),
    cluster: (spec: object) =>
      api.patch<ChatCluster>(
        `${CLUSTERS}/runnel`,
        'apply',
        { apiVersion: 'runnel.dev/v1alpha1', kind: 'ChatCluster', metadata: { name: 'runnel' }, spec },
        { fieldManager: 'test', force: true },
      ),
    secret: (name: string, key: string, consents = true) =>
      api.patch<Secret>(
        `${NS}/secrets/${name}`,
        'apply',
        {
          ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, ...(consents && { labels: { 'runnel.dev/model-keys': 'true' } }) } },
          stringData: { key },
        },
        { fieldManager: 'test', force: true },
      ),
    holder: async (): Promise<string> => {
      const lease = await api.find<Lease>('/apis/coordination.k8s.io/v1/namespaces/chat/leases/runnel-operator');
      return lease?.spec?.holderIdentity ?? '';
    },
    ready: async (name: string) => {
      const model = await api.find<ChatModel>(`${MODELS}/${name}`);
      const found = model?.status?.conditions?.find(({ type }) => type === 'Ready');
      return found && `${found.status} ${found.reason}`;
    },
    keyOf: async (name: string): Promise<string | undefined> => {
      const secret = await api.find<Secret>(`${NS}/secrets/runnel-model-keys`);
      const found = secret?.data?.[`${name}.key`];
      return found && Buffer.from(found, 'base64').toString();
    },
    async close(): Promise<void> {
      for (const child of processes) child.kill('SIGKILL');
      await Promise.all(operators.map(({ close }) => close()));
      http.closeAllConnections();
      http.close();
      await server.close();
    },
  };
};
export type Stage = Awaited<ReturnType<typeof startStage>>;
