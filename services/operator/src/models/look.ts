import { isDeepStrictEqual } from 'node:util';
import type { KubeApi } from '@runnel/kube';
import type { Events } from '../act/events.ts';
import type { Writer } from '../act/writer.ts';
import type { ChatModel, ChatModelStatus } from '../kinds/chat-model.ts';
import { readKeys } from '../observe/keys.ts';
import type { Told } from '../observe/figures.ts';
import { componentOf, type Pod } from '../observe/pods.ts';
import { createHash } from 'node:crypto';
import { idOf, nameOf } from './entry.ts';
import { objectsFor, publishedIn, textOf, type ConfigMap, type Secret } from './files.ts';
import { desiredOf, type Published } from './publish.ts';
import { standingOf, statusOf } from './status.ts';

export interface ModelsOptions {
  api: KubeApi;
  writer: Writer;
  events: Events;
  /** What the release's objects begin with, and are labelled. */
  release: string;
  labels: Record<string, string>;
  ownerReferences: () => readonly unknown[];
  /** Where pods mount what is published. */
  dir: string;
  /** Secrets that the release itself names. */
  keySecrets: readonly string[];
  onFailure(error: unknown): void;
}

export interface ModelsLook {
  all: number;
  ready: number;
  /** How many are not ready, and should be; some of their names. */
  failing: number;
  failingNames: readonly string[];
  /** Pods or answers are waited for: the next look should be soon. */
  waiting: boolean;
}

const AT_ONCE = 8;
const PUBLISHED = 'runnel.dev/published';
const readyOf = (status: ChatModelStatus | undefined) => status?.conditions?.find(({ type }) => type === 'Ready');

const sameFiles = (a: Published | null, b: Published): boolean =>
  a !== null && textOf(a) === textOf(b) && isDeepStrictEqual({ ...a.keys }, { ...b.keys }) && isDeepStrictEqual(a.leaving, b.leaving);

/** One look at all models: what pods are given follows what people made, and its status says what came of it. */
export const createModels = (options: ModelsOptions) => {
  const { api, writer, events, release, labels, ownerReferences, dir, keySecrets, onFailure } = options;
  const [file, keys] = [`${release}-models`, `${release}-model-keys`];
  const core = `/api/v1/namespaces/${api.namespace}`;

  const publish = async (published: Published): Promise<void> => {
    const objects = objectsFor(published, { file, keys, labels, ownerReferences: ownerReferences() });
    // Keys first: a pod that found an entry without its key would have to wait for it.
    await writer.applySecret(objects.keys);
    await writer.applyConfigMap(objects.file);
  };

  /** The kubelet looks at what it has mounted once a minute, and at once when a pod changes. */
  const nudge = async (published: Published, pods: readonly Pod[]): Promise<void> => {
    const now = createHash('sha256').update(textOf(published)).update(JSON.stringify(published.keys)).digest('hex').slice(0, 16);
    const old = pods.filter(
      (pod) =>
        ['ai', 'gateway'].includes(componentOf(pod) ?? '') &&
        pod.metadata?.deletionTimestamp === undefined &&
        pod.metadata?.annotations?.[PUBLISHED] !== now,
    );
    for (let at = 0; at < old.length; at += AT_ONCE)
      await Promise.all(old.slice(at, at + AT_ONCE).map(({ metadata }) => writer.annotatePod(metadata!.name!, { [PUBLISHED]: now })));
  };

  const tell = (model: ChatModel, status: ChatModelStatus): void => {
    const [before, now] = [readyOf(model.status), readyOf(status)];
    if (!now || (before?.status === now.status && before.reason === now.reason)) return;
    // Waiting for pods after each change is no news.
    if (now.reason === 'WaitingForPods' || now.reason === 'NoFigures') return;
    const calm = now.status === 'True' || now.reason === 'Suspended';
    const of = { ...model, apiVersion: 'runnel.dev/v1alpha1', kind: 'ChatModel' };
    events.tell({ of, type: calm ? 'Normal' : 'Warning', reason: now.reason, message: now.message });
  };

  return async (models: readonly ChatModel[], pods: readonly Pod[], told: ReadonlyMap<string, Told>, now: number): Promise<ModelsLook> => {
    const present = models.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const [found, foundKeys, foundFile] = await Promise.all([
      readKeys(present, { api, named: keySecrets, onFailure }),
      api.find<Secret>(`${core}/secrets/${keys}`),
      api.find<ConfigMap>(`${core}/configmaps/${file}`),
    ]);
    const before = publishedIn(foundFile, foundKeys);
    const figures = [...told.values()].flatMap((one) => (one.component === 'ai' ? [one.figures] : []));
    const aiPods = pods.filter((pod) => componentOf(pod) === 'ai');
    const heard = aiPods.length > 0 && aiPods.every(({ metadata }) => told.has(metadata?.name ?? ''));
    const running = new Map<string, number>();
    for (const { models: here } of figures)
      for (const [id, { running: runs }] of Object.entries(here)) running.set(id, (running.get(id) ?? 0) + runs);
    const { published, verdicts } = desiredOf({ models: present, keys: found, before, running: heard ? running : undefined, now }, dir);
    if (foundKeys === null || !sameFiles(before, published)) await publish(published);
    await nudge(published, pods);

    const entries = new Map(published.entries.map((entry) => [entry.id, entry]));
    const statuses = present.map((model) => {
      const standing = standingOf(entries.get(idOf(model)), idOf(model), figures);
      return { model, status: statusOf({ model, verdict: verdicts.get(nameOf(model))!, standing, now }) };
    });
    const changed = statuses.filter(({ model, status }) => !isDeepStrictEqual(model.status, status));
    for (let at = 0; at < changed.length; at += AT_ONCE)
      await Promise.all(
        changed.slice(at, at + AT_ONCE).map(async ({ model, status }) => {
          await writer.status('ChatModel', 'chatmodels', nameOf(model), status);
          tell(model, status);
        }),
      );
    const notReady = statuses.filter(({ model, status }) => !model.spec.suspended && readyOf(status)?.status !== 'True');
    const failing = notReady.filter(({ status }) => readyOf(status)?.status === 'False');
    return {
      all: present.length,
      ready: statuses.filter(({ status }) => readyOf(status)?.status === 'True').length,
      failing: failing.length,
      failingNames: failing.slice(0, 10).map(({ model }) => nameOf(model)),
      waiting: notReady.some(({ status }) => readyOf(status)?.reason === 'WaitingForPods') || Object.keys(published.leaving).length > 0,
    };
  };
};
