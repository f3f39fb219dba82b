import OpenAI, { type APIError } from 'openai';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';
import { PARAMETERS as CHAT } from '../chat-completions/params.ts';
import { PARAMETERS as RESPONSES } from '../responses/params.ts';

const USAGE = { promptTokens: 7, completionTokens: 3 };
const greet = async (run: ScriptRun): Promise<void> => {
  await run.say('Xin chào');
  await run.end({ usage: USAGE });
};
const refused = (run: ScriptRun, retryAfterMs = 1): Promise<string> =>
  run.end({
    reason: 'failed',
    finish: 'error',
    error: { code: 'model-failed', message: 'It answered 503.', status: 503, providerCode: 'asleep', retryAfterMs },
  });

const start = async (script: (run: ScriptRun) => unknown) => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, script);
  const env = { RATE_LIMIT_PER_MINUTE: '10000', MAX_COMMANDS_PER_MINUTE: '10000' };
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models, env });
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const post = async (path: string, body: object, key: string) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer any', 'idempotency-key': key };
    const response = await fetch(`${gateway.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    const code = response.ok ? undefined : (JSON.parse(text) as { error: { code: string } }).error.code;
    return { status: response.status, code, text };
  };
  return { runLog, pod, gateway, client, post, [Symbol.asyncDispose]: () => gateway.close() };
};

/** Of each kind of value, one that somebody may send. */
const VALUES: readonly unknown[] = [
  ...[true, false, 0.5, 5, 'x', 'low', 'none', ['x'], ['text'], { x: 1 }, { effort: 'low' }, { format: { type: 'json_object' } }],
  ...[[{ type: 'function', name: 'f' }], [{ type: 'function', function: { name: 'f' } }]],
  ...[{ type: 'json_object' }, { type: 'content', content: 'x' }, { include_obfuscation: false }],
];
/** How an answer travels, and the conversation that a key is of. */
const NOT_ASKED: readonly string[] = ['stream', 'stream_options', 'conversation', 'previous_response_id'];

test.each([
  ['/v1/chat/completions', CHAT, { model: MODEL, messages: [{ role: 'user', content: 'hi' }] }],
  ['/v1/responses', RESPONSES, { model: MODEL, input: 'hi' }],
])(
  'W-4 %s: whatever parameter is another one under the same key, no second answer is made',
  async (path, parameters, base) => {
    await using t = await start(greet);
    expect(await t.post(path, base, 'k')).toMatchObject({ status: 200 });
    const reused = new Set<string>();
    for (const { name, fate } of parameters.filter((one) => !NOT_ASKED.includes(one.name)))
      for (const value of VALUES) {
        const { status, code } = await t.post(path, { ...base, [name]: value }, 'k');
        expect([400, 404, 422], `${name}: ${JSON.stringify(value)}`).toContain(status);
        if (status === 422) expect(code).toBe('idempotency_key_reused');
        if (status === 422 && fate !== 'refused') reused.add(name);
      }
    expect(t.pod.runs).toHaveLength(1);
    for (const name of ['store', 'temperature', 'tools', 'user']) expect(reused).toContain(name);
    expect(await t.post(path, { ...base, stream: true }, 'k')).toMatchObject({ status: 200 });
    expect(t.pod.runs).toHaveLength(1);
  },
  60_000,
);

test('W-4 neither order of keeping an answer or not, nor the other API, makes a second one of a key', async () => {
  const ask = { model: MODEL, messages: [{ role: 'user', content: 'hi' }] };
  const bodies: [string, object][] = [
    ['/v1/chat/completions', ask],
    ['/v1/chat/completions', { ...ask, store: true }],
    ['/v1/responses', { model: MODEL, input: 'hi' }],
    ['/v1/responses', { model: MODEL, input: 'hi', store: true }],
    ['/v1/responses', { model: MODEL, input: 'hi', store: false }],
  ];
  await using t = await start(greet);
  for (const [index, [path, body]] of bodies.entries()) {
    t.pod.runs.length = 0;
    expect(await t.post(path, body, `k${index}`)).toMatchObject({ status: 200 });
    for (const other of bodies)
      expect((await t.post(...other, `k${index}`)).status, JSON.stringify([body, other])).toBe(other[1] === body ? 200 : 422);
    expect(t.pod.runs).toHaveLength(1);
  }
});

const THREAD = [
  { role: 'system' as const, content: 'Be brief.' },
  { role: 'user' as const, content: 'One?', name: 'ann' },
  { role: 'assistant' as const, content: 'Eins.' },
  { role: 'user' as const, content: 'Two?' },
];

test('W-4 a retry of what failed asks again with the same thread and parameters, and gets the whole answer', async () => {
  await using t = await start((run) => (t.pod.runs.length <= 2 ? refused(run) : greet(run)));
  const options = { headers: { 'Idempotency-Key': 'k' }, maxRetries: 2 };
  const answer = await t.client.chat.completions.create({ model: MODEL, messages: THREAD, temperature: 0 }, options);
  expect(answer).toMatchObject({ choices: [{ message: { content: 'Xin chào' }, finish_reason: 'stop' }], usage: { total_tokens: 10 } });
  const [first, ...others] = t.pod.runs;
  expect(others).toHaveLength(2);
  for (const { request, messages, conversationId } of others) {
    expect([request, conversationId]).toEqual([first!.request, first!.conversationId]);
    expect(messages.map(({ messageId }) => messageId)).toEqual(first!.messages.map(({ messageId }) => messageId));
    expect(request?.thread?.first).toBe(messages[0]!.messageId);
  }
  const { data, response } = await t.client.chat.completions
    .create({ model: MODEL, messages: THREAD, temperature: 0 }, options)
    .withResponse();
  expect([data, response.headers.get('x-runnel-run')]).toEqual([answer, t.pod.runs[2]!.runId]);
  expect(t.pod.runs).toHaveLength(3);
});

test('W-4 what fails each time is told each time as the provider told it', async () => {
  await using t = await start((run) => refused(run, 3_000));
  const ask = { model: MODEL, messages: [{ role: 'user' as const, content: 'hi' }] };
  for (let attempt = 0; attempt < 4; attempt++) {
    const error = (await t.client.chat.completions
      .create(ask, { headers: { 'Idempotency-Key': 'k' } })
      .catch((reason: unknown) => reason)) as APIError;
    expect(error).toMatchObject({ status: 503, code: 'asleep' });
    expect(error.headers?.get('retry-after')).toBe('3');
  }
  for (const body of [{ input: 'hi' }, { input: 'hi', store: false }])
    for (let attempt = 0; attempt < 3; attempt++) {
      const told = t.client.responses.create({ model: MODEL, ...body }, { headers: { 'Idempotency-Key': JSON.stringify(body) } });
      await expect(told).rejects.toMatchObject({ status: 503, code: 'asleep' });
    }
});

test('W-4 retries at once, on two gateways, are one more answer; another body is another question still', async () => {
  await using t = await start((run) => (t.pod.runs.length === 1 ? refused(run) : greet(run)));
  await using elsewhere = await startGateway({ runLog: t.runLog, dispatcher: t.pod, models: t.pod.models });
  const other = new OpenAI({ baseURL: `${elsewhere.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const ask = (content: string) => ({ model: MODEL, messages: [{ role: 'user' as const, content }] });
  const options = { headers: { 'Idempotency-Key': 'k' } };
  await expect(t.client.chat.completions.create(ask('hi'), options)).rejects.toMatchObject({ status: 503 });
  const clients = [t.client, other, t.client, other];
  const answers = await Promise.all(clients.map((client) => client.chat.completions.create(ask('hi'), options)));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(t.pod.runs).toHaveLength(2);
  await expect(other.chat.completions.create(ask('ho'), options)).rejects.toMatchObject({ status: 422, code: 'idempotency_key_reused' });
});
