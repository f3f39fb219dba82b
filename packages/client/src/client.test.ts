import { describe, expect, test } from 'vitest';
import { settle } from '../testing/fake-clock.ts';
import { pending, setup, view } from '../testing/test-client.ts';
import { ended, live, shown, snapshot, started } from '../testing/wire.ts';

describe('a prompt', () => {
  test('shows at once as pending and becomes the message of the log', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    const { messageId, runId } = chat.prompt('  xin chào  ');
    expect(view(chat).pending).toMatchObject([{ messageId, runId, text: 'xin chào', status: 'sending' }]);
    expect(net.link.last('prompt')).toMatchObject({ conversationId: 'c1', messageId, runId, text: 'xin chào' });
    net.link.ok('prompt', { runId, offset: 2, duplicate: false });
    await settle();
    expect(pending(chat)).toEqual(['sent']);
    net.link.event(shown(1, messageId));
    expect(view(chat)).toMatchObject({ pending: [], conversation: { messages: [{ messageId }] } });
  });

  test('it is never on the screen twice, also when its event comes before its answer', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    const seen: number[] = [];
    chat.state.subscribe((v) => seen.push(v.pending.length + v.conversation.messages.length));
    const { messageId, runId } = chat.prompt('x');
    net.link.event(shown(1, messageId));
    net.link.ok('prompt', { runId, offset: 2, duplicate: false });
    await settle();
    expect(new Set(seen)).toEqual(new Set([1]));
  });

  test('W-4 cut off before its answer, it is sent again under the same ids', async () => {
    const { net, begin, back } = await setup();
    const chat = begin();
    chat.prompt('x');
    const first = net.link.last('prompt');
    await back();
    expect(net.link.last('prompt')).toMatchObject({ messageId: first.messageId, runId: first.runId, text: 'x' });
    net.link.ok('prompt', { runId: first.runId!, offset: 2, duplicate: true });
    await settle();
    expect(pending(chat)).toEqual(['sent']);
  });

  test('written offline, it goes out with the next connection', async () => {
    const { net, client, online } = await setup();
    const chat = client.conversation('c1');
    chat.prompt('x');
    expect(pending(chat)).toEqual(['queued']);
    online();
    expect(net.link.sent.map((frame) => frame.type)).toEqual(['hello', 'follow', 'prompt']);
  });

  test('W-5 busy shows on the prompt with the run in the way; retry sends the same prompt', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    const { messageId } = chat.prompt('x');
    net.link.error('prompt', { code: 'busy', retryable: true, runId: 'other' });
    await settle();
    expect(view(chat).pending).toMatchObject([{ status: 'failed', error: { code: 'busy', runId: 'other', retryable: true } }]);
    chat.retry(messageId);
    expect(net.link.all('prompt').map((frame) => frame.messageId)).toEqual([messageId, messageId]);
    net.link.error('prompt', { code: 'rate-limited', retryable: true, retryAfterMs: 700 });
    await settle();
    expect(view(chat).pending).toMatchObject([{ error: { code: 'rate-limited', retryAfterMs: 700 } }]);
    chat.discard(messageId);
    expect(view(chat).pending).toEqual([]);
  });

  test('W-6 what the server would refuse never leaves', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    expect(() => chat.prompt(' \n')).toThrow(expect.objectContaining({ code: 'empty' }));
    expect(() => chat.prompt('x'.repeat(5_001))).toThrow(expect.objectContaining({ code: 'too-long' }));
    expect(net.link.all('prompt')).toEqual([]);
  });

  test('one written offline goes when the run in front of it ends', async () => {
    const { net, client, online, follow } = await setup();
    const chat = client.conversation('c1');
    chat.prompt('x');
    online();
    const run = { runId: 'a1', parentId: null, model: 'm', epoch: 1, text: '', startedAt: 0 };
    net.link.error('prompt', { code: 'busy', retryable: true, runId: 'a1' });
    await settle();
    follow(snapshot({ offset: 5, run }), live(5));
    expect(pending(chat)).toEqual(['queued']);
    net.link.event(ended(6, ''));
    expect(net.link.all('prompt')).toHaveLength(2);
  });
});

describe('commands', () => {
  test('cancel names the running answer and reports what happened', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    await expect(chat.cancel()).resolves.toBe('already-ended');
    net.link.event(started(1));
    const cancelled = chat.cancel();
    expect(net.link.last('cancel')).toMatchObject({ conversationId: 'c1', runId: 'a1' });
    net.link.ok('cancel', { outcome: 'cancelling' });
    await expect(cancelled).resolves.toBe('cancelling');
  });

  test('P-5 cancel works for an answer that was asked for and has not begun, and takes back what was never sent', async () => {
    const { net, client, begin } = await setup();
    const chat = begin();
    const { runId } = chat.prompt('x');
    const cancelled = chat.cancel();
    expect(net.link.last('cancel').runId).toBe(runId);
    net.link.ok('cancel', { outcome: 'cancelling' });
    await cancelled;
    net.link.drop(1006);
    const other = client.conversation('c2');
    other.prompt('y');
    await expect(other.cancel()).resolves.toBe('already-ended');
    expect(view(other).pending).toEqual([]);
    client.close();
  });

  test('regenerate and delete answer with what the server said', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    const again = chat.regenerate('m1', { model: 'count' });
    const { runId } = net.link.last('regenerate');
    expect(net.link.last('regenerate')).toMatchObject({ parentId: 'm1', model: 'count' });
    net.link.ok('regenerate', { runId: runId!, offset: 4 });
    await expect(again).resolves.toEqual({ runId });
    const gone = chat.deleteMessage('m9');
    net.link.error('delete', { code: 'not-found' });
    await expect(gone).rejects.toMatchObject({ code: 'not-found' });
  });

  test('typing is told sparingly, and a writer who falls silent stops writing', async () => {
    const { net, begin, clock } = await setup();
    const chat = begin();
    for (let i = 0; i < 5; i++) chat.setTyping(true);
    chat.setTyping(false);
    chat.setTyping(false);
    expect(net.link.all('typing').map((frame) => frame.active)).toEqual([true, false]);
    // The server tells the writer as well.
    net.link.event({ type: 'typing', conversationId: 'c1', userId: 'u1', active: true });
    expect(view(chat).typing).toEqual([]);
    net.link.event({ type: 'typing', conversationId: 'c1', userId: 'ann', active: true });
    expect(view(chat).typing).toEqual(['ann']);
    await clock.advance(6_000);
    expect(view(chat).typing).toEqual([]);
  });

  test('presence shows who is there', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    net.link.event({ type: 'presence', conversationId: 'c1', users: ['ann', 'ben'] });
    expect(view(chat).presence).toEqual(['ann', 'ben']);
  });
});

test('a prompt that waits does not bring a deleted conversation back', async () => {
  const { net, client, online } = await setup({ fetch: () => Promise.resolve(new Response(null, { status: 204 })) });
  const chat = client.conversation('c1');
  chat.prompt('x');
  await client.deleteConversation('c1');
  online();
  expect(net.link.all('prompt')).toEqual([]);
  expect(view(chat).pending).toEqual([]);
});

describe('another person signs in on the same page', () => {
  const arrive = async ({ net, clock }: Awaited<ReturnType<typeof setup>>, user: string): Promise<void> => {
    net.link.drop(1006);
    await clock.advance(40_000);
    net.link.open();
    net.link.welcome(user);
    await settle();
  };

  test('P-8 what the first had on its way is not sent again in the other name, and waits for the first', async () => {
    const page = await setup();
    const chat = page.begin();
    chat.prompt('mine');
    void chat.deleteMessage('m9').catch(() => undefined);
    await arrive(page, 'ben');
    expect(page.net.link.sent.map((frame) => frame.type)).toEqual(['hello', 'follow']);
    expect(pending(chat)).toEqual([]);
    await arrive(page, 'u1');
    expect(page.net.link.all('prompt')).toMatchObject([{ text: 'mine' }]);
  });

  test('a conversation that the first had closed is not shown from memory', async () => {
    const page = await setup();
    const chat = page.begin();
    page.net.link.event(shown(1, 'm1'));
    chat.close();
    await arrive(page, 'ben');
    expect(view(page.client.conversation('c1')).conversation.messages).toEqual([]);
  });
});

test('after a refusal `reconnect` asks for a token again, and a prompt of an unknown writer waits for a word', async () => {
  const tokens = ['good'];
  const { net, client } = await setup({ token: () => tokens.shift() });
  tokens.push('better');
  net.link.open();
  const chat = client.conversation('c1');
  chat.prompt('whose?');
  net.link.drop(4503);
  expect(client.connection.get()).toMatchObject({ status: 'refused', error: { code: 'unauthorized' } });
  client.reconnect();
  await settle();
  net.link.open();
  net.link.welcome('ann');
  await settle();
  expect(net.link.last('hello').token).toBe('better');
  expect(net.link.all('prompt')).toEqual([]);
  expect(view(chat).pending).toMatchObject([{ status: 'failed', error: { code: 'unauthorized' } }]);
});

test('the address has the identity of development, and never a token', async () => {
  const { net } = await setup({ userId: 'ann', token: () => 'secret' });
  expect(net.urls).toEqual(['wss://chat.example/ws/chat?user_id=ann']);
});

test('what is no conversation id is refused before it reaches a URL', async () => {
  const { client } = await setup();
  expect(() => client.conversation('../x')).toThrow(expect.objectContaining({ code: 'bad-frame' }));
});

test('close ends every wait and every timer', async () => {
  const { client, clock, begin } = await setup();
  const chat = begin();
  chat.prompt('x');
  const gone = chat.deleteMessage('m1');
  client.close();
  await expect(gone).rejects.toMatchObject({ code: 'unavailable' });
  await settle();
  expect(clock.pending()).toBe(0);
});
