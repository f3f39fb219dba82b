import type { Message } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { settle, until } from '../testing/fake-clock.ts';
import { setup, view } from '../testing/test-client.ts';
import { chunk, ended, live, message, shown, snapshot, started } from '../testing/wire.ts';

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
    for (const event of [started(1), chunk(2, 0, 'one '), chunk(3, 4, 'two'), ended(4, 'one two')]) net.link.event(event);
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
    for (const event of [started(1), chunk(2, 0, 'on3'), ended(3, 'one')]) net.link.event(event);
    await until(() => reports.length > 0);
    expect(reports).toEqual([{ conversationId: 'c1', runId: 'a1', bytes: 3, heldBytes: 3 }]);
    expect(net.link.all('follow')).toHaveLength(2);
    expect(net.link.last('follow')).not.toHaveProperty('cursor');
    follow(snapshot({ offset: 3, messages: [message('a1', 'one')] }), live(3));
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
    follow(snapshot({ offset: 3, messages: [message('m3')], hasMore: true }), live(3));
    const loaded = chat.loadOlder();
    await settle();
    net.link.event({ type: 'message-deleted', conversationId: 'c1', offset: 4, messageId: 'm1' });
    const said = { partId: 'p0', index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'secret' } as const;
    give(page([{ ...message('m1', 'secret'), parts: [said] }]));
    await loaded;
    expect(view(chat).conversation.messages).toMatchObject([{ messageId: 'm1', text: '', status: 'deleted' }, {}]);
    expect(JSON.stringify(view(chat).conversation.messages)).not.toContain('secret');
  });

  test('a page that cannot be had is an error of its own', async () => {
    const { client, online, follow } = await setup();
    online();
    const chat = client.conversation('c1');
    follow(snapshot({ messages: [message('m3')], hasMore: true }));
    await expect(chat.loadOlder()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
