import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import type { ErrorCode } from '@runnel/protocol';
import { startGateway } from '../../../testing/test-gateway.ts';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';

const USAGE = { promptTokens: 7, completionTokens: 3 };

const start = async (script: (run: ScriptRun) => unknown) => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, script);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  return { gateway, pod, client, runLog, [Symbol.asyncDispose]: () => gateway.close() };
};

const greet = async (run: ScriptRun): Promise<void> => {
  for (const word of ['Xin ', 'chào ', '👋 bạn']) await run.say(word);
  await run.end({ usage: USAGE });
};

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

const cancelRun = (t: Awaited<ReturnType<typeof start>>, { conversationId, runId, messages }: ScriptRun) =>
  fetch(`${t.gateway.url}/api/cancel?user_id=${messages[0]!.author!}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ conversationId, runId }),
  });

const ask = (text: string) => ({ model: MODEL, messages: [{ role: 'user' as const, content: text }] });

test('a whole completion has the text, the usage and the names of conversation and run', async () => {
  await using t = await start(greet);
  const { data, response } = await t.client.chat.completions.create(ask('hello')).withResponse();
  expect(data).toMatchObject({ object: 'chat.completion', model: MODEL });
  expect(data.choices).toMatchObject([{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Xin chào 👋 bạn' } }]);
  expect(data.usage).toEqual({ prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 });
  const [run] = t.pod.runs;
  expect(response.headers.get('x-runnel-run')).toBe(run!.runId);
  expect(response.headers.get('x-runnel-conversation')).toBe(run!.conversationId);
  expect(data.id).toBe(`chatcmpl-${run!.runId}`);
});

test('a streamed completion brings the pieces, then the reason, then the usage when it was asked for', async () => {
  await using t = await start(greet);
  const stream = await t.client.chat.completions.create({ ...ask('hello'), stream: true, stream_options: { include_usage: true } });
  const chunks = await collect(stream);
  expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant');
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Xin chào 👋 bạn');
  expect(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual(['stop']);
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 10 } });
  expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
});

test.each([
  [undefined, { total_tokens: 10 }],
  [{}, { total_tokens: 10 }],
  [{ include_usage: false }, undefined],
] as const)('a caller who said %j of the usage of a stream is told it with the reason, unless they want none', async (options, usage) => {
  await using t = await start(greet);
  const chunks = await collect(
    await t.client.chat.completions.create({ ...ask('hello'), stream: true, ...(options && { stream_options: options }) }),
  );
  expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }], ...(usage && { usage }) });
  expect(chunks.filter((chunk) => chunk.usage !== undefined)).toHaveLength(usage ? 1 : 0);
});

test.each([
  ['stop', 'stop'],
  ['length', 'length'],
  ['filter', 'content_filter'],
  ['tools', 'tool_calls'],
] as const)('B15 a model that stopped by %s is told as %s, whole and streamed', async (finish, told) => {
  await using t = await start(async (run) => {
    await run.say('cut');
    await run.end({ usage: USAGE, finish });
  });
  const whole = await t.client.chat.completions.create(ask('hello'));
  expect(whole.choices[0]!.finish_reason).toBe(told);
  const chunks = await collect(await t.client.chat.completions.create({ ...ask('hello'), stream: true }));
  expect(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual([told]);
});

test('B15 a provider that is busy, or a thread that is too long, is told as such, with its pause', async () => {
  const failing = async (error: { code: ErrorCode; message: string; retryAfterMs?: number }) => {
    await using t = await start((run) => run.end({ reason: 'failed', finish: 'error', error }));
    return await t.client.chat.completions.create(ask('hello')).catch((reason: unknown) => reason as APIError);
  };
  const busy = (await failing({ code: 'rate-limited', message: 'busy', retryAfterMs: 7000 })) as APIError;
  expect(busy).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  expect(busy.headers?.get('retry-after')).toBe('7');
  expect(await failing({ code: 'too-long', message: 'long' })).toMatchObject({ code: 'context_length_exceeded' });
  expect(await failing({ code: 'of a later day' as ErrorCode, message: 'x' })).toMatchObject({ status: 502 });
});

test('the client’s stream helper puts the message together', async () => {
  await using t = await start(greet);
  const completion = await t.client.chat.completions.stream(ask('hello')).finalChatCompletion();
  expect(completion.choices[0]!.message.content).toBe('Xin chào 👋 bạn');
});

test('pieces come while the run is written, not at its end', async () => {
  await using t = await start((run) => run.say('first'));
  const stream = await t.client.chat.completions.create({ ...ask('hello'), stream: true });
  const contents: string[] = [];
  for await (const chunk of stream) {
    const content = chunk.choices[0]?.delta.content;
    if (!content) continue;
    contents.push(content);
    if (contents.length === 1) await t.pod.runs[0]!.say(' second');
    else await t.pod.runs[0]!.end();
  }
  expect(contents).toEqual(['first', ' second']);
});

test('earlier messages reach the model, system included, and stand in the conversation', async () => {
  await using t = await start(greet);
  const { response } = await t.client.chat.completions
    .create({
      model: MODEL,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'One?' },
        { role: 'assistant', content: 'Eins.' },
        { role: 'user', content: [{ type: 'text', text: 'Two?' }] },
      ],
    })
    .withResponse();
  const asked = t.pod.runs[0]!.messages.map(({ role, text }) => `${role}: ${text}`);
  expect(asked).toEqual(['system: Be brief.', 'user: One?', 'assistant: Eins.', 'user: Two?']);
  const conversation = response.headers.get('x-runnel-conversation')!;
  const next = await t.client.chat.completions.create(ask('Three?'), { headers: { 'x-runnel-conversation': conversation } });
  expect(next.choices[0]!.message.content).toBe('Xin chào 👋 bạn');
  expect(t.pod.runs[1]!.messages.map(({ text }) => text)).toEqual(['Be brief.', 'One?', 'Eins.', 'Two?', 'Xin chào 👋 bạn', 'Three?']);
});

test('P-5 a stream that the caller aborts cancels its run, and the partial text stays', async () => {
  await using t = await start((run) => run.say('half'));
  const stream = await t.client.chat.completions.create({ ...ask('hello'), stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  const { conversationId, runId } = t.pod.runs[0]!;
  const state = await waitFor(async () => {
    const read = await t.runLog.readState({ conversationId });
    return read.kind === 'snapshot' && read.run === null ? read : null;
  });
  expect(state.messages.find(({ messageId }) => messageId === runId)).toMatchObject({ status: 'cancelled', text: 'half' });
});

test('P-5 a whole completion that the caller aborts cancels its run', async () => {
  const begun = Promise.withResolvers<void>();
  await using t = await start((run) => run.say('half').then(() => begun.resolve()));
  const abort = new AbortController();
  const answer = t.client.chat.completions.create(ask('hello'), { signal: abort.signal });
  await begun.promise;
  abort.abort();
  await expect(answer).rejects.toThrow('aborted');
  const { conversationId, runId } = t.pod.runs[0]!;
  await waitFor(async () => {
    const read = await t.runLog.readState({ conversationId });
    return read.kind === 'snapshot' && read.messages.some((m) => m.messageId === runId && m.status === 'cancelled');
  });
});

test('P-5 a cancel from elsewhere is told: half an answer is never dressed as a whole one', async () => {
  await using t = await start((run) => run.say('half'));
  const whole = t.client.chat.completions.create(ask('hello')).catch((error: unknown) => error);
  await waitFor(async () => t.pod.runs.length === 1);
  await cancelRun(t, t.pod.runs[0]!);
  const told = (await whole) as APIError;
  expect(told).toMatchObject({ status: 422, code: 'cancelled' });
  expect(told.headers?.get('x-runnel-run')).toBe(t.pod.runs[0]!.runId);
  t.pod.runs.length = 0;
  const stream = await t.client.chat.completions.create({ ...ask('hello'), stream: true });
  let text = '';
  const read = (async () => {
    for await (const chunk of stream) {
      const content = chunk.choices[0]?.delta.content ?? '';
      text += content;
      if (content !== '') await cancelRun(t, t.pod.runs[0]!);
    }
  })();
  await expect(read).rejects.toMatchObject({ code: 'cancelled' });
  expect(text).toBe('half');
});

test('a model that fails before its first word is a status, after it an error in the stream', async () => {
  let words: string[] = [];
  await using t = await start(async (run) => {
    for (const word of words) await run.say(word);
    await run.end({ reason: 'failed', error: { code: 'model-failed', message: 'The provider refused.' } });
  });
  const early = await t.client.chat.completions.create({ ...ask('hello'), stream: true }).catch((error: unknown) => error);
  expect(early).toBeInstanceOf(APIError);
  expect(early).toMatchObject({ status: 502, code: 'model_failed' });
  await expect(t.client.chat.completions.create(ask('hello'))).rejects.toMatchObject({ status: 502 });
  words = ['some'];
  const stream = await t.client.chat.completions.create({ ...ask('hello'), stream: true });
  let text = '';
  const late = await (async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  })().catch((error: unknown) => error);
  expect(text).toBe('some');
  expect(late).toMatchObject({ code: 'model_failed', type: 'server_error' });
});

test.each([
  { again: ['one two', ' three'], outcome: 'one two three' },
  { again: ['one', ' too many'], outcome: 'restarted' },
  { again: ['one'], outcome: 'restarted' },
])('a run that began again goes on when it says the same, and else is an error: $again', async ({ again, outcome }) => {
  const seen = Promise.withResolvers<void>();
  await using t = await start(async (run) => {
    await run.say('one two');
    await seen.promise;
    await run.restart();
    for (const word of again) await run.say(word);
    await run.end();
  });
  const stream = await t.client.chat.completions.create({ ...ask('count'), stream: true });
  let text = '';
  const result = (async () => {
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (text === 'one two') seen.resolve();
    }
    return text;
  })();
  expect(await result.catch((error: APIError) => error.code)).toBe(outcome);
});

test('errors have OpenAI’s shape and the classes its client makes of them', async () => {
  await using t = await start(greet);
  const create = (body: object) => t.client.chat.completions.create(body as never).catch((error: unknown) => error as APIError);
  const unknown = await create({ ...ask('x'), model: 'nope' });
  expect(unknown).toBeInstanceOf(NotFoundError);
  expect(unknown).toMatchObject({ code: 'model_not_found', param: 'model', type: 'invalid_request_error' });
  expect(await create({ model: MODEL })).toBeInstanceOf(BadRequestError);
  expect(await create({ model: MODEL, messages: [] })).toBeInstanceOf(BadRequestError);
  expect(await create({ model: MODEL, messages: [{ role: 'function', content: 'x' }] })).toMatchObject({
    status: 400,
    param: 'messages[0].role',
  });
  expect(await create({ ...ask('x'), n: 2 })).toMatchObject({ status: 400, param: 'n' });
  expect(await create(ask('   '))).toMatchObject({ status: 400, code: 'empty' });
  const image = { model: MODEL, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] };
  expect(await create(image)).toMatchObject({ status: 400, param: 'messages[0].content[0].image_url.url' });
});

test('W-5 a second completion in a busy conversation is refused with a conflict', async () => {
  await using t = await start((run) => run.say('…'));
  const headers = { 'x-runnel-conversation': 'busy' };
  const stream = await t.client.chat.completions.create({ ...ask('one'), stream: true }, { headers });
  await expect(t.client.chat.completions.create(ask('two'), { headers })).rejects.toMatchObject({ status: 409, code: 'busy' });
  stream.controller.abort();
});

test('W-4 a retry with the same Idempotency-Key joins the run of the first try', async () => {
  await using t = await start(greet);
  const headers = { 'Idempotency-Key': 'once' };
  const first = await t.client.chat.completions.create(ask('hello'), { headers });
  const again = await t.client.chat.completions.create(ask('hello'), { headers });
  expect(again.id).toBe(first.id);
  expect(again.choices[0]!.message.content).toBe(first.choices[0]!.message.content);
  expect(t.pod.runs).toHaveLength(1);
});

test('W-4 the same key with another body is another question: 422, which no client repeats', async () => {
  await using t = await start(greet);
  const options = { headers: { 'Idempotency-Key': 'once' }, maxRetries: 2 };
  await t.client.chat.completions.create(ask('hello'), options);
  const other = await t.client.chat.completions.create(ask('another'), options).catch((error: unknown) => error);
  expect(other).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  const streamed = await collect(await t.client.chat.completions.create({ ...ask('hello'), stream: true }, options));
  expect(streamed.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Xin chào 👋 bạn');
  expect(t.pod.runs).toHaveLength(1);
});

test('W-4 a request with a key that its caller left goes on for a while; a retry gets the whole answer, with its usage', async () => {
  const seen = Promise.withResolvers<void>();
  await using t = await start(async (run) => {
    await run.say('one ');
    await seen.promise;
    await run.say('two');
    await run.end({ usage: USAGE });
  });
  const headers = { 'Idempotency-Key': 'left' };
  const abort = new AbortController();
  const first = t.client.chat.completions.create(ask('hello'), { headers, signal: abort.signal }).catch((error: unknown) => error);
  await waitFor(async () => t.pod.runs.length === 1);
  abort.abort();
  await first;
  const again = t.client.chat.completions.create(ask('hello'), { headers });
  seen.resolve();
  expect(await again).toMatchObject({ choices: [{ message: { content: 'one two' }, finish_reason: 'stop' }], usage: { total_tokens: 10 } });
  const later = await t.client.chat.completions.create(ask('hello'), { headers });
  expect(later).toEqual(await again);
});

test('W-4 a retry on another gateway joins the run, and gets the whole answer with its usage', async () => {
  const seen = Promise.withResolvers<void>();
  await using t = await start(async (run) => {
    await run.say('one ');
    await seen.promise;
    await run.say('two');
    await run.end({ usage: USAGE });
  });
  await using elsewhere = await startGateway({ runLog: t.runLog, dispatcher: t.pod, models: t.pod.models });
  const other = new OpenAI({ baseURL: `${elsewhere.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  const headers = { 'Idempotency-Key': 'moved' };
  const stream = await t.client.chat.completions.create({ ...ask('hello'), stream: true }, { headers });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  const whole = other.chat.completions.create(ask('hello'), { headers });
  seen.resolve();
  expect(await whole).toMatchObject({ choices: [{ message: { content: 'one two' }, finish_reason: 'stop' }], usage: { total_tokens: 10 } });
  expect(t.pod.runs).toHaveLength(1);
});

test('W-4 one whose caller does not come back is cancelled after the grace, and its key says so for good', async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, (run) => run.say('half'));
  await using gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models, env: { IDEMPOTENCY_GRACE: '50ms' } });
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  const headers = { 'Idempotency-Key': 'gone' };
  const abort = new AbortController();
  const first = client.chat.completions.create(ask('hello'), { headers, signal: abort.signal }).catch((error: unknown) => error);
  await waitFor(async () => pod.runs.length === 1);
  abort.abort();
  await first;
  const { conversationId, runId } = pod.runs[0]!;
  await waitFor(async () => {
    const read = await runLog.readState({ conversationId });
    return read.kind === 'snapshot' && read.messages.some((m) => m.messageId === runId && m.status === 'cancelled');
  });
  await expect(client.chat.completions.create(ask('hello'), { headers })).rejects.toMatchObject({ status: 422, code: 'cancelled' });
  const streamed = client.chat.completions.create({ ...ask('hello'), stream: true }, { headers }).then(collect);
  await expect(streamed).rejects.toMatchObject({ code: 'cancelled' });
});

test('a provider’s refusal keeps its status, its word and its pause; what it says of our key is ours', async () => {
  const failing = async (error: { status: number; providerCode?: string; code?: ErrorCode; retryAfterMs?: number }) => {
    await using t = await start((run) =>
      run.end({ reason: 'failed', finish: 'error', error: { code: 'model-failed', message: 'x', ...error } }),
    );
    return (await t.client.chat.completions.create(ask('hello')).catch((reason: unknown) => reason)) as APIError;
  };
  expect(await failing({ status: 400, providerCode: 'invalid_value' })).toMatchObject({ status: 400, code: 'invalid_value' });
  const busy = await failing({ status: 503, retryAfterMs: 3000 });
  expect([busy.status, busy.headers?.get('retry-after'), busy.headers?.get('x-should-retry')]).toEqual([503, '3', null]);
  const key = await failing({ status: 401, providerCode: 'invalid_api_key' });
  expect([key.status, key.headers?.get('x-should-retry')]).toEqual([502, 'false']);
  const long = await failing({ status: 413, code: 'too-long', providerCode: 'request_too_large' });
  expect(long).toMatchObject({ status: 400, code: 'context_length_exceeded' });
});

test('a long prompt is the model’s to judge, and what it does not take is refused by name', async () => {
  await using t = await start(greet);
  const long = 'x'.repeat(1_000_000);
  await t.client.chat.completions.create(ask(long));
  expect(t.pod.runs[0]!.messages.at(-1)!.text).toBe(long);
  t.pod.models.find(MODEL)!.accepts!.splice(0);
  const refused = await t.client.chat.completions.create({ ...ask('x'), seed: 5 }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 400, param: 'seed', code: 'unsupported_parameter' });
});

test('what is asked of the model goes with the run', async () => {
  await using t = await start(greet);
  await t.client.chat.completions.create({ ...ask('x'), temperature: 0, max_completion_tokens: 5, stop: 'END', logprobs: null });
  expect(t.pod.runs[0]!.request).toEqual({ params: { temperature: 0, max_completion_tokens: 5, stop: 'END' } });
});

test('every answer has an id; an answer of a run says what is left of the minute', async () => {
  await using t = await start(greet);
  const { response, request_id } = await t.client.chat.completions.create(ask('hello')).withResponse();
  expect(request_id).toMatch(/^req_[0-9a-f]{32}$/);
  expect(response.headers.get('x-ratelimit-limit-requests')).toBe('100');
  expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('99');
  expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+m)?\d+s$/);
  const refused = (await t.client.chat.completions.create({ ...ask('x'), n: 2 }).catch((error: unknown) => error)) as APIError;
  expect(refused.requestID).toMatch(/^req_/);
});

test('who has no prompt left in this minute is told so by the same headers, with the refusal', async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, greet);
  await using gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models, env: { RATE_LIMIT_PER_MINUTE: '1' } });
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  await client.chat.completions.create(ask('hello'));
  const asks = [() => client.chat.completions.create(ask('hello')), () => client.responses.create({ model: MODEL, input: 'hello' })];
  for (const again of asks) {
    const refused = (await again().catch((error: unknown) => error)) as APIError;
    expect(refused).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    expect(refused.headers?.get('x-ratelimit-limit-requests')).toBe('1');
    expect(refused.headers?.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(refused.headers?.get('x-ratelimit-reset-requests')).toMatch(/^(\d+m)?\d+s$/);
    expect(Number(refused.headers?.get('retry-after'))).toBeGreaterThan(0);
  }
});

test('a conversation is listed when its caller wants it kept, or has named it', async () => {
  await using t = await start(greet);
  const listed = async () => {
    const userId = t.pod.runs[0]!.messages[0]!.author!;
    const { conversations } = await t.runLog.listConversations({ userId, limit: 9 });
    return conversations.map(({ conversationId }) => conversationId);
  };
  await t.client.chat.completions.create(ask('one'));
  expect(await listed()).toEqual([]);
  await t.client.chat.completions.create({ ...ask('two'), store: true });
  await t.client.chat.completions.create(ask('three'), { headers: { 'x-runnel-conversation': 'mine' } });
  expect(await listed()).toEqual(['mine', t.pod.runs[1]!.conversationId]);
});

test.each([
  ['POST', '/v1/embeddings'],
  ['GET', '/v1/'],
])('%s %s, which there is not, is refused in OpenAI’s shape', async (method, url) => {
  await using t = await start(greet);
  const answer = await t.gateway.app.inject({ method: method as 'GET', url });
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'not_found', param: null } });
  expect(answer.headers['x-request-id']).toMatch(/^req_/);
});

test('requests are counted by what became of them', async () => {
  await using t = await start(greet);
  await t.client.chat.completions.create(ask('x'));
  await t.client.chat.completions.create({ ...ask('x'), n: 2 }).catch(() => undefined);
  await collect(await t.client.chat.completions.create({ ...ask('x'), stream: true }));
  expect(await t.gateway.metric('runnel_gateway_dialect_requests_total')).toBe(3);
});

test('where a token is asked for, an API key that is none is OpenAI’s authentication error', async () => {
  await using gateway = await startGateway({ env: { AUTH_MODE: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters' } });
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-wrong', maxRetries: 0 });
  const refused = await client.chat.completions.create(ask('hello')).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(AuthenticationError);
  expect(refused).toMatchObject({ status: 401, code: 'invalid_api_key' });
  await expect(client.models.list()).rejects.toBeInstanceOf(AuthenticationError);
});

test('models are listed and looked up', async () => {
  await using t = await start(greet);
  expect((await collect(t.client.models.list())).map(({ id }) => id)).toEqual([MODEL]);
  expect(await t.client.models.retrieve(MODEL)).toMatchObject({ id: MODEL, owned_by: 'test' });
  await expect(t.client.models.retrieve('nope')).rejects.toBeInstanceOf(NotFoundError);
});

test('a draining node lets an answer end, and tells a longer one that it goes on elsewhere', async () => {
  await using t = await start((run) => run.say('half'));
  const stream = await t.client.chat.completions.create({ ...ask('hello'), stream: true });
  const ended = (async () => {
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) void t.gateway.drain();
  })();
  await expect(ended).rejects.toMatchObject({ code: 'overloaded' });
  const { conversationId } = t.pod.runs[0]!;
  expect(await t.runLog.readState({ conversationId })).toMatchObject({ run: { text: 'half' } });
});

test('what a model thinks is `reasoning_content`, whole and in pieces, beside the text', async () => {
  await using t = await start(async (run) => {
    await run.parts.put({ partId: 't1', kind: 'reasoning', state: 'open' });
    for (const word of ['Họ hỏi ', 'gì?']) await run.parts.stream('t1', 'text', word);
    await run.parts.put({ partId: 't1', state: 'done' });
    await run.say('Xin chào');
    await run.parts.put({ partId: 't2', kind: 'reasoning', state: 'open' });
    await run.parts.stream('t2', 'text', 'Xong.');
    await run.end({ usage: USAGE });
  });
  const whole = await t.client.chat.completions.create(ask('hello'));
  expect(whole.choices[0]!.message).toMatchObject({ content: 'Xin chào', reasoning_content: 'Họ hỏi gì?\n\nXong.' });
  const chunks = await collect(await t.client.chat.completions.create({ ...ask('hello'), stream: true }));
  const deltas = chunks.map((chunk) => (chunk.choices[0]?.delta ?? {}) as { content?: string; reasoning_content?: string });
  expect(deltas.map(({ reasoning_content: said = '' }) => said).join('')).toBe('Họ hỏi gì?\n\nXong.');
  expect(deltas.map(({ content }) => content ?? '').join('')).toBe('Xin chào');
});
