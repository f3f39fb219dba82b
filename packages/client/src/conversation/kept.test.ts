import { emptyConversation, type ConversationState } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { settle } from '../../testing/fake-clock.ts';
import { pending, setup, view } from '../../testing/test-client.ts';
import { chunk, live, message, snapshot } from '../../testing/wire.ts';
import { createStoredPrompts } from '../prompts/prompt-storage.ts';

const run = { runId: 'a1', parentId: 'u1', model: 'm', epoch: 1, text: 'one ', startedAt: 0, bytes: 4, moves: 0 };
const kept = (change: Partial<ConversationState> = {}): ConversationState => ({
  ...emptyConversation('c1'),
  ...{ logId: 'l1', offset: 7, messages: [message('u1')], run, ...change },
});
const texts = (chat: Parameters<typeof view>[0]) => view(chat).conversation.messages.map(({ messageId }) => messageId);

describe('what a device has kept of a conversation', () => {
  test('W-7 is shown before there is a connection, and followed from where it ends', async () => {
    const { client, net, online, follow } = await setup({ kept: async (id) => (id === 'c1' ? kept() : null) });
    const chat = client.conversation('c1');
    await settle();
    expect(view(chat)).toMatchObject({ sync: 'resuming', conversation: { run: { text: 'one ' } } });
    expect(texts(chat)).toEqual(['u1']);
    online();
    expect(net.link.all('follow')).toMatchObject([{ cursor: { logId: 'l1', offset: 7 } }]);
    follow(chunk(8, 4, 'two'), live(8));
    await settle();
    expect(view(chat)).toMatchObject({ sync: 'live', conversation: { offset: 8, run: { text: 'one two' } } });
  });

  test('gives way to a server whose log is another one', async () => {
    const { client, online, follow } = await setup({ kept: async () => kept() });
    const chat = client.conversation('c1');
    await settle();
    online();
    follow(snapshot({ logId: 'l2', offset: 1, messages: [message('u9')] }), live(1, 'l2'));
    await settle();
    expect(texts(chat)).toEqual(['u9']);
  });

  test.each([
    ['comes after the server was asked', async () => kept(), true],
    ['is of another conversation', async () => kept({ conversationId: 'c2' }), false],
    ['cannot be read', () => Promise.reject(new Error('no storage')), false],
  ])('is not used when it %s', async (_, read, early) => {
    const gate = Promise.withResolvers<void>();
    const { client, online } = await setup({ kept: async () => (await gate.promise, read()) });
    const chat = client.conversation('c1');
    if (early) online();
    gate.resolve();
    await settle();
    expect(texts(chat)).toEqual([]);
    expect(view(chat).sync).toBe('loading');
  });
});

describe('who is taken to be the reader', () => {
  const stored = () => {
    const entries = new Map<string, string>();
    const storage = {
      get length() {
        return entries.size;
      },
      key: (index: number) => [...entries.keys()][index] ?? null,
      getItem: (key: string) => entries.get(key) ?? null,
      setItem: (key: string, value: string) => void entries.set(key, value),
      removeItem: (key: string) => void entries.delete(key),
    };
    const of = (messageId: string, userId: string) => ({
      ...{
        messageId,
        conversationId: 'c1',
        runId: `r-${messageId}`,
        text: 'x',
        status: 'queued' as const,
        error: null,
        createdAt: Date.now(),
      },
      ...{ userId, patient: true },
    });
    const prompts = createStoredPrompts(storage);
    prompts.save(of('m1', 'u1'));
    prompts.save(of('m2', 'somebody'));
    return storage;
  };

  test('sees what they wrote and could not send, and nobody else’s, before there is a connection', async () => {
    const page = await setup({ storage: stored(), reader: 'u1' });
    expect(view(page.client.conversation('c1')).pending.map(({ messageId }) => messageId)).toEqual(['m1']);
    const stranger = await setup({ storage: stored() });
    expect(pending(stranger.client.conversation('c1'))).toEqual([]);
  });

  test('P-8 is not believed: another one who is let in neither sees nor sends it', async () => {
    const { client, net } = await setup({ storage: stored(), reader: 'u1' });
    const chat = client.conversation('c1');
    chat.prompt('also mine');
    net.link.open();
    net.link.welcome('another');
    await settle();
    expect(net.link.all('prompt')).toEqual([]);
    expect(pending(chat)).toEqual([]);
  });
});
