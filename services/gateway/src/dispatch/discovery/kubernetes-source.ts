import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
// Not the package's index: that loads every API there is, 88 MB of a gateway's memory; the watch alone takes 30.
import { Watch } from '@kubernetes/client-node/dist/watch.js';
import type { KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { createJsonClient } from '../json-client.ts';
import type { EndpointSlice } from './endpoint-slices.ts';
import { StatusError, type ListWatch, type WatchEvent } from './reflector.ts';

export interface KubernetesSourceOptions {
  /** The Service whose slices are wanted. */
  service: string;
  /** `https://host:port` of the API server. */
  api: string;
  /** Where the pod's own token, CA and namespace are mounted. */
  accountDir: string;
}

const LIST_TIMEOUT_MS = 5000;
/** The server ends a watch after this long, at random within the upper half, so that gateways do not come back together. */
const WATCH_SECONDS = { least: 240, spread: 240 };

/**
 * The EndpointSlices of one Service, read as the pod's own ServiceAccount. The token is read again for each call: Kubernetes
 * replaces it hourly. The client's watch gives up after 30 s of silence, which is what notices a dead connection.
 */
export const kubernetesSource = async ({ service, api, accountDir }: KubernetesSourceOptions): Promise<ListWatch<EndpointSlice>> => {
  const read = async (name: string): Promise<string> => (await readFile(join(accountDir, name), 'utf8')).trim();
  const [namespace, ca] = await Promise.all([read('namespace'), read('ca.crt')]);
  const json = createJsonClient({ ca });
  const dispatcher = new Agent({ connect: { ca } });
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const watcher = new Watch({
    getCurrentCluster: () => ({ server: api }),
    applySecurityAuthentication: async (context: RequestContext) => {
      context.setHeaderParam('authorization', `Bearer ${await read('token')}`);
      context.setDispatcher(dispatcher as never);
    },
  } as unknown as KubeConfig);

  return {
    async list() {
      const url = new URL(path, api);
      url.search = new URLSearchParams({ labelSelector, resourceVersion: '0' }).toString();
      const headers = { authorization: `Bearer ${await read('token')}` };
      const { status, body } = await json.call('GET', url, { timeoutMs: LIST_TIMEOUT_MS, headers });
      if (status !== 200) throw new StatusError(status);
      const { items = [], metadata = {} } = body as { items?: EndpointSlice[]; metadata?: { resourceVersion?: string } };
      return { items, resourceVersion: metadata.resourceVersion ?? '0' };
    },

    async watch(resourceVersion, onEvent, signal) {
      const timeoutSeconds = WATCH_SECONDS.least + Math.floor(Math.random() * WATCH_SECONDS.spread);
      const query = { labelSelector, resourceVersion, timeoutSeconds, allowWatchBookmarks: true };
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stop = new AbortController();
      const receive = (type: string, object: WatchEvent<EndpointSlice>['object']): void => {
        try {
          onEvent({ type, object });
        } catch (error) {
          // The client swallows what a callback throws.
          reject(error as Error);
          stop.abort();
        }
      };
      const ended = (error: (Error & { statusCode?: number }) | null): void => {
        if (error?.statusCode !== undefined) reject(new StatusError(error.statusCode));
        else if (error === null || error.name === 'TimeoutError' || error.name === 'AbortError') resolve();
        else reject(error);
      };
      const request = await watcher.watch(path, query, receive, ended);
      AbortSignal.any([signal, stop.signal]).addEventListener('abort', () => request.abort(), { once: true });
      if (signal.aborted || stop.signal.aborted) request.abort();
      return promise;
    },
  };
};
