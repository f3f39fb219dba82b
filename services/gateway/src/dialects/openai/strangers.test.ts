import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';
import { PARAMETERS as CHAT } from '../chat-completions/params.ts';
import { PARAMETERS as RESPONSES } from '../responses/params.ts';

// What comes from clients that nobody here has seen: each parameter with each kind of value, messages in odd orders, methods and bodies that
// are none. Every answer is one that OpenAI's clients understand, soon, and names the field.

interface ApiError {
  error: { message: string; type: string; param: string | null; code: string };
}

const answer = async (run: ScriptRun): Promise<void> => {
  await run.parts.put({ partId: 't1', kind: 'reasoning', state: 'open' });
  await run.parts.stream('t1', 'text', 'Hm.');
  await run.say('Xin chào');
  await run.end({ usage: { promptTokens: 1, completionTokens: 1 } });
};

const start = async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, answer);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  let callers = 0;
  /** Each as somebody else, who has asked for nothing yet. */
  const send = async (method: string, path: string, body?: string, more: Record<string, string> = {}) => {
    const headers = {
      authorization: `Bearer caller-${callers++}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...more,
    };
    const init = { method, headers, signal: AbortSignal.timeout(20_000), ...(body !== undefined && { body }) };
    const response = await fetch(`${gateway.url}${path}`, init);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      refusal: response.ok ? undefined : (JSON.parse(text || 'null') as ApiError)?.error,
    };
  };
  const post = (path: string, body: unknown) => send('POST', path, JSON.stringify(body));
  return { url: gateway.url, pod, send, post, [Symbol.asyncDispose]: () => gateway.close() };
};

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 1.5, 1e308, -1e308, Number.MAX_SAFE_INTEGER],
  ...['', 'x', '0', 'null', '\u0000', '\ud800', 'x'.repeat(100_000)],
  ...[[], [null], [[]], [{}], ['x'], [1], [{ type: 'x' }]],
  ...[{}, { x: 1 }, { type: 'x' }, { type: null }, { toString: 1 }, { type: 'function', function: { name: 'x' } }, { type: 'json_schema' }],
];

const CHAT_PATH = '/v1/chat/completions';
test.each([
  [CHAT_PATH, CHAT, { model: MODEL, messages: [{ role: 'user', content: 'hi' }] }],
  ['/v1/responses', RESPONSES, { model: MODEL, input: 'hi' }],
])(
  '%s: each parameter with each kind of value is answered, or refused by its name',
  async (path, parameters, base) => {
    await using t = await start();
    const refused = new Map<string, number>();
    for (const { name } of [...parameters, { name: 'nothing_of_ours' }])
      await Promise.all(
        VALUES.map(async (value) => {
          const { status, refusal } = await t.post(path, { ...base, [name]: value });
          const what = `${name}: ${JSON.stringify(value).slice(0, 60)}`;
          expect([200, 400, 404], what).toContain(status);
          if (!refusal) return;
          expect(refusal, what).toEqual({
            message: expect.any(String),
            type: 'invalid_request_error',
            param: expect.any(String),
            code: expect.any(String),
          });
          expect(refusal.param!.split(/[.[]/)[0], what).toBe(name);
          expect(refusal.message.length, what).toBeLessThan(300);
          refused.set(name, (refused.get(name) ?? 0) + 1);
        }),
      );
    for (const { name } of parameters)
      expect([name, refused.get(name) ?? 0]).toEqual([name, expect.toSatisfy((count: number) => count > 0)]);
  },
  120_000,
);

const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } };
const user = { role: 'user', content: 'hi' };
test.each([
  [[{ role: 'tool', tool_call_id: 'c1', content: 'alone' }], 200],
  [[user, { role: 'tool', tool_call_id: 'another', content: 'x' }], 200],
  [[user, { role: 'assistant', content: null, tool_calls: [call] }, user], 200],
  [
    [
      user,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'r' }] },
    ],
    200,
  ],
  [
    [
      { role: 'assistant', content: 'x' },
      { role: 'assistant', content: 'y' },
    ],
    200,
  ],
  [[{ role: 'system', content: 'alone' }], 200],
  [[user, { role: 'assistant', content: '', tool_calls: [{ ...call, index: 0 }] }], 200],
  [Array.from({ length: 4_096 }, () => user), 200],
  [[{ role: 'user', content: Array.from({ length: 5_000 }, () => ({ type: 'text', text: 'a' })) }], 200],
  [[{ role: 'assistant', content: null }], 'messages[0].content'],
  [[{ role: 'user', content: '' }], 'messages'],
  [[{ role: 'user', content: [] }], 'messages'],
  [[{ role: 'user', content: [{ type: 'text', text: ' ' }] }], 'messages'],
  [[{ role: 'user', content: [null] }], 'messages[0].content'],
  [[{ role: 'user', content: { type: 'text', text: 'x' } }], 'messages[0].content'],
  [[{ role: 'user', content: [{ type: '__proto__' }] }], 'messages[0].content[0]'],
  [[null], 'messages[0]'],
  [[[]], 'messages[0]'],
  [[{ ...user, tool_calls: [call] }], 'messages[0].tool_calls'],
  [[{ ...user, reasoning_content: 'x' }], 'messages[0].reasoning_content'],
  [[{ ...user, extra: 1 }], 'messages[0].extra'],
  [Array.from({ length: 4_097 }, () => user), 'messages'],
])('messages in odd orders, %#: answered, or refused by name', async (messages, outcome) => {
  await using t = await start();
  const { status, refusal } = await t.post(CHAT_PATH, { model: MODEL, messages });
  expect([status, refusal?.param]).toEqual(typeof outcome === 'number' ? [outcome, undefined] : [400, outcome]);
});

test('an answer is a message of the next request as it came, here as from other servers of this dialect', async () => {
  await using t = await start();
  const client = new OpenAI({ baseURL: `${t.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const ask = { role: 'user' as const, content: 'hi' };
  const { message } = (await client.chat.completions.create({ model: MODEL, messages: [ask] })).choices[0]!;
  expect(message).toHaveProperty('reasoning_content', 'Hm.');
  const theirs = {
    annotations: [],
    audio: null,
    function_call: null,
    reasoning: 'Hm.',
    reasoning_details: [{ type: 'x' }],
    tool_calls: null,
  };
  for (const more of [{}, theirs, { provider_specific_fields: { a: 1 } }]) {
    const messages = [ask, { ...message, ...more } as never, ask];
    expect((await client.chat.completions.create({ model: MODEL, messages })).choices[0]!.message.content).toBe('Xin chào');
    expect(t.pod.runs.at(-1)!.messages.map(({ text }) => text)).toEqual(['hi', 'Xin chào', 'hi']);
    expect(JSON.stringify(t.pod.runs.at(-1)!.request ?? '')).not.toContain('Hm.');
  }
});

test.each(['', '{', 'null', '1', '"x"', '[]', '{"__proto__":{"n":2}}', `{"metadata":${'['.repeat(20_000)}${']'.repeat(20_000)}}`])(
  'a body that is none is refused at once: %.20s',
  async (body) => {
    await using t = await start();
    for (const path of [CHAT_PATH, '/v1/responses'])
      expect(await t.send('POST', path, body)).toMatchObject({ status: 400, refusal: { type: 'invalid_request_error', param: null } });
  },
);

test.each([
  [CHAT_PATH, 'POST'],
  ['/v1/responses', 'POST'],
  ['/v1/models', 'GET, HEAD'],
  ['/v1/models/any', 'GET, HEAD'],
  ['/v1/responses/resp_a.b', 'DELETE, GET, HEAD'],
  ['/v1/responses/resp_a.b/cancel', 'POST'],
  ['/v1/responses/resp_a.b/input_items', 'GET, HEAD'],
])('%s asked by another method is 405 with those that there are', async (path, allowed) => {
  await using t = await start();
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    if (allowed.split(', ').includes(method)) continue;
    const { status, headers, refusal } = await t.send(method, path);
    expect([method, status, headers.get('allow')]).toEqual([method, 405, allowed]);
    if (method !== 'HEAD') expect(refusal).toMatchObject({ type: 'invalid_request_error', param: null });
  }
  expect((await t.send('OPTIONS', path)).status).toBe(204);
});

test.each(['/v1', '/v1/', '/v1/completions', '/v1/embeddings', '/v1/files', '/v1//models', '/v1/models/', '/v1/chat/completions/x'])(
  '%s is not there, in OpenAI’s words',
  async (path) => {
    await using t = await start();
    for (const method of ['GET', 'POST', 'DELETE'])
      expect(await t.send(method, path)).toMatchObject({ status: 404, refusal: { type: 'invalid_request_error' } });
  },
);
