// Not the package's index: that loads every API there is, 88 MB of a process; the watch alone takes 30.
import { Watch } from '@kubernetes/client-node/dist/watch.js';
import type { KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';
import type { KubeAccount } from './account.ts';
import { StatusError, type KubeApi } from './api.ts';
import type { KubeObject } from './objects.ts';
import type { ListWatch, WatchEvent } from './reflector.ts';

/** The server ends a watch after this long, at random within the upper half, so that watchers do not come back together. */
const WATCH_SECONDS = { least: 240, spread: 240 };

interface List<T> extends KubeObject {
  items?: T[];
}

export interface ListWatchOptions {
  account: KubeAccount;
  api: KubeApi;
  /** `/apis/group/version/namespaces/ns/plural` */
  path: string;
  labelSelector?: string;
}

/** One kind of objects of one namespace. The client's watch gives up after 30 s of silence, which is what notices a dead connection. */
export const listWatch = <T extends KubeObject>({ account, api, path, labelSelector }: ListWatchOptions): ListWatch<T> => {
  const dispatcher = new Agent({ connect: account.ca === '' ? {} : { ca: account.ca } });
  const selector = labelSelector === undefined ? {} : { labelSelector };
  const watcher = new Watch({
    getCurrentCluster: () => ({ server: account.server }),
    applySecurityAuthentication: async (context: RequestContext) => {
      context.setHeaderParam('authorization', `Bearer ${await account.token()}`);
      context.setDispatcher(dispatcher as never);
    },
  } as unknown as KubeConfig);

  return {
    async list() {
      const { items = [], metadata = {} } = await api.get<List<T>>(path, { ...selector, resourceVersion: '0' });
      return { items, resourceVersion: metadata.resourceVersion ?? '0' };
    },

    async watch(resourceVersion, onEvent, signal) {
      const timeoutSeconds = WATCH_SECONDS.least + Math.floor(Math.random() * WATCH_SECONDS.spread);
      const query = { ...selector, resourceVersion, timeoutSeconds, allowWatchBookmarks: true };
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stop = new AbortController();
      const receive = (type: string, object: WatchEvent<T>['object']): void => {
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
