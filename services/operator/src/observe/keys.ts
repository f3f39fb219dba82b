import { StatusError, type KubeApi } from '@runnel/kube';
import { SECRET_NAME, type ChatModel } from '../kinds/chat-model.ts';
import { refName, secretsOf } from '../models/entry.ts';
import type { Key } from '../models/publish.ts';
import type { Secret } from '../models/files.ts';

/** Whoever may make a model may not thereby read any Secret of the namespace: its owner says yes. */
const CONSENT = 'runnel.dev/model-keys';
const AT_ONCE = 8;
const IS_NAME = new RegExp(SECRET_NAME);

/** What a model may have of a Secret. Pure. */
const keyIn = (secret: Secret | null, key: string, named: boolean): Key => {
  if (secret === null) return { missing: 'no-secret' };
  if (!named && secret.metadata?.labels?.[CONSENT] !== 'true') return { missing: 'not-consented' };
  const found = secret.data?.[key];
  if (found === undefined) return { missing: 'no-key' };
  return Buffer.from(found, 'base64').toString().trim() === '' ? { missing: 'empty' } : { found };
};

export interface KeysOptions {
  api: KubeApi;
  /** Secrets that the release itself names: they need no label. */
  named: readonly string[];
  onFailure(error: unknown): void;
}

/** Reads the Secrets that these models name, each once; by `refName`. Never rejects: what could not be read is `unread`. */
export const readKeys = async (models: readonly ChatModel[], { api, named, onFailure }: KeysOptions): Promise<Map<string, Key>> => {
  const refs = new Map(models.flatMap((model) => [...secretsOf(model).values()].map((ref) => [refName(ref), ref] as const)));
  const secrets = new Map<string, Secret | null | undefined>();
  const names = [...new Set([...refs.values()].map(({ name }) => name))];
  const read = async (name: string): Promise<void> => {
    // An object that is older than this rule may name `../../other/secrets/x`.
    if (!IS_NAME.test(name)) return void secrets.set(name, null);
    const found = await api.find<Secret>(`/api/v1/namespaces/${api.namespace}/secrets/${name}`).catch((error: unknown) => {
      onFailure(error);
      // Not allowed to read it: as good as not consented, and not a trouble of the server.
      return error instanceof StatusError && error.status === 403 ? { metadata: {} } : undefined;
    });
    secrets.set(name, found);
  };
  for (let at = 0; at < names.length; at += AT_ONCE) await Promise.all(names.slice(at, at + AT_ONCE).map(read));
  return new Map(
    [...refs].map(([ref, { name, key }]) => {
      const secret = secrets.get(name);
      return [ref, secret === undefined ? { missing: 'unread' } : keyIn(secret, key, named.includes(name))];
    }),
  );
};
