import type { MemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { RunnelError, type Message } from '@runnel/protocol';
import { fromOutbox } from '@runnel/protocol/audit';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../../../testing/test-gateway.ts';
import type { AuditClient } from '../../archive/audit-client.ts';

/** A long talk, as the database has it. */
const talk = (length: number): Message[] =>
  Array.from({ length }, (_, i) => ({
    ...{ messageId: `m${i}`, parentId: i === 0 ? null : `m${i - 1}`, role: i % 2 === 0 ? 'user' : 'assistant' },
    ...{ text: `lời ${i}`, status: 'complete', createdAt: i + 1 },
  }));

/** A gateway beside a database that has `c1`, of ann, and may be away, at once or for what is older than so many messages. */
const world = async (messages: readonly Message[]) => {
  const database = { away: false, reaches: Number.POSITIVE_INFINITY, asked: [] as string[] };
  const audit: AuditClient = {
    async call(path, { userId } = {}) {
      database.asked.push(path);
      if (database.away) throw new RunnelError('unavailable');
      const url = new URL(path, 'http://database');
      if (url.pathname === '/records') return { status: 200, body: { records: [] } };
      if (url.pathname !== '/history/c1') return { status: 404, body: null };
      if (userId !== 'ann') return { status: 403, body: null };
      const end = messages.findIndex(({ messageId }) => messageId === url.searchParams.get('before'));
      if (end !== -1 && end < messages.length - database.reaches) throw new RunnelError('unavailable');
      const older = end === -1 ? messages : messages.slice(0, end);
      const limit = Number(url.searchParams.get('limit'));
      return { status: 200, body: { title: 'Cũ', messages: older.slice(-limit), hasMore: older.length > limit } };
    },
  };
  const gateway = await startGateway({ audit });
  onTestFinished(() => gateway.close());
  const call = async (method: string, path: string, body?: object, user = 'ann') => {
    const sent = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${gateway.url}${path}?user_id=${user}`, { method, ...sent });
    const text = await answer.text();
    return { status: answer.status, body: JSON.parse(text || '{}') as { outcome?: string; code?: string; messages?: Message[] } };
  };
  const fork = (messageId: string, conversationId = 'f1', from = 'c1', user = 'ann') =>
    call('POST', `/api/conversations/${from}/fork`, { conversationId, messageId }, user);
  return { ...gateway, database, call, fork };
};

test('what only the database has is forked, with what is older than any store keeps; nobody else may', async () => {
  const { fork, call } = await world(talk(300));
  expect((await fork('m297', 'f1', 'c1', 'bob')).status).toBe(403);
  expect(await fork('m297')).toMatchObject({ status: 200, body: { outcome: 'forked' } });
  const { messages } = (await call('GET', '/api/history/f1')).body;
  expect(messages!.at(-1)).toMatchObject({ messageId: 'm297', text: 'lời 297' });
  expect(await fork('m297')).toMatchObject({ status: 200, body: { outcome: 'duplicate' } });
  expect(await fork('m10', 'f2')).toMatchObject({ status: 200, body: { outcome: 'forked' } });
  expect((await call('GET', '/api/history/f2')).body.messages!.map(({ messageId }) => messageId)).toEqual(
    Array.from({ length: 11 }, (_, i) => `m${i}`),
  );
});

test('P-10 with the database away a conversation that is here is forked; one that is not, or not whole, is refused for now', async () => {
  const w = await world(talk(300));
  w.database.reaches = 150;
  expect(await w.fork('m299')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect((await w.call('GET', '/api/history/f1')).status).toBe(404);
  w.database.reaches = Number.POSITIVE_INFINITY;
  expect((await w.fork('m299')).status).toBe(200);

  w.database.away = true;
  const begun = await w.call('POST', '/api/chat', { conversationId: 'live', messageId: 'q', runId: 'r', text: 'hi' });
  expect(begun.status).toBe(202);
  await w.owner.say('r', 'hello');
  await w.owner.end('r');
  expect(await w.fork('r', 'f3', 'live')).toMatchObject({ status: 200, body: { outcome: 'forked' } });
  expect((await w.call('GET', '/api/history/f3')).body.messages!.map(({ messageId }) => messageId)).toEqual(['q', 'r']);
  expect(await w.fork('m0', 'f4', 'forgotten')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
});

test('W-16 a part that its message cuts goes along whole', async () => {
  const w = await world([]);
  const thought = 'nghĩ và nghĩ '.repeat(3_000);
  expect((await w.call('POST', '/api/chat', { conversationId: 'long', messageId: 'q', runId: 'r', text: 'think' })).status).toBe(202);
  await waitFor(() => w.owner.runs.includes('r'), { deadlineMs: 10_000 });
  await w.owner.part('r', { partId: 'p0', text: '' });
  await w.owner.stream('r', 'p0', 'text', thought);
  await w.owner.part('r', { partId: 'p0', state: 'done' });
  await w.owner.say('r', 'done');
  await w.owner.end('r');
  expect(await w.fork('r', 'f1', 'long')).toMatchObject({ status: 200, body: { outcome: 'forked' } });
  const told = (w.runLog as MemoryRunLog).outbox
    .read(100)
    .map(({ fields }) => fromOutbox(fields))
    .filter(({ subject, type }) => subject === 'f1' && type === 'PART_CHANGED');
  expect(told.map(({ data }) => JSON.parse((data as { text: string }).text) as object)).toMatchObject([{ partId: 'p0', text: thought }]);
  const source = (await w.call('GET', '/api/history/long')).body.messages!;
  expect((await w.call('GET', '/api/history/f1')).body.messages).toEqual(source);
});

test('thumbs of the answers that go along are in the fork, too, and are its own from then on', async () => {
  const { fork, call, owner } = await world([]);
  const said = async (id: string) => ((await call('GET', `/api/conversations/${id}/feedback`)).body as { feedback?: object[] }).feedback;
  const rate = async (id: string, message: string, body: object) =>
    expect((await call('PUT', `/api/conversations/${id}/messages/${message}/feedback`, body)).status).toBe(204);
  for (const [messageId, runId] of [
    ['q1', 'r1'],
    ['q2', 'r2'],
  ] as const) {
    expect((await call('POST', '/api/chat', { conversationId: 'live', messageId, runId, text: 'hi' })).status).toBe(202);
    await owner.say(runId, 'hello');
    await owner.end(runId);
  }
  await rate('live', 'r1', { rating: 'down', reason: 'Quá dài' });
  await rate('live', 'r2', { rating: 'up' });
  expect((await fork('r1', 'f1', 'live')).status).toBe(200);
  expect(await said('f1')).toEqual([{ messageId: 'r1', rating: 'down', reason: 'Quá dài' }]);
  await rate('f1', 'r1', { rating: null });
  expect(await said('f1')).toEqual([]);
  expect(await said('live')).toHaveLength(2);
  // Asked again, it is the same fork, with what was said of it since.
  expect(await fork('r1', 'f1', 'live')).toMatchObject({ body: { outcome: 'duplicate' } });
  expect(await said('f1')).toEqual([]);
});

test('P-8 a branch has a bound, which is said', async () => {
  const { fork, call } = await world(talk(502));
  expect(await fork('m501')).toMatchObject({ status: 413, body: { code: 'too-long' } });
  expect(await fork('m499')).toMatchObject({ status: 200 });
  expect((await call('GET', '/api/history/f1')).body.messages!.at(-1)!.messageId).toBe('m499');
});
