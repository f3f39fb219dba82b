import { createHash } from 'node:crypto';
import type { LogEvent, Message, ServerEvent, SnapshotEvent } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { createClient, type ClientOptions } from './client.ts';
import type { ConversationHandle, MismatchReport } from './conversation-handle.ts';
import { createFakeClock, settle, until } from './testing/fake-clock.ts';
import { createFakeSockets } from './testing/fake-socket.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const message = (messageId: string, text = messageId, role: Message['role'] = 'user'): Message => ({
  messageId,
  parentId: null,
  role,
  text,
  status: 'complete',
  createdAt: 0,
});
const snapshot = (change: Partial<SnapshotEvent> = {}): SnapshotEvent => ({
  type: 'snapshot',
  conversationId: 'c1',
  logId: 'l1',
  offset: 0,
  title: '',
  messages: [],
  run: null,
  hasMore: false,
  ...change,
});
const shown = (offset: number, messageId: string, conversationId = 'c1'): LogEvent => ({
  type: 'message',
  conversationId,
  offset,
  message: message(messageId),
});
const started = (offset: number, runId: string): LogEvent => ({
  type: 'run-started',
  conversationId: 'c1',
  offset,
  runId,
  parentId: null,
  model: 'm',
  epoch: 1,
  startedAt: 0,
});
const chunk = (offset: number, runId: string, at: number, text: string): LogEvent => ({
  type: 'chunk',
  conversationId: 'c1',
  offset,
  runId,
  at,
  t: 0,
  text,
});
const ended = (offset: number, runId: string, text: string): LogEvent => ({
  type: 'run-ended',
  conversationId: 'c1',
  offset,
  runId,
  reason: 'complete',
  bytes: text.length,
  sha256: sha(text),
  endedAt: 0,
});

const setup = async (options: Partial<ClientOptions> = {}) => {
  const clock = createFakeClock();
  const net = createFakeSockets();
  const reports: MismatchReport[] = [];
  const client = createClient({
    url: 'https://chat.example',
    WebSocket: net.WebSocket,
    clock,
    random: () => 0.5,
    signals: () => () => undefined,
    fetch: () => Promise.reject(new TypeError('no network')),
    onMismatch: (report) => reports.push(report),
    ...options,
  });
  await settle();
  const online = (): void => {
    net.link.open();
    net.link.welcome();
  };
  const back = async (): Promise<void> => {
    net.link.drop(1006);
    await clock.advance(40_000);
    online();
  };
  /** Answers the last follow. */
  const follow = (...events: ServerEvent[]): void => {
    net.link.ok('follow');
    for (const event of events) net.link.event(event);
  };
  const begin = (): ConversationHandle => {
    online();
    const chat = client.conversation('c1');
    follow(snapshot({ logId: 'l1' }), { type: 'live', conversationId: 'c1', logId: 'l1', offset: 0 });
    return chat;
  };
  return { clock, net, client, reports, online, back, follow, begin };
};
const view = (chat: ConversationHandle) => chat.state.get();
const pending = (chat: ConversationHandle): string[] => view(chat).pending.map((p) => p.status);

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
    follow(snapshot({ offset: 5, run }), { type: 'live', conversationId: 'c1', logId: 'l1', offset: 5 });
    expect(pending(chat)).toEqual(['queued']);
    net.link.event(ended(6, 'a1', ''));
    expect(net.link.all('prompt')).toHaveLength(2);
  });
});

describe('following', () => {
  test('W-7 on reconnect every open conversation follows again with its cursor', async () => {
    const { net, client, begin, back } = await setup();
    const chat = begin();
    const other = client.conversation('c2');
    client.conversation('c3').close();
    net.link.event(shown(1, 'm1'));
    await back();
    expect(net.link.all('follow').map(({ conversationId, cursor }) => [conversationId, cursor])).toEqual([
      ['c1', { logId: 'l1', offset: 1 }],
      ['c2', undefined],
    ]);
    expect(view(chat).sync).toBe('resuming');
    expect(view(other).sync).toBe('loading');
  });

  test('W-10 an answer is verified on the screen of its reader', async () => {
    const { net, begin, reports } = await setup();
    const chat = begin();
    for (const event of [started(1, 'a1'), chunk(2, 'a1', 0, 'one '), chunk(3, 'a1', 4, 'two'), ended(4, 'a1', 'one two')])
      net.link.event(event);
    await until(() => view(chat).verified !== 'unknown');
    expect(view(chat)).toMatchObject({
      verified: 'verified',
      mismatches: 0,
      conversation: { messages: [{ text: 'one two', role: 'assistant' }] },
    });
    expect(reports).toEqual([]);
  });

  test('W-10 a wrong screen is reported without its text, and replaced', async () => {
    const { net, begin, follow, reports } = await setup();
    const chat = begin();
    for (const event of [started(1, 'a1'), chunk(2, 'a1', 0, 'on3'), ended(3, 'a1', 'one')]) net.link.event(event);
    await until(() => reports.length > 0);
    expect(reports).toEqual([{ conversationId: 'c1', runId: 'a1', bytes: 3, heldBytes: 3 }]);
    expect(net.link.all('follow')).toHaveLength(2);
    expect(net.link.last('follow')).not.toHaveProperty('cursor');
    follow(snapshot({ offset: 3, messages: [message('a1', 'one', 'assistant')] }), {
      type: 'live',
      conversationId: 'c1',
      logId: 'l1',
      offset: 3,
    });
    await until(() => view(chat).verified !== 'mismatch');
    expect(view(chat)).toMatchObject({ verified: 'verified', mismatches: 1, sync: 'live' });
  });

  test('a follow that is not answered is asked again', async () => {
    const { net, client, online, clock } = await setup();
    online();
    client.conversation('c1');
    await clock.advance(14_000);
    net.link.event({ type: 'pong' });
    await clock.advance(2_000);
    expect(net.link.all('follow')).toHaveLength(2);
  });

  test('a conversation of somebody else says so, and is not asked for again', async () => {
    const { net, client, online, clock } = await setup();
    online();
    const chat = client.conversation('c1');
    net.link.error('follow', { code: 'forbidden' });
    await clock.advance(10_000);
    expect(view(chat).problem).toMatchObject({ code: 'forbidden' });
    expect(net.link.all('follow')).toHaveLength(1);
  });

  test('handles share one follow; the last that closes ends it; coming back resumes from memory', async () => {
    const { net, client, begin } = await setup();
    const chat = begin();
    const second = client.conversation('c1');
    expect(net.link.all('follow')).toHaveLength(1);
    net.link.event(shown(1, 'm1'));
    chat.close();
    chat.close();
    expect(net.link.all('unfollow')).toHaveLength(0);
    second.close();
    expect(net.link.all('unfollow')).toHaveLength(1);
    const again = client.conversation('c1');
    expect(view(again).conversation.messages).toHaveLength(1);
    expect(net.link.last('follow').cursor).toEqual({ logId: 'l1', offset: 1 });
  });
});

describe('commands', () => {
  test('cancel names the running answer and reports what happened', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    await expect(chat.cancel()).resolves.toBe('already-ended');
    net.link.event(started(1, 'a1'));
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

describe('older pages', () => {
  const page = (messages: Message[], hasMore = false): Response => Response.json({ messages, hasMore });

  test('W-12 the page before the oldest message is loaded once, however often it is asked for', async () => {
    const asked: string[] = [];
    const fetch = (url: string): Promise<Response> => {
      asked.push(url);
      return Promise.resolve(page([message('m1'), message('m2')]));
    };
    const { client, online, follow } = await setup({ fetch, userId: 'ann' });
    online();
    const chat = client.conversation('c1');
    follow(snapshot({ offset: 3, messages: [message('m3')], hasMore: true }));
    await Promise.all([chat.loadOlder(), chat.loadOlder()]);
    await chat.loadOlder();
    expect(view(chat).conversation.messages.map((m) => m.messageId)).toEqual(['m1', 'm2', 'm3']);
    expect(asked).toEqual(['https://chat.example/api/history/c1?before=m3&limit=50&user_id=ann']);
  });

  test('a message that is deleted while its page is on the way does not come back', async () => {
    let give: (response: Response) => void = () => undefined;
    const { net, client, online, follow } = await setup({ fetch: () => new Promise((resolve) => (give = resolve)) });
    online();
    const chat = client.conversation('c1');
    follow(snapshot({ offset: 3, messages: [message('m3')], hasMore: true }), {
      type: 'live',
      conversationId: 'c1',
      logId: 'l1',
      offset: 3,
    });
    const loaded = chat.loadOlder();
    await settle();
    net.link.event({ type: 'message-deleted', conversationId: 'c1', offset: 4, messageId: 'm1' });
    give(page([message('m1', 'secret')]));
    await loaded;
    expect(view(chat).conversation.messages).toMatchObject([{ messageId: 'm1', text: '', status: 'deleted' }, {}]);
  });

  test('a page that cannot be had is an error of its own', async () => {
    const { client, online, follow } = await setup();
    online();
    const chat = client.conversation('c1');
    follow(snapshot({ messages: [message('m3')], hasMore: true }));
    await expect(chat.loadOlder()).rejects.toMatchObject({ code: 'unavailable' });
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
