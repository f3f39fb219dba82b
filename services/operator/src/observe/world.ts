import { listWatch, reflect, type KubeAccount, type KubeApi, type KubeObject, type ReflectorOutcome } from '@runnel/kube';
import type { ChatCluster } from '../kinds/chat-cluster.ts';
import type { ChatModel } from '../kinds/chat-model.ts';
import { customPath } from '../act/writer.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { Pod } from './pods.ts';

/** Copies of what the API server holds. */
export interface World {
  /** All kinds have been listed once: before that, nothing that is missing is known to be missing. */
  synced(): boolean;
  models: readonly ChatModel[];
  clusters: readonly ChatCluster[];
  pods: readonly Pod[];
  deployments: readonly Deployment[];
}

export const WATCHED = ['models', 'clusters', 'pods', 'deployments'] as const;
export type Watched = (typeof WATCHED)[number];

export interface WorldOptions {
  account: KubeAccount;
  api: KubeApi;
  /** `app.kubernetes.io/instance` of the release's own objects. */
  instance: string;
  onChange(): void;
  onOutcome(kind: Watched, outcome: ReflectorOutcome): void;
  onFailure(kind: Watched, error: unknown): void;
  signal: AbortSignal;
}

/** So that the truth is back within ten seconds of the server. */
const BACKOFF = { baseMs: 200, maxMs: 4_000 };

export const watchWorld = ({ account, api, instance, onChange, onOutcome, onFailure, signal }: WorldOptions) => {
  const listed = new Set<Watched>();
  const world: World = { synced: () => listed.size === WATCHED.length, models: [], clusters: [], pods: [], deployments: [] };
  const labelSelector = `app.kubernetes.io/name=runnel,app.kubernetes.io/instance=${instance}`;
  const { namespace } = account;

  const watch = <T extends KubeObject>(kind: Watched, path: string, take: (objects: readonly T[]) => void, selector?: string) =>
    reflect<T>({
      source: listWatch<T>({ account, api, path, ...(selector && { labelSelector: selector }) }),
      onChange(objects) {
        listed.add(kind);
        take(objects);
        onChange();
      },
      onOutcome: (outcome) => onOutcome(kind, outcome),
      onFailure: (error) => onFailure(kind, error),
      signal,
      backoff: BACKOFF,
    });

  const done = Promise.all([
    watch<ChatModel>('models', customPath(namespace, 'chatmodels'), (objects) => (world.models = objects)),
    watch<ChatCluster>('clusters', customPath(namespace, 'chatclusters'), (objects) => (world.clusters = objects)),
    watch<Pod>('pods', `/api/v1/namespaces/${namespace}/pods`, (objects) => (world.pods = objects), labelSelector),
    watch<Deployment>(
      'deployments',
      `/apis/apps/v1/namespaces/${namespace}/deployments`,
      (objects) => (world.deployments = objects),
      labelSelector,
    ),
  ]);
  return { world, done };
};
