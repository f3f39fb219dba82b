import { expect, test } from 'vitest';
import type { KubeApi } from '@runnel/kube';
import type { ChatModel } from '../kinds/chat-model.ts';
import { readKeys } from './keys.ts';

const naming = (name: string): ChatModel => ({
  metadata: { name: 'm' },
  spec: { provider: 'openai-compatible', baseURL: 'https://x/v1', apiKey: { secretKeyRef: { name, key: 'key' } } } as ChatModel['spec'],
});

const asking = async (name: string) => {
  const asked: string[] = [];
  const secret = { metadata: { labels: { 'runnel.dev/model-keys': 'true' } }, data: { key: 'c2s=' } };
  const api = {
    namespace: 'chat',
    find: async (path: string) => {
      asked.push(new URL(path, 'https://kubernetes').pathname);
      return secret;
    },
  } as unknown as KubeApi;
  const keys = await readKeys([naming(name)], { api, named: [], onFailure: () => undefined });
  return { asked, key: keys.get(`${name}/key`) };
};

test('a Secret is asked for by its name', async () => {
  expect(await asking('openai')).toEqual({ asked: ['/api/v1/namespaces/chat/secrets/openai'], key: { found: 'c2s=' } });
});

test.each(['../../other/secrets/theirs', '..', '../configmaps/x', 'a/../../b', 'x?watch=1', 'x#y', '%2e%2e/x', 'A', 'x\n'])(
  'S-8 a name that would lead elsewhere (%j) is no Secret, and nothing is asked',
  async (name) => {
    expect(await asking(name)).toEqual({ asked: [], key: { missing: 'no-secret' } });
  },
);
