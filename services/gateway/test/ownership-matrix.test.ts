import { expect, onTestFinished, test } from 'vitest';
// eslint-disable-next-line runnel/imports -- a test of both sides of the seam: what a real audit service says is the point
import { createAuditApp, auditMetrics, createDirect, openTables } from '@runnel/audit';
import { createMemoryRunLog } from '@runnel/coordination';
import { createMetrics, waitFor } from '@runnel/kit';
import { RunnelError, type ClientFrame } from '@runnel/protocol';
import { MemoryStore } from '@runnel/coordination/testing';
import { fromOutbox, topicOf } from '@runnel/protocol/audit';

import { startGateway } from '../testing/test-gateway.ts';

const C = 'c-4711';
const SECRET = 'the vault is 4711 swordfish';

/** A gateway over a memory log and a real audit service on SQLite; what happens between them is the test's. */
const world = async () => {
  const inner = new MemoryStore(Date.now, 100_000);
  const runLog = createMemoryRunLog({ store: inner });
  const tables = await openTables('sqlite::memory:');
  const direct = createDirect(tables, auditMetrics(createMetrics('audit', { processMetrics: false })));
  const app = createAuditApp(tables);
  let isDown = false;
  const audit = {
    async call(path: string, { userId = '' }: { userId?: string } = {}) {
      if (isDown) throw new RunnelError('unavailable');
      const answer = await app.inject({ method: 'GET', url: path, headers: { 'x-runnel-user': encodeURIComponent(userId) } });
      return { status: answer.statusCode, body: answer.body === '' ? null : (answer.json() as unknown) };
    },
  };
  const t = await startGateway({ runLog, audit, auditSlowMs: 5_000 });
  onTestFinished(async () => {
    await t.close();
    await app.close();
    await tables.close();
  });
  const call = async (method: 'GET' | 'POST' | 'DELETE' | 'PATCH', path: string, userId: string, body?: object) => {
    const url = new URL(path, t.url);
    url.searchParams.set('user_id', userId);
    const stop = new AbortController();
    const answer = await fetch(url, {
      method,
      signal: stop.signal,
      headers: { 'x-runnel-conversation': C, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    // An event stream does not end: its first piece shows what it would tell.
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
    const text = isStream ? new TextDecoder().decode((await answer.body!.getReader().read()).value) : await answer.text();
    if (isStream) stop.abort();
    return { status: answer.status, text };
  };
  let asked = 0;
  return {
    ...t,
    call,
    inner,
    down: (value: boolean) => void (isDown = value),
    prompt: (userId: string, text = SECRET) => {
      asked++;
      return call('POST', '/api/chat', userId, { conversationId: C, messageId: `m${asked}`, runId: `r${asked}`, text });
    },
    /** What the outbox holds goes into the database. */
    async relay() {
      const entries = runLog.outbox.read(1_000);
      const events = entries.map(({ fields }) => fromOutbox(fields));
      const value = (event: object) => new TextEncoder().encode(JSON.stringify(event));
      await direct.store(events.map((e) => ({ topic: topicOf(e.type), key: e.subject, value: value(e), headers: { ce_id: e.id } })));
      runLog.outbox.trim(entries.map(({ entryId }) => entryId));
    },
    aside: async () => (await direct.deadLetters.list()).length,
    /** The store has nothing of the conversation any more; `whose`: not even whose it was. */
    forget(whose: boolean) {
      inner.conversations.clear();
      inner.runs.clear();
      if (whose) inner.whose.free(C);
    },
  };
};
type World = Awaited<ReturnType<typeof world>>;

const answered = async (w: World): Promise<void> => {
  expect((await w.prompt('ann')).status).toBe(202);
  await waitFor(() => w.owner.runs.length > 0);
  const run = w.owner.runs.at(-1)!;
  await w.owner.part(run, { partId: 'p0', text: '' });
  await w.owner.stream(run, 'p0', 'text', SECRET);
  await w.owner.say(run, `${SECRET}, it said`);
  await w.owner.end(run);
  await w.relay();
};

/** How a conversation of ann can be, and whether she finds her words in it. */
const STATES: Record<string, { make(w: World): Promise<void>; has: boolean }> = {
  live: {
    has: true,
    async make(w) {
      await w.prompt('ann');
      await waitFor(() => w.owner.runs.length === 1);
      await w.owner.say('r1', SECRET);
      await w.relay();
    },
  },
  ended: { has: true, make: answered },
  'idle for a day': { has: true, make: async (w) => (await answered(w), w.forget(false)) },
  'lost by the store': { has: true, make: async (w) => (await answered(w), w.forget(true)) },
  deleted: {
    has: false,
    async make(w) {
      await answered(w);
      expect((await w.call('DELETE', `/api/history/${C}`, 'ann')).status).toBe(204);
      await w.relay();
    },
  },
  'deleted, and the store lost that': {
    has: false,
    async make(w) {
      await STATES['deleted']!.make(w);
      w.forget(true);
    },
  },
  'made again': {
    has: true,
    async make(w) {
      await STATES['deleted']!.make(w);
      await w.prompt('ann');
      await w.relay();
    },
  },
};

const HTTP: [method: 'GET' | 'POST' | 'DELETE' | 'PATCH', path: string, status: readonly number[], body?: object][] = [
  ['POST', '/api/chat', [403], { conversationId: C, messageId: 'mine', text: 'mine now' }],
  ['POST', '/api/chat', [403], { conversationId: C, messageId: 'mine', text: 'mine now', parentId: 'm1' }],
  ['POST', '/api/regenerate', [403], { conversationId: C, parentId: 'm1' }],
  ['POST', '/api/cancel', [403], { conversationId: C, runId: 'r1' }],
  ['GET', `/api/conversations/${C}/events`, [403]],
  ['GET', `/api/history/${C}`, [403]],
  ['GET', `/api/history/${C}?before=mine`, [403]],
  ['GET', `/api/conversations/${C}/parts/p0`, [403]],
  ['DELETE', `/api/history/${C}/m1`, [403]],
  ['DELETE', `/api/history/${C}`, [403]],
  ['PATCH', `/api/conversations/${C}`, [403], { title: 'mine' }],
  ['POST', '/v1/chat/completions', [403], { model: 'default', messages: [{ role: 'user', content: 'mine now' }] }],
  ['POST', '/v1/chat/completions', [403], { model: 'default', stream: true, messages: [{ role: 'user', content: 'mine now' }] }],
  // These name a run, or speak of the caller's own: there is none of that name, or nothing.
  ['GET', '/api/runs/r1/replay?speed=0', [404]],
  ['GET', `/api/conversations/${C}/verify`, [404]],
  ['GET', `/api/conversations/${C}/trail`, [200]],
  ['GET', '/api/search?q=vault', [200]],
  ['GET', '/api/conversations', [200]],
];

/** Frames, and what each is answered by. `typing` asks for a follow first, which a stranger cannot have. */
const FRAMES: [frame: ClientFrame, code: string][] = [
  [{ type: 'follow', id: 1, conversationId: C }, 'forbidden'],
  [{ type: 'prompt', id: 2, conversationId: C, messageId: 'mine', text: 'mine now' }, 'forbidden'],
  [{ type: 'regenerate', id: 3, conversationId: C, parentId: 'm1' }, 'forbidden'],
  [{ type: 'cancel', id: 4, conversationId: C, runId: 'r1' }, 'forbidden'],
  [{ type: 'delete', id: 5, conversationId: C, messageId: 'm1' }, 'forbidden'],
  [{ type: 'typing', id: 6, conversationId: C, active: true }, 'not-found'],
];

const refused = async (w: World): Promise<void> => {
  for (const [method, path, status, body] of HTTP) {
    const answer = await w.call(method, path, 'bob', body);
    expect([method, path, status.includes(answer.status), answer.status, answer.text.includes('swordfish')]).toEqual([
      ...[method, path, true, answer.status, false],
    ]);
  }
  const socket = await w.connect({ query: { user_id: 'bob' } });
  for (const [frame, code] of FRAMES) {
    socket.send(frame);
    expect([frame.type, (await socket.next('error', (e) => 'id' in frame && e.id === frame.id)).code]).toEqual([frame.type, code]);
  }
  expect(socket.raw.join()).not.toContain('swordfish');
  socket.drop();
};

for (const [state, { make, has }] of Object.entries(STATES)) {
  test(`S-1 a stranger is refused at every way into a conversation that is ${state}, and its owner finds it as it was`, async () => {
    const w = await world();
    await make(w);
    await refused(w);
    await w.relay();
    const history = await w.call('GET', `/api/history/${C}`, 'ann');
    expect([history.status, history.text.includes('swordfish')]).toEqual([has ? 200 : 404, has]);
    // Two of them have an answer under way.
    if (!['live', 'made again'].includes(state)) expect((await w.prompt('ann', 'and?')).status).toBe(202);
    expect(await w.aside()).toBe(0);
  });
}

test('S-1 P-10 a stranger who got an id while the database was away and the store had lost it is out when it answers', async () => {
  const w = await world();
  await STATES['lost by the store']!.make(w);
  w.down(true);
  const socket = await w.connect({ query: { user_id: 'bob' } });
  socket.send({ type: 'follow', id: 1, conversationId: C });
  // Nobody can know whose it is: an empty conversation, and a prompt is taken.
  await socket.next('ok');
  expect((await w.prompt('bob', 'mine now')).status).toBe(202);
  w.down(false);
  await socket.next('error', (error) => error.code === 'forbidden');
  expect(socket.raw.join()).not.toContain('swordfish');
  await waitFor(() => !w.inner.conversations.has(C));
  await w.relay();
  expect(await w.aside()).toBeGreaterThan(0);
  await refused(w);
  const history = await w.call('GET', `/api/history/${C}`, 'ann');
  expect([history.status, history.text.includes('swordfish'), history.text.includes('mine now')]).toEqual([200, true, false]);
});

test('S-3 an id that nobody has made is anybody’s to make, and nobody’s to listen at', async () => {
  const w = await world();
  const socket = await w.connect({ query: { user_id: 'bob' } });
  socket.send({ type: 'follow', id: 1, conversationId: C });
  await socket.next('ok');
  socket.send({ type: 'typing', id: 2, conversationId: C, active: true });
  expect((await socket.next('error', (e) => e.id === 2)).code).toBe('not-found');
  await STATES['live']!.make(w);
  await socket.next('error', (error) => error.code === 'forbidden');
  expect(socket.raw.join()).not.toContain('swordfish');
  await refused(w);
});
