import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createHealth, createMetrics, loadConfig, silentLog, startTracing, waitFor, type Tracer } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { createStandalone } from './app.ts';
import { configSpec } from './config.ts';
import { chooseModels } from './local-models.ts';

interface Answer {
  status: number;
  text: string;
  json<T>(): T;
}

/** `npm start` in a folder, without a port. */
const start = async (dataDir: string, tracer?: Tracer) => {
  const config = loadConfig(configSpec, { DATA_DIR: dataDir, ADMIN_USERS: 'root' });
  const metrics = createMetrics('test', { processMetrics: false });
  const { gateway, closables } = await createStandalone({
    config,
    models: chooseModels({}, []),
    env: {},
    log: silentLog,
    metrics,
    health: createHealth(),
    ...(tracer && { tracer }),
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      for (const closable of closables.toReversed()) await closable.close();
    })());
  onTestFinished(close);
  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, user = 'ann'): Promise<Answer> => {
    const url = `${path}${path.includes('?') ? '&' : '?'}user_id=${user}`;
    const answer = await gateway.app.inject({ method, url, ...(body && { payload: body }) });
    return { status: answer.statusCode, text: answer.body, json: <T>() => answer.json<T>() };
  };
  const ask = async (conversationId: string, text: string, { model = 'count', cancel = false } = {}): Promise<void> => {
    const messageId = `m${Math.random().toString(36).slice(2)}`;
    const runId = `r-${messageId}`;
    expect((await call('POST', '/api/chat', { conversationId, messageId, runId, text, model })).status).toBe(202);
    if (cancel) expect((await call('POST', '/api/cancel', { conversationId, runId })).status).toBe(200);
    await waitFor(async () => (await call('GET', `/api/history/${conversationId}`)).text.includes(`"messageId":"${runId}"`), {
      deadlineMs: 8_000,
    });
  };
  /** Resolves when a viewer has got these words. */
  const shown = async (conversationId: string, words: string): Promise<string> => {
    const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`${url}/api/conversations/${conversationId}/events?user_id=ann`);
    let text = '';
    for await (const bytes of response.body!) {
      text += Buffer.from(bytes).toString();
      if (text.includes(words)) return text;
    }
    throw new Error(`the events ended without ${words}`);
  };
  return { call, ask, shown, close };
};

const folder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-standalone-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
};

/** The running answers as the file has them. */
const journalOf = (dir: string): string => {
  const database = new DatabaseSync(join(dir, 'running.sqlite'), { readOnly: true });
  const rows = database.prepare('SELECT answer FROM running').all();
  database.close();
  return rows.map(({ answer }) => String(answer)).join();
};

interface Page {
  messages: { messageId: string; text: string; parentId: string | null; role: string }[];
}

test('after a restart old conversations are listed, open, and go on', async () => {
  const dir = await folder();
  const first = await start(dir);
  await first.ask('c1', 'count 3 at 500');
  await first.close();

  const second = await start(dir);
  const list = (await second.call('GET', '/api/conversations')).json<{ conversations: { conversationId: string; title: string }[] }>();
  expect(list.conversations).toMatchObject([{ conversationId: 'c1' }]);
  await second.ask('c1', 'count 2 at 500');
  const { messages } = (await second.call('GET', '/api/history/c1')).json<Page>();
  expect(messages.map((m) => m.text.trim())).toEqual(['count 3 at 500', 'w000001 w000002 w000003', 'count 2 at 500', 'w000001 w000002']);
  // The new question hangs under the old answer.
  expect(messages[2]!.parentId).toBe(messages[1]!.messageId);
  expect((await second.call('GET', '/api/history/c1', undefined, 'bob')).status).toBe(403);
  await second.close();

  const third = await start(dir);
  expect((await third.call('DELETE', '/api/history/c1')).status).toBe(204);
  await third.close();
  const fourth = await start(dir);
  expect((await fourth.call('GET', '/api/history/c1')).status).toBe(404);
});

test('an answer that is being written when the process is asked to end keeps what was shown', async () => {
  const dir = await folder();
  const first = await start(dir);
  const asked = { conversationId: 'c1', messageId: 'm1', runId: 'r1', text: 'count 500 at 100', model: 'count' };
  expect((await first.call('POST', '/api/chat', asked)).status).toBe(202);
  await first.shown('c1', 'w000020');
  await first.close();
  const second = await start(dir);
  const { messages } = (await second.call('GET', '/api/history/c1')).json<Page>();
  expect(messages.at(-1)).toMatchObject({ messageId: 'r1', status: 'interrupted' });
  expect(messages.at(-1)!.text).toMatch(/^w000001 w000002 .*w000020/);
});

test('P-1 an answer that was being written when the process was killed keeps what was shown, but for its last second', async () => {
  const dir = await folder();
  const first = await start(dir);
  await first.ask('c1', 'count 2 at 500');
  const asked = { conversationId: 'c1', messageId: 'm2', runId: 'r2', text: 'count 500 at 100', model: 'count' };
  expect((await first.call('POST', '/api/chat', asked)).status).toBe(202);
  await waitFor(() => journalOf(dir).includes('w000010'));
  // What a `kill -9` in this moment would leave.
  const left = await folder();
  await cp(dir, left, { recursive: true });
  await first.call('DELETE', '/api/history/c1');
  for (const file of ['running.sqlite', 'running.sqlite-wal']) expect(await readFile(join(dir, file), 'latin1')).not.toContain('w000010');

  for (let restart = 1; restart <= 2; restart++) {
    const next = await start(left);
    const { messages } = (await next.call('GET', '/api/history/c1')).json<Page>();
    expect(messages).toHaveLength(4);
    expect(messages.at(-1)).toMatchObject({ messageId: 'r2', parentId: 'm2', status: 'interrupted' });
    expect(messages.at(-1)!.text).toMatch(/^w000001 w000002 .*w000010/);
    expect((await next.call('POST', '/api/chat', asked)).json()).toMatchObject({ runId: 'r2', duplicate: true });
    expect((await next.call('GET', '/api/conversations/c1/verify')).json()).toMatchObject({ problems: [] });
    await next.close();
    expect(journalOf(left)).toBe('');
  }
});

test('search, trail, replay and erasure over HTTP', async () => {
  const { call, ask } = await start(await folder());
  await ask('c1', 'count 20 at 200');
  await ask('c2', 'Đường đến Huế?', { model: 'demo', cancel: true });
  const find = async (q: string, user = 'ann') =>
    (await call('GET', `/api/search?q=${encodeURIComponent(q)}`, undefined, user)).json<{ found: unknown[] }>().found.length;
  await waitFor(async () => (await find('duong den hue?')) >= 1 && (await find('w000020')) === 1, { deadlineMs: 5_000 });
  expect([await find('ĐƯỜNG ĐẾN'), await find('w000020'), await find('duong', 'bob')]).toEqual([await find('duong den'), 1, 0]);

  const trail = (await call('GET', '/api/conversations/c1/trail')).json<{ events: { type: string; runId: string | null }[] }>();
  expect(trail.events.map((e) => e.type)).toEqual(['SESSION_STARTED', 'CHAT_MESSAGE', 'STREAM_STARTED', 'STREAM_COMPLETED']);
  expect((await call('GET', '/api/conversations/c1/trail', undefined, 'bob')).json<{ events: unknown[] }>().events).toEqual([]);
  const csv = (await call('GET', '/api/conversations/c1/trail?format=csv')).text.trim().split('\r\n');
  expect([csv.length, csv[0]!.slice(0, 9)]).toEqual([5, 'time,type']);

  const lines = (await call('GET', '/api/trail?format=ndjson')).text.trim().split('\n');
  expect(lines.filter((line) => (JSON.parse(line) as { conversationId: string }).conversationId === 'c1')).toHaveLength(4);
  const whole = (await call('GET', '/api/conversations/c1/verify')).json<{ events: number; problems: string[] }>();
  expect(whole).toMatchObject({ logs: 1, events: 4, texts: 2, problems: [] });
  expect((await call('GET', '/api/conversations/c1/verify', undefined, 'bob')).status).toBe(404);
  expect((await call('GET', '/api/admin/conversations/c1/verify', undefined, 'root')).json()).toEqual(whole);
  expect((await call('GET', '/api/me')).json()).toEqual({ userId: 'ann', admin: false, role: 'user', audit: true });
  expect((await call('GET', '/api/me', undefined, 'root')).json()).toMatchObject({ admin: true });

  const runId = trail.events.at(-1)!.runId!;
  // Its timing came with it: pieces at their own times, no hole.
  const replayed = await waitFor(async () => {
    const answer = await call('GET', `/api/runs/${runId}/replay?speed=0`);
    return answer.text.split('event: chunk').length > 3 && !answer.text.includes('"hole"') ? answer : undefined;
  });
  const shown = [...replayed.text.matchAll(/^event: chunk\ndata: (.*)$/gm)]
    .map(([, data]) => (JSON.parse(data!) as { text: string }).text)
    .join('');
  expect(shown.trim()).toMatch(/^w000001 .* w000020$/);
  expect(replayed.text).toMatch(/event: end\ndata: .*"reason":"complete"/);
  expect((await call('GET', `/api/runs/${runId}/replay`, undefined, 'bob')).status).toBe(404);

  expect((await call('GET', '/api/admin/trail?user=ann')).status).toBe(403);
  const seen = async () => (await call('GET', '/api/admin/trail?user=ann', undefined, 'root')).json<{ events: unknown[] }>().events.length;
  await waitFor(async () => (await seen()) === 8);
  const { statistics } = (await call('GET', '/api/admin/analytics', undefined, 'root')).json<{ statistics: { runs: number }[] }>();
  expect(statistics).toMatchObject([
    { model: 'count', runs: 1, complete: 1 },
    { model: 'demo', runs: 1, cancelled: 1 },
  ]);
  expect((await call('DELETE', '/api/admin/users/ann', undefined, 'ann')).status).toBe(403);
  expect((await call('DELETE', '/api/admin/users/ann', undefined, 'root')).json()).toEqual({ conversations: 2, forgotten: true });
  await waitFor(async () => (await find('w000020')) === 0, { deadlineMs: 5_000 });
  expect((await call('GET', '/api/history/c1')).status).toBe(404);
  // S-17: nobody is called so any more; what happened in the conversation stays.
  expect((await call('GET', '/api/admin/trail?user=ann', undefined, 'root')).json<{ events: unknown[] }>().events).toEqual([]);
  const after = (await call('GET', '/api/admin/trail?conversation=c1', undefined, 'root')).json<{
    events: { type: string; data: string }[];
  }>();
  expect(after.events.at(-1)!.type).toBe('SESSION_DELETED');
  expect(JSON.parse(after.events.at(-1)!.data)).toMatchObject({ deletedBy: 'root' });

  // S-16: what the admin read and erased is in the trail, with the name and whose it was; nobody's refused call is.
  type Act = { type: string; userId: string; data: string; hash: string | null };
  const { events } = (await call('GET', '/api/admin/trail?user=root', undefined, 'root')).json<{ events: Act[] }>();
  const acts = events.map(({ type, data, hash }) => [type, (JSON.parse(data) as { target?: string }).target, hash !== null]);
  const nameless = expect.stringMatching(/^~.{43}$/) as string;
  expect(acts.filter(([type]) => type === 'USER_ERASED')).toEqual([['USER_ERASED', nameless, true]]);
  expect(acts).toContainEqual(['ADMIN_READ', nameless, true]);
  expect(acts).toContainEqual(['ADMIN_READ', undefined, true]);
  expect(acts.at(-1)).toEqual(['ADMIN_READ', 'root', true]);
  expect(events.every(({ userId }) => userId === 'root')).toBe(true);
});

test('S-17 erased while an answer is written: no file of the data folder names the person, and the trail is whole', async () => {
  const dir = await folder();
  const { call } = await start(dir);
  const person = 'lan.anh@example.org';
  const filesNaming = async (): Promise<string[]> => {
    const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const texts = await Promise.all(files.map(async (f) => [f.name, await readFile(join(f.parentPath, f.name), 'latin1')] as const));
    return texts.filter(([, text]) => text.includes('lan.anh')).map(([name]) => name);
  };
  for (const c of ['c1', 'c2']) {
    const body = { conversationId: c, messageId: 'm1', runId: `r-${c}`, text: 'count 400 at 100', model: 'count' };
    expect((await call('POST', '/api/chat', body, person)).status).toBe(202);
  }
  await waitFor(async () => (await filesNaming()).some((name) => name.startsWith('runnel.sqlite')));
  expect((await call('DELETE', `/api/admin/users/${person}`, undefined, 'root')).json()).toEqual({ conversations: 2, forgotten: true });
  await waitFor(async () => (await filesNaming()).length === 0, { deadlineMs: 10_000 });
  // Asking for the name does not bring it back.
  expect((await call('DELETE', `/api/admin/users/${person}`, undefined, 'root')).json()).toEqual({ conversations: 0, forgotten: true });
  expect(await filesNaming()).toEqual([]);
  for (const c of ['c1', 'c2'])
    expect((await call('GET', `/api/admin/conversations/${c}/verify`, undefined, 'root')).json()).toMatchObject({ problems: [] });
});

test('what the provider counted is what everybody is told: the reader, the trail, the statistics', async () => {
  const { call, ask, shown } = await start(await folder());
  const ended = shown('c1', '"endedAt"');
  await ask('c1', 'count 20 at 200');
  const usage = { promptTokens: 4, completionTokens: 20 };
  const events = await ended;
  expect(events).toContain(`"usage":${JSON.stringify(usage)}`);
  const trail = await waitFor(async () => {
    const { events: rows } = (await call('GET', '/api/conversations/c1/trail')).json<{ events: { type: string; data: string }[] }>();
    return rows.find(({ type }) => type === 'STREAM_COMPLETED');
  });
  expect(JSON.parse(trail.data)).toMatchObject({ usage });
  const { statistics } = (await call('GET', '/api/admin/analytics', undefined, 'root')).json<{ statistics: object[] }>();
  expect(statistics).toMatchObject([{ model: 'count', runs: 1, inputTokens: 4, outputTokens: 20 }]);
});

test('one trace: the command, and under it the stay of the run', async () => {
  const spans: { name: string; traceId: string; parent: string | undefined; spanId: string }[] = [];
  const tracing = startTracing({
    service: 'standalone',
    node: 'n',
    exporter: {
      export(batch, done) {
        for (const span of batch) spans.push({ name: span.name, parent: span.parentSpanContext?.spanId, ...span.spanContext() });
        done({ code: 0 });
      },
      shutdown: () => Promise.resolve(),
    },
  });
  const app = await start(await folder(), tracing.tracer);
  await app.ask('c1', 'count 3 at 500');
  await app.close();
  await tracing.shutdown();
  const [command, run] = ['runnel.begin-run', 'chat count'].map((name) => spans.find((span) => span.name === name));
  const stored = spans.filter((span) => span !== command && span !== run);
  // The conversation, its question, the start and the end of its answer.
  expect(stored.map(({ name, parent }) => [name, parent])).toEqual(Array(4).fill(['runnel.store', command?.spanId]));
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(run).toMatchObject({ traceId: command?.traceId, parent: command?.spanId });
});

interface ToolPart {
  partId: string;
  name: string;
  state: string;
  input: string;
  output?: string;
  attempt?: number;
}

/** The newest whole parts in a text of server-sent events, by tool. */
const partsIn = (text: string): Record<string, ToolPart> =>
  Object.fromEntries(
    [...text.matchAll(/^data: (\{.*"type":"(?:part|snapshot)".*\})$/gm)].flatMap(([, json]) => {
      const event = JSON.parse(json!) as { part?: ToolPart; run?: { parts?: ToolPart[] } };
      return [...(event.run?.parts ?? []), ...(event.part ? [event.part] : [])].map((part) => [part.name, part]);
    }),
  );

test('W-18 W-19 with nothing configured the demo uses real tools: at once where nobody need be asked, else after an approval', async () => {
  const dir = await folder();
  const { call, shown } = await start(dir);
  const ids = { conversationId: 'tools', runId: 'r-tools' };
  const prompt = { ...ids, messageId: 'm-tools', text: 'Use the clock and the counter', model: 'demo' };
  expect((await call('POST', '/api/chat', prompt)).status).toBe(202);
  const { clock, counter } = partsIn(await shown('tools', '"type":"run-waiting"'));
  expect(clock).toMatchObject({ state: 'done', attempt: 1 });
  expect(counter).toMatchObject({ state: 'waiting' });
  expect(existsSync(join(dir, 'tools/counter.ndjson'))).toBe(false);
  const decision = { ...ids, partId: counter!.partId, decision: 'approve' };
  const decide = (input: string): Promise<Answer> =>
    call('POST', '/api/decide', { ...decision, inputSha256: createHash('sha256').update(input).digest('hex') });
  expect((await decide('{"other":true}')).json()).toEqual({ outcome: 'stale' });
  expect((await decide('{}')).json()).toEqual({ outcome: 'decided' });
  expect((await decide('{}')).json()).toEqual({ outcome: 'already-decided' });
  const page = await waitFor(async () => {
    const { messages } = (await call('GET', '/api/history/tools')).json<{
      messages: { messageId: string; text: string; parts?: ToolPart[] }[];
    }>();
    return messages.find(({ messageId }) => messageId === ids.runId);
  });
  expect(page.parts).toMatchObject([
    { name: 'clock', state: 'done', output: expect.stringMatching(/UTC$/) as string },
    { name: 'counter', state: 'done', input: '{}', output: '1', attempt: 1 },
  ]);
  expect(page.text).toContain('**counter**: 1');
  const calls = (await readFile(join(dir, 'tools/counter.ndjson'), 'utf8')).trim().split('\n');
  expect(calls.map((line) => JSON.parse(line) as object)).toMatchObject([{ key: `r-tools:${counter!.partId}`, attempt: 1 }]);
});

test('W-17 what waits for a person is there after a restart and after a kill, is decided then, and is called once', async () => {
  const dir = await folder();
  const first = await start(dir);
  const ids = { conversationId: 'waits', runId: 'r-waits' };
  await first.call('POST', '/api/chat', { ...ids, messageId: 'm-waits', text: 'Use the clock and the counter', model: 'demo' });
  await first.shown('waits', '"type":"run-waiting"');
  // What a `kill -9` in this moment would leave.
  const killed = await folder();
  await cp(dir, killed, { recursive: true });
  await first.close();
  for (const left of [dir, killed]) {
    const { call, shown, close } = await start(left);
    const list = (await call('GET', '/api/conversations')).json<{ conversations: object[] }>();
    expect(list.conversations).toMatchObject([{ conversationId: 'waits', waiting: true }]);
    const { clock, counter } = partsIn(await shown('waits', '"type":"live"'));
    expect([clock, counter]).toMatchObject([{ state: 'done' }, { state: 'waiting', input: '{}' }]);
    const inputSha256 = createHash('sha256').update('{}').digest('hex');
    const decided = await call('POST', '/api/decide', { ...ids, partId: counter!.partId, decision: 'approve', inputSha256 });
    expect(decided.json()).toEqual({ outcome: 'decided' });
    const page = await waitFor(async () => {
      const { messages } = (await call('GET', '/api/history/waits')).json<Page>();
      return messages.find(({ messageId }) => messageId === ids.runId);
    });
    expect(page.text).toContain('**counter**: 1');
    expect((await readFile(join(left, 'tools/counter.ndjson'), 'utf8')).trim().split('\n')).toHaveLength(1);
    await close();
  }
});
