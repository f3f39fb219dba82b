import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { scriptPod, type ScriptRun } from '../../testing/http/script-pod.ts';
import { startGateway } from '../../testing/test-gateway.ts';

// What is promised of every dialect alike, asked of each of them without its client.

interface Asked {
  /** The conversation. */
  id?: string;
  query?: string;
  headers?: Record<string, string>;
}

const text = 'Hello';
/** A prompt in the words of each dialect, answered by a stream. */
const PROMPTS: Record<string, (id: string) => { path: string; body: object; headers?: Record<string, string> }> = {
  'chat-completions': (id) => ({
    path: '/v1/chat/completions',
    headers: { 'x-runnel-conversation': id },
    body: { stream: true, messages: [{ role: 'user', content: text }] },
  }),
  responses: (id) => ({ path: '/v1/responses', body: { stream: true, input: text, conversation: id } }),
  'ai-sdk': (id) => ({ path: '/api/ai-sdk', body: { id, message: { role: 'user', parts: [{ type: 'text', text }] } } }),
  'ag-ui': (id) => ({
    path: '/api/ag-ui/agent/default/run',
    body: { threadId: id, runId: crypto.randomUUID(), messages: [{ id: crypto.randomUUID(), role: 'user', content: text }] },
  }),
};
const DIALECTS = Object.keys(PROMPTS);

const start = async (script: (run: ScriptRun) => unknown = (run) => run.end({ finish: 'stop' }), env: Record<string, string> = {}) => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, script);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models, env });
  onTestFinished(() => gateway.close());
  const ask = (dialect: string, { id = 'c1', query = '', headers = {} }: Asked = {}): Promise<Response> => {
    const prompt = PROMPTS[dialect]!(id);
    return fetch(`${gateway.url}${prompt.path}${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...prompt.headers, ...headers },
      body: JSON.stringify(prompt.body),
    });
  };
  const author = (): string => pod.runs.at(-1)!.messages.at(-1)!.author!;
  return { ...gateway, runs: pod.runs, ask, author };
};

test.each(DIALECTS)('%s: user_id names who calls, else the key does, whatever cookies come along, else a cookie', async (dialect) => {
  const t = await start();
  const by = async (asked: Asked): Promise<string> => {
    const response = await t.ask(dialect, { id: crypto.randomUUID(), ...asked });
    expect([dialect, response.status, await response.text()]).toEqual([dialect, 200, expect.any(String)]);
    return t.author();
  };
  const bearer = { authorization: 'Bearer any' };
  expect(await by({ query: '?user_id=ann', headers: bearer })).toBe('ann');
  const guest = await by({ headers: bearer });
  expect(guest).toMatch(/^key-/);
  expect(await by({ headers: { authorization: 'Bearer another' } })).not.toBe(guest);
  const fresh = await t.ask(dialect, { id: crypto.randomUUID() });
  await fresh.text();
  const set = fresh.headers.getSetCookie().find((each) => each.startsWith('runnel_session='))!;
  const cookie = set.split(';', 1)[0]!;
  expect(await by({ headers: { cookie } })).toBe(cookie.slice(cookie.indexOf('=') + 1).split('.', 1)[0]);
  for (const come of ['theme=dark', cookie]) expect(await by({ headers: { ...bearer, cookie: come } })).toBe(guest);
  // The same guest in every dialect.
  const id = t.runs.at(-1)!.conversationId;
  const read = (authorization: string) => fetch(`${t.url}/api/streams/${id}`, { headers: { authorization } });
  expect([(await read(bearer.authorization)).status, (await read('Bearer another')).status]).toEqual([200, 403]);
});

const EXPOSED = [
  ...['x-runnel-conversation', 'x-runnel-run', 'x-workflow-run-id', 'etag', 'x-request-id'],
  ...['stream-next-offset', 'stream-up-to-date', 'stream-cursor'],
  ...['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
];

test.each(DIALECTS)('%s: an answer names its conversation and its run, and a page of another origin may read that', async (dialect) => {
  const t = await start(undefined, { CORS_ORIGINS: 'https://chat.example' });
  const response = await t.ask(dialect, { headers: { authorization: 'Bearer any', origin: 'https://chat.example' } });
  await response.text();
  const { headers } = response;
  expect(headers.get('x-runnel-conversation')).toBe('c1');
  expect(headers.get('x-runnel-run')).toBe(t.runs[0]!.runId);
  expect(headers.get('access-control-allow-origin')).toBe('https://chat.example');
  const exposed = headers.get('access-control-expose-headers')!.toLowerCase().split(/ *, */);
  expect(exposed).toEqual(expect.arrayContaining(EXPOSED));
});

test.each(DIALECTS)('%s: an id outside the alphabet is refused, and none is made of it', async (dialect) => {
  const t = await start();
  for (const id of ['a b', 'a/b', 'é', 'a.b', 'x'.repeat(65), ''])
    if (!(dialect === 'chat-completions' && (id === '' || id === 'é')))
      expect([id, (await t.ask(dialect, { id, query: '?user_id=ann' })).status]).toEqual([id, 400]);
  expect(t.runs).toEqual([]);
});

test.each(DIALECTS)('W-5 %s: a second answer in a conversation is 409 before any stream, and may be asked for again', async (dialect) => {
  const t = await start((run) => run.say('…'));
  const first = await t.ask('ai-sdk', { query: '?user_id=ann' });
  const busy = await t.ask(dialect, { query: '?user_id=ann' });
  expect([busy.status, busy.headers.get('content-type')]).toEqual([409, expect.stringMatching(/json/)]);
  expect(busy.headers.get('x-should-retry')).toBeNull();
  const body = (await busy.json()) as { code?: string; error?: { code: string } };
  expect(body.error?.code ?? body.code).toBe('busy');
  await t.runs[0]!.end();
  await first.text();
});

test.each(DIALECTS)('%s: an error has the shape that its clients read', async (dialect) => {
  const t = await start();
  const prompt = PROMPTS[dialect]!('c1');
  const response = await fetch(`${t.url}${prompt.path}?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"messages": 1}',
  });
  const isOpenAi = prompt.path.startsWith('/v1');
  expect([response.status, response.headers.get('content-type')]).toEqual([
    400,
    isOpenAi ? 'application/json; charset=utf-8' : 'application/problem+json; charset=utf-8',
  ]);
  expect(await response.json()).toMatchObject(
    isOpenAi ? { error: { type: 'invalid_request_error', message: expect.any(String) } } : { code: 'bad-frame', status: 400 },
  );
});

test.each(['ai-sdk', 'ag-ui', 'responses'])('%s: closing the answer stops nothing', async (dialect) => {
  const t = await start((run) => run.say('one '));
  const left = new AbortController();
  const prompt = PROMPTS[dialect]!('c1');
  const response = await fetch(`${t.url}${prompt.path}?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(prompt.body),
    signal: left.signal,
  });
  const reader = response.body!.getReader();
  await reader.read();
  left.abort();
  await reader.closed.catch(() => undefined);
  // Were it to be stopped, that would be done by now: another caller is answered.
  await waitFor(async () => (await fetch(`${t.url}/api/streams/c1?user_id=ann`)).status === 200);
  expect(await t.runs[0]!.say('two')).toBe('appended');
});

test('text that says it is none of JSON is read on the addresses of the AI SDK alone, and from another site nowhere', async () => {
  const t = await start();
  const send = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${t.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
      body: JSON.stringify(body),
    });
  const statuses: [string, number][] = [];
  for (const dialect of DIALECTS) {
    const { path, body } = PROMPTS[dialect]!('c1');
    statuses.push([dialect, (await send(`${path}?user_id=ann`, body)).status]);
  }
  expect(statuses).toEqual([
    ['chat-completions', 415],
    ['responses', 415],
    ['ai-sdk', 200],
    ['ag-ui', 415],
  ]);
  expect((await send('/api/chat?user_id=ann', { conversationId: 'c2', messageId: 'm', runId: 'r', text })).status).toBe(415);
  const { path, body } = PROMPTS['ai-sdk']!('c3');
  expect((await send(path, body, { origin: 'https://evil.example' })).status).toBe(403);
  expect(t.runs).toHaveLength(1);
});
