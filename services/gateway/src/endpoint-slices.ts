import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { delay, type Logger } from '@runnel/kit';
import { HttpAiPod, type AiPod, type AiPods } from './ai-pods.ts';
import { createJsonClient, type JsonClient } from './http-json.ts';

export interface EndpointSlicesOptions {
  /** The Kubernetes Service whose pods run the models. */
  service: string;
  /** `https://host:port` of the Kubernetes API. */
  api: string;
  /** For the calls to the pods. */
  client: JsonClient;
  log: Logger;
  /** Where the pod's own token, CA and namespace are mounted. */
  accountDir?: string;
  everyMs?: number;
}

const ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A pod that left refuses or fails, and the next one is asked; one that came is used this much later. */
const EVERY_MS = 2000;
const TIMEOUT_MS = 2000;
const PORT_NAME = 'http';

interface EndpointSlice {
  addressType?: string;
  ports?: { name?: string; port?: number }[] | null;
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean; terminating?: boolean } }[] | null;
}

/** Base URLs of the pods that take work. `ready` absent means ready, as the API says. Pure. */
export const readyUrls = (slices: readonly EndpointSlice[]): string[] => {
  const urls = slices.flatMap(({ addressType, ports, endpoints }) => {
    const port = (ports?.find(({ name }) => name === PORT_NAME) ?? ports?.[0])?.port;
    if (port === undefined) return [];
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true);
    return ready.flatMap(({ addresses = [] }) =>
      addresses.slice(0, 1).map((ip) => `http://${addressType === 'IPv6' ? `[${ip}]` : ip}:${port}`),
    );
  });
  // While slices are rewritten an endpoint may stand in two.
  return [...new Set(urls)].toSorted();
};

/**
 * The ready pods of a Kubernetes Service, by its EndpointSlices, asked for again every two seconds. Asking each pod itself and
 * not the Service is what lets a refusal go to the next one. What was known stays while the API does not answer.
 */
export const endpointSlicePods = (options: EndpointSlicesOptions): AiPods => {
  const { service, api, client, log, accountDir = ACCOUNT_DIR, everyMs = EVERY_MS } = options;
  const stopped = new AbortController();
  let pods = new Map<string, AiPod>();
  let kubernetes: JsonClient | undefined;

  const read = async (): Promise<void> => {
    const [token, namespace] = await Promise.all(['token', 'namespace'].map((name) => readFile(join(accountDir, name), 'utf8')));
    kubernetes ??= createJsonClient({ ca: await readFile(join(accountDir, 'ca.crt'), 'utf8') });
    const url = new URL(`/apis/discovery.k8s.io/v1/namespaces/${namespace!.trim()}/endpointslices`, api);
    url.search = new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${service}`, resourceVersion: '0' }).toString();
    const { status, body } = await kubernetes.call('GET', url, {
      timeoutMs: TIMEOUT_MS,
      headers: { authorization: `Bearer ${token!.trim()}` },
    });
    if (status !== 200) throw new Error(`the Kubernetes API answered ${status}`);
    const urls = readyUrls((body as { items?: EndpointSlice[] }).items ?? []);
    // A pod that stays keeps its breaker and its load.
    pods = new Map(urls.map((pod) => [pod, pods.get(pod) ?? new HttpAiPod(pod, client)]));
  };

  const watch = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await read().catch((err: unknown) => log.warn({ event: 'ai-pods.unknown', service, err }));
      await delay(everyMs * (0.9 + Math.random() * 0.2), stopped.signal);
    }
  };
  void watch();

  return {
    list: () => [...pods.values()],
    close() {
      stopped.abort();
      kubernetes?.close();
      client.close();
    },
  };
};
