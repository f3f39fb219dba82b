import { describe, expect, test } from 'vitest';
import { createMemoryRunLog, type RunLog, type Subscription } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { RunnelError, type Message } from '@runnel/protocol';
import type { AuditClient } from '../../archive/audit-client.ts';
import { startGateway, type TestGateway } from '../../../testing/test-gateway.ts';
import { createAuditHistory, type HistoryQuery, type HistoryResult } from '../../archive/audit-history.ts';
import { createHistoryCache } from '../../archive/history-cache.ts';
import { listConversations, readHistory } from '../../archive/history-source.ts';
import { changesHistory } from '../../archive/watch-history.ts';

const message = (messageId: string): Message => ({
  messageId,
  parentId: null,
  role: 'user',
  text: messageId,
  status: 'complete',
  createdAt: 1,
});
const page = (ids: string[], hasMore = false): HistoryResult => ({ kind: 'page', messages: ids.map(message), hasMore });
const query: HistoryQuery = { conversationId: 'c1', userId: 'ann', limit: 3 };
const ids = (result: HistoryResult): string[] | string => (result.kind === 'page' ? result.messages.map((m) => m.messageId) : result.kind);

describe('L1', () => {
  const build = (read: (query: HistoryQuery) => Promise<HistoryResult> = async () => page(['a'])) => {
    const levels: string[] = [];
    const watches = new Map<string, () => void>();
    let closed = 0;
    const follow = async (conversationId: string, changed: () => void): Promise<Subscription> => {
      watches.set(conversationId, changed);
      return { close: async () => void closed++ };
    };
    const cache = createHistoryCache({ read, follow, onRead: (level) => levels.push(level), maxConversations: 2 });
    return { cache, levels, watches, closed: () => closed };
  };

  test('a page is read once until the conversation changes', async () => {
    const { cache, levels, watches } = build();
    await cache.read(query);
    await cache.read(query);
    expect(levels).toEqual(['store', 'memory']);
    watches.get('c1')!();
    await cache.read(query);
    expect(levels).toEqual(['store', 'memory', 'store']);
    await cache.close();
  });

  test('readers at the same time share one read', async () => {
    let reads = 0;
    const { cache } = build(async () => (reads++, page(['a'])));
    await Promise.all(Array.from({ length: 10 }, () => cache.read(query)));
    expect(reads).toBe(1);
    await cache.close();
  });

  test('a page read across a change is not kept, and who asks after the change does not join it', async () => {
    const gates = [Promise.withResolvers<HistoryResult>(), Promise.withResolvers<HistoryResult>()];
    let reads = 0;
    const { cache, watches } = build(() => gates[reads++]!.promise);
    const before = cache.read(query);
    await waitFor(() => reads === 1, { everyMs: 1 });
    watches.get('c1')!();
    const after = cache.read(query);
    await waitFor(() => reads === 2, { everyMs: 1 });
    gates[1]!.resolve(page(['new']));
    gates[0]!.resolve(page(['old']));
    expect([ids(await before), ids(await after)]).toEqual([['old'], ['new']]);
    expect(ids(await cache.read(query))).toEqual(['new']);
    await cache.close();
  });

  test('one user’s page is never another’s', async () => {
    const { cache } = build(async ({ userId }) => (userId === 'ann' ? page(['a']) : { kind: 'forbidden' }));
    await cache.read(query);
    expect(await cache.read({ ...query, userId: 'bob' })).toEqual({ kind: 'forbidden' });
    await cache.close();
  });

  test('what is forgotten is not followed any longer', async () => {
    const { cache, closed } = build();
    for (const conversationId of ['c1', 'c2', 'c3']) await cache.read({ ...query, conversationId });
    await waitFor(() => closed() === 1);
    await cache.close();
    await waitFor(() => closed() === 3);
  });

  test('without a subscription nothing is kept', async () => {
    let reads = 0;
    const follow = async () => Promise.reject(new RunnelError('unavailable'));
    const cache = createHistoryCache({ read: async () => (reads++, page(['a'])), follow });
    await expect(cache.read(query)).rejects.toThrow(RunnelError);
    await expect(cache.read(query)).rejects.toThrow(RunnelError);
    expect(reads).toBe(0);
  });

  test('only what may change a finished message counts as a change', () => {
    const bytes = (type: string) => Buffer.from(`{"type":"${type}","conversationId":"c","offset":3,"runId":"r"}`);
    expect(['chunk', 'typing', 'presence'].map((type) => changesHistory(bytes(type)))).toEqual([false, false, false]);
    expect(['message', 'message-deleted', 'run-ended', 'reset', 'of-later'].map((type) => changesHistory(bytes(type)))).not.toContain(
      false,
    );
    expect(changesHistory(Buffer.from('?'))).toBe(true);
  });
});

describe('L2 and beyond', () => {
  const store = (result: HistoryResult) => ({ readHistory: async () => result }) as unknown as RunLog;
  const auditOf = (call: AuditClient['call']) => createAuditHistory({ call });
  const older = auditOf(async (path) => {
    const before = new URL(path, 'http://x').searchParams.get('before');
    return { status: 200, body: { messages: (before === null ? ['x', 'y'] : ['x']).map(message), hasMore: false } };
  });
  const broken = auditOf(async () => Promise.reject(new RunnelError('unavailable')));

  test('a full page is the store’s alone', async () => {
    expect(ids(await readHistory(store(page(['a', 'b', 'c'], true)), broken, query))).toEqual(['a', 'b', 'c']);
  });
  test('a short page of a conversation that the store has whole is not filled', async () => {
    expect(ids(await readHistory(store(page(['a'])), broken, query))).toEqual(['a']);
  });
  test('what the store has trimmed comes from the audit service, older first', async () => {
    expect(ids(await readHistory(store(page(['a', 'b'], true)), older, query))).toEqual(['x', 'a', 'b']);
  });
  test('a conversation the store has forgotten comes from the audit service', async () => {
    expect(ids(await readHistory(store({ kind: 'none' }), older, query))).toEqual(['x', 'y']);
  });
  test('S-22 what its owner deleted is not asked for where it may still be known', async () => {
    const deleted = { readHistory: async () => ({ kind: 'none', deleted: true }) } as unknown as RunLog;
    for (const audit of [older, broken]) expect(await readHistory(deleted, audit, query)).toEqual({ kind: 'none' });
  });
  test('P-10 an audit service that is down shortens the page and leaves it open', async () => {
    expect(await readHistory(store(page(['a'], true)), broken, query)).toMatchObject({ kind: 'page', hasMore: true });
    await expect(readHistory(store({ kind: 'none' }), broken, query)).rejects.toMatchObject({ code: 'unavailable' });
  });
  test('P-10 a database that is down is not an empty history', async () => {
    const down = auditOf(async () => ({ status: 503, body: { code: 'unavailable' } }));
    await expect(readHistory(store({ kind: 'none' }), down, query)).rejects.toMatchObject({ code: 'unavailable' });
  });
  test('the owner is checked before anything is asked', async () => {
    expect(await readHistory(store({ kind: 'forbidden' }), older, query)).toEqual({ kind: 'forbidden' });
  });

  test('lists of both are one, newest first, each conversation once', async () => {
    const summary = (conversationId: string, updatedAt: number) => ({ conversationId, title: '', updatedAt });
    const stored = { conversations: [summary('new', 9), summary('both', 5)], hasMore: false };
    const runLog = { listConversations: async () => stored } as unknown as RunLog;
    const audit = auditOf(async () => ({
      status: 200,
      body: { conversations: [summary('both', 4), summary('mid', 6), summary('old', 1)], hasMore: false },
    }));
    const { conversations, hasMore } = await listConversations(runLog, audit, { userId: 'ann', limit: 3 });
    expect(conversations.map((c) => c.conversationId)).toEqual(['new', 'mid', 'both']);
    expect(hasMore).toBe(true);
    expect(await listConversations(runLog, broken, { userId: 'ann', limit: 3 })).toEqual(stored);
  });
});

describe('over HTTP', () => {
  const call = async (gateway: TestGateway, method: string, path: string, body?: object) => {
    const init = { method, ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) };
    const response = await fetch(`${gateway.url}${path}${path.includes('?') ? '&' : '?'}user_id=ann`, init);
    return { status: response.status, body: response.status === 204 ? null : ((await response.json()) as Record<string, unknown>) };
  };
  const say = async (gateway: TestGateway, n: number): Promise<void> => {
    await call(gateway, 'POST', '/api/chat', { conversationId: 'c1', messageId: `m${n}`, runId: `r${n}`, text: `Question ${n}` });
    await waitFor(() => gateway.owner.runs.includes(`r${n}`));
    await gateway.owner.say(`r${n}`, `Answer ${n}`);
    await gateway.owner.end(`r${n}`);
  };
  const texts = (body: Record<string, unknown> | null): string[] => (body!['messages'] as Message[]).map(({ text }) => text);

  test('W-11 history has every finished message, newest last, page by page, and never a stale one', async () => {
    await using gateway = await startGateway();
    await say(gateway, 1);
    expect(texts((await call(gateway, 'GET', '/api/history/c1')).body)).toEqual(['Question 1', 'Answer 1']);
    await say(gateway, 2);
    expect(texts((await call(gateway, 'GET', '/api/history/c1?limit=3')).body)).toEqual(['Answer 1', 'Question 2', 'Answer 2']);
    const first = await call(gateway, 'GET', '/api/history/c1?limit=3&before=r1');
    expect([texts(first.body), first.body!['hasMore']]).toEqual([['Question 1'], false]);
    expect((await call(gateway, 'GET', '/api/history/c1?before=m1')).body).toMatchObject({ messages: [], hasMore: false });
    // An end of the history that is none: it would be taken for one.
    expect(await call(gateway, 'GET', '/api/history/c1?before=nobody')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await call(gateway, 'DELETE', '/api/history/c1/m1')).status).toBe(200);
    expect(texts((await call(gateway, 'GET', '/api/history/c1')).body)).toEqual(['', 'Answer 1', 'Question 2', 'Answer 2']);
  });

  test.each(['1.5', '1e1', '0x1', '+1', '%201', 'true', '', '0', '201', '99999999999999999999'])(
    'a page of %j messages is refused by the name of its field',
    async (limit) => {
      await using gateway = await startGateway();
      await say(gateway, 1);
      for (const path of ['/api/history/c1', '/api/conversations']) {
        const { status, body } = await call(gateway, 'GET', `${path}?limit=${limit}`);
        expect([status, body]).toEqual([400, expect.objectContaining({ code: 'bad-frame', message: expect.stringContaining('limit') })]);
      }
    },
  );

  test('conversations are listed, renamed and deleted', async () => {
    await using gateway = await startGateway();
    await say(gateway, 1);
    expect((await call(gateway, 'PATCH', '/api/conversations/c1', { title: '  Trip to   Huế ' })).status).toBe(200);
    const { body } = await call(gateway, 'GET', '/api/conversations');
    expect(body).toMatchObject({ conversations: [{ conversationId: 'c1', title: 'Trip to Huế' }], hasMore: false });
    expect((await call(gateway, 'GET', '/api/history/c1')).status).toBe(200);
    expect((await call(gateway, 'DELETE', '/api/history/c1')).status).toBe(204);
    expect((await call(gateway, 'GET', '/api/history/c1')).status).toBe(404);
    expect((await call(gateway, 'DELETE', '/api/history/c1')).status).toBe(404);
  });

  test('a conversation only the audit service has is deleted for good', async () => {
    const audit: AuditClient = {
      call: async (path) =>
        path.startsWith('/history/old?')
          ? { status: 200, body: { messages: [], hasMore: false, title: 'Cũ' } }
          : { status: 404, body: null },
    };
    await using gateway = await startGateway({ audit, runLog: createMemoryRunLog() });
    expect((await call(gateway, 'DELETE', '/api/history/old')).status).toBe(204);
    expect((await call(gateway, 'DELETE', '/api/history/old')).status).toBe(404);
    expect((await call(gateway, 'DELETE', '/api/history/none')).status).toBe(404);
  });

  test('W-4 a command sent twice answers with the run it made', async () => {
    await using gateway = await startGateway();
    const prompt = { conversationId: 'c1', messageId: 'm1', runId: 'r1', text: 'hi' };
    const first = await call(gateway, 'POST', '/api/chat', prompt);
    const again = await call(gateway, 'POST', '/api/chat', prompt);
    expect(first.body).toMatchObject({ runId: 'r1', duplicate: false });
    expect(again).toEqual({ status: 202, body: { ...first.body, duplicate: true } });
  });
});
