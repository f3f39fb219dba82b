import { randomUUID } from 'node:crypto';
import OpenAI, { type APIError } from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { startGateway } from '../../../testing/test-gateway.ts';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';

const USAGE = { promptTokens: 7, completionTokens: 3 };
const TEXT = 'Xin chào 👋 bạn';

/** Two gateways over one log, so that nothing can be kept in one of them. */
const start = async (script: (run: ScriptRun) => unknown) => {
  // The store's clock is not the gateway's: a time that is told is the store's, or each look would tell another.
  const runLog = createMemoryRunLog({ now: () => Date.now() - 60_000 });
  const pod = scriptPod(runLog, script);
  const gateways = await Promise.all([1, 2].map(() => startGateway({ runLog, dispatcher: pod, models: pod.models })));
  const [client, other] = gateways.map(({ url }) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-test', maxRetries: 0 })) as [
    OpenAI,
    OpenAI,
  ];
  const close = async () => void (await Promise.all(gateways.map((gateway) => gateway.close())));
  return { gateways, pod, client, other, runLog, [Symbol.asyncDispose]: close };
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
const textOf = (events: readonly ResponseStreamEvent[]): string =>
  events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
const numbersOf = (events: readonly ResponseStreamEvent[]): number[] => events.map(({ sequence_number: number }) => number);
const failureOf = (promise: PromiseLike<unknown>): Promise<APIError> =>
  Promise.resolve(promise).then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => error as APIError,
  );

test('a whole response has its text, its usage and an id that any gateway reads', async () => {
  await using t = await start(greet);
  const response = await t.client.responses.create({ model: MODEL, input: 'hello', instructions: 'Be brief.', temperature: 0 });
  expect(response).toMatchObject({ object: 'response', status: 'completed', model: MODEL, output_text: TEXT, error: null, store: true });
  expect(response.usage).toMatchObject({ input_tokens: 7, output_tokens: 3, total_tokens: 10 });
  expect(response.instructions).toBe('Be brief.');
  expect(t.pod.runs[0]!.request).toEqual({ params: { temperature: 0 }, instructions: 'Be brief.' });
  const again = await t.other.responses.retrieve(response.id);
  expect(again).toMatchObject({ id: response.id, status: 'completed', output_text: TEXT, usage: response.usage });
});

test('a stream has its events in their order, with numbers that rise, under their names', async () => {
  await using t = await start(greet);
  const events = await collect(await t.client.responses.create({ model: MODEL, input: 'hello', stream: true }));
  expect(events.map(({ type }) => type.replace('response.', '')).filter((type, index, all) => type !== all[index - 1])).toEqual([
    ...['created', 'in_progress', 'output_item.added', 'content_part.added', 'output_text.delta'],
    ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
  ]);
  expect(textOf(events)).toBe(TEXT);
  const numbers = numbersOf(events);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(events.at(-1)).toMatchObject({
    response: { status: 'completed', output: [{ content: [{ text: TEXT }] }], usage: { total_tokens: 10 } },
  });
});

test('the client’s stream helper puts the response together, also from another gateway', async () => {
  await using t = await start(greet);
  const { id, output_text: text } = await t.client.responses.stream({ model: MODEL, input: 'hello' }).finalResponse();
  expect(text).toBe(TEXT);
  const replayed = await t.other.responses.stream({ response_id: id }).finalResponse();
  expect(replayed).toMatchObject({ id, output_text: TEXT });
});

test('P-6 a reload at every event loses and doubles nothing, while it runs and after its end, on any gateway', async () => {
  const written = Promise.withResolvers<void>();
  await using t = await start(async (run) => {
    for (const word of ['Xin ', 'chào ', '👋 ']) await run.say(word);
    await written.promise;
    await run.say('bạn');
    await run.end({ usage: USAGE });
  });
  const { id, status } = await t.client.responses.create({ model: MODEL, input: 'hello', background: true });
  expect(status).toBe('queued');
  await waitFor(async () => (await t.client.responses.retrieve(id)).status === 'in_progress');
  const first: ResponseStreamEvent[] = [];
  for await (const event of await t.client.responses.retrieve(id, { stream: true })) {
    first.push(event);
    if (textOf(first) === 'Xin chào 👋 ') written.resolve();
  }
  for (const client of [t.client, t.other]) {
    for (const [index, event] of first.entries()) {
      const rest = await collect(await client.responses.retrieve(id, { stream: true, starting_after: event.sequence_number }));
      expect(rest).toEqual(first.slice(index + 1));
    }
  }
  expect(await collect(await t.other.responses.retrieve(id, { stream: true, starting_after: 2 ** 31 - 2 }))).toEqual([]);
  expect(textOf(first)).toBe(TEXT);
});

test('closing a stored response stops nothing; its cancel does, twice as once, from another gateway', async () => {
  await using t = await start((run) => run.say('half'));
  const stream = await t.client.responses.create({ model: MODEL, input: 'hello', stream: true });
  let id = '';
  for await (const event of stream) {
    if (event.type === 'response.created') ({ id } = event.response);
    if (event.type === 'response.output_text.delta') break;
  }
  expect((await t.other.responses.retrieve(id)).status).toBe('in_progress');
  const watched = collect(await t.client.responses.retrieve(id, { stream: true }));
  for (const client of [t.other, t.client]) {
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: 'cancelled', output: [{ content: [{ text: 'half' }] }] });
  }
  expect((await watched).at(-1)).toMatchObject({ type: 'response.incomplete', response: { status: 'cancelled' } });
});

test('a background response is answered while its model works, and every call about it names its conversation and its run', async () => {
  await using t = await start((run) => run.say('half'));
  const url = `${t.gateways[0]!.url}/v1/responses`;
  const headers = { authorization: 'Bearer sk-test', 'content-type': 'application/json' };
  const asked = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ model: MODEL, input: 'hello', background: true }) });
  const { id } = (await asked.json()) as { id: string };
  expect(await (await waitFor(() => t.pod.runs[0])).say(' more')).toBe('appended');
  const call = (method: string, path: string) =>
    fetch(`${url}/${id}${path}`, { method, headers: { authorization: headers.authorization } });
  const answers = [asked];
  const calls = [
    ['GET', ''],
    ['GET', '/input_items'],
    ['POST', '/cancel'],
    ['GET', '?stream=true'],
    ['DELETE', ''],
  ] as const;
  for (const [method, path] of calls) answers.push(await call(method, path));
  const { conversationId, runId } = t.pod.runs[0]!;
  for (const { status, headers: told } of answers)
    expect([status, told.get('x-runnel-conversation'), told.get('x-runnel-run')]).toEqual([200, conversationId, runId]);
});

test('what is not stored, unknown, deleted or somebody else’s is not found, all alike', async () => {
  await using t = await start(greet);
  const { id } = await t.client.responses.create({ model: MODEL, input: 'hello' });
  const unstored = await t.client.responses.create({ model: MODEL, input: 'hello', store: false, conversation: 'mine' });
  const deleted = await t.client.responses.create({ model: MODEL, input: 'hello' });
  await t.client.responses.delete(deleted.id);
  const stranger = new OpenAI({ baseURL: `${t.gateways[0]!.url}/v1`, apiKey: 'sk-another', maxRetries: 0 });
  const asks: [OpenAI, string][] = [
    [t.client, unstored.id],
    [t.client, deleted.id],
    [stranger, id],
    [t.client, `resp_${randomUUID()}.${randomUUID()}`],
    [t.client, 'resp_nothing'],
  ];
  for (const [client, wanted] of asks) {
    for (const call of [
      () => client.responses.retrieve(wanted),
      () => client.responses.retrieve(wanted, { stream: true }),
      () => client.responses.cancel(wanted),
      () => client.responses.delete(wanted),
      () => client.responses.inputItems.list(wanted),
    ]) {
      const error = await failureOf(call());
      expect([error.status, error.code, error.message.replace(wanted, '')]).toEqual([
        404,
        'response_not_found',
        "404 Response with id '' not found.",
      ]);
    }
    const gone = await failureOf(client.responses.create({ model: MODEL, input: 'x', previous_response_id: wanted }));
    expect(gone).toMatchObject({ status: 400, code: 'previous_response_not_found', param: 'previous_response_id' });
  }
});

test('a response goes on behind another, also on a branch, and its instructions hold for it alone', async () => {
  await using t = await start(greet);
  const first = await t.client.responses.create({ model: MODEL, input: 'one', instructions: 'rhyme' });
  const second = await t.other.responses.create({ model: MODEL, input: 'two', previous_response_id: first.id });
  const branch = await t.client.responses.create({ model: MODEL, input: 'other two', previous_response_id: first.id });
  expect(t.pod.runs.map(({ messages }) => messages.map(({ text }) => text))).toEqual([
    ['one'],
    ['one', TEXT, 'two'],
    ['one', TEXT, 'other two'],
  ]);
  expect(t.pod.runs.map(({ request }) => request?.instructions)).toEqual(['rhyme', undefined, undefined]);
  expect((await t.client.responses.retrieve(branch.id)).previous_response_id).toBe(first.id);
  const items = await collect(t.client.responses.inputItems.list(second.id, { order: 'asc', limit: 2 }));
  expect(items.map((item) => (item as { content: { text: string }[] }).content[0]!.text)).toEqual(['one', TEXT, 'two']);
});

test('a response that the model did not end by itself says so', async () => {
  await using t = await start(async (run) => {
    await run.say('cut');
    await run.end({ finish: 'length', usage: USAGE });
  });
  const cut = await t.client.responses.create({ model: MODEL, input: 'hello', max_output_tokens: 16 });
  expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
});

test('a failure is a status when it is told whole, and the last event of a stream', async () => {
  await using t = await start((run) =>
    run.end({ reason: 'failed', finish: 'error', error: { code: 'model-failed', message: 'x', status: 503 } }),
  );
  expect(await failureOf(t.client.responses.create({ model: MODEL, input: 'hello' }))).toMatchObject({ status: 503 });
  const events = await collect(await t.client.responses.create({ model: MODEL, input: 'hello', stream: true }));
  expect(events.map(({ type }) => type)).toEqual(['response.created', 'response.in_progress', 'response.failed']);
  expect(events.at(-1)).toMatchObject({ response: { status: 'failed', error: { code: 'model_failed' } } });
});

test.each([
  [{ input: undefined }, 'input'],
  [{ background: true, store: false }, 'background'],
  [{ previous_response_id: 'resp_a.b', conversation: 'c' }, 'previous_response_id'],
  [{ metadata: { a: 'b' } }, 'metadata'],
  [{ tools: [{ type: 'web_search' }] }, 'tools[0]'],
  [{ include: ['reasoning.encrypted_content', 'message.output_text.logprobs'] }, 'include'],
  [{ truncation: 'auto' }, 'truncation'],
  [{ nothing_of_ours: 1 }, 'nothing_of_ours'],
  [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0].type'],
  [{ conversation: 'no/id' }, 'conversation'],
  [{ input: ' ' }, 'input'],
  [{ input: [{ role: 'user', content: '' }] }, 'input'],
])('%j is refused by name', async (body, param) => {
  await using t = await start(greet);
  const refused = await failureOf(t.client.responses.create({ model: MODEL, input: 'hello', ...body } as never));
  expect(refused).toMatchObject({ status: 400, param: expect.stringContaining(param) as string });
});

test('a stream that is cut off by a node that goes away has no last event, and goes on from its number elsewhere', async () => {
  await using t = await start((run) => run.say('half'));
  const stream = await t.client.responses.create({ model: MODEL, input: 'hello', stream: true });
  const seen: ResponseStreamEvent[] = [];
  for await (const event of stream) {
    seen.push(event);
    if (event.type === 'response.output_text.delta') void t.gateways[0]!.drain();
  }
  expect(seen.at(-1)!.type).toBe('response.output_text.delta');
  const run = t.pod.runs[0]!;
  await run.say(' and half');
  await run.end();
  const { id } = (seen[0] as { response: { id: string } }).response;
  const rest = await collect(await t.other.responses.retrieve(id, { stream: true, starting_after: seen.at(-1)!.sequence_number }));
  expect(textOf([...seen, ...rest])).toBe('half and half');
  expect(rest.at(-1)!.type).toBe('response.completed');
});

test('W-4 a key makes one response, and another body under it is refused', async () => {
  await using t = await start(greet);
  const options = { headers: { 'Idempotency-Key': 'once' } };
  const first = await t.client.responses.create({ model: MODEL, input: 'hello' }, options);
  expect(await t.other.responses.create({ model: MODEL, input: 'hello' }, options)).toMatchObject({ id: first.id, output_text: TEXT });
  const other = await failureOf(t.client.responses.create({ model: MODEL, input: 'bye' }, options));
  expect(other).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
});

/** A model that thinks before its words, and once more between them. */
const ponder = async (run: ScriptRun): Promise<void> => {
  const think = async (partId: string, ...words: string[]) => {
    await run.parts.put({ partId, kind: 'reasoning', state: 'open' });
    for (const word of words) await run.parts.stream(partId, 'text', word);
    await run.parts.put({ partId, state: 'done' });
  };
  await think('t1', 'Họ hỏi ', 'gì?');
  await run.say('Xin ');
  await run.say('chào ');
  await think('t2', 'Và 👋', ' nữa.');
  await run.say('👋 bạn');
  await think('t3', 'Xong.');
  await run.end({ usage: USAGE });
};
const THOUGHTS = ['Họ hỏi gì?', 'Và 👋 nữa.', 'Xong.'];
const thoughtsIn = (events: readonly ResponseStreamEvent[]): string[] => {
  const said = new Map<string, string>();
  for (const event of events)
    if (event.type === 'response.reasoning_summary_text.delta') said.set(event.item_id, (said.get(event.item_id) ?? '') + event.delta);
  return [...said.values()];
};

test('thoughts are items of their own, where they came, whole and streamed', async () => {
  await using t = await start(ponder);
  const whole = await t.client.responses.create({ model: MODEL, input: 'hello', reasoning: { summary: 'auto' } });
  expect(whole.output).toMatchObject([
    { type: 'reasoning', id: 'rs_t1', summary: [{ type: 'summary_text', text: THOUGHTS[0] }] },
    { type: 'message', content: [{ text: TEXT }] },
    { type: 'reasoning', summary: [{ text: THOUGHTS[1] }] },
    { type: 'reasoning', summary: [{ text: THOUGHTS[2] }] },
  ]);
  const events = await collect(await t.client.responses.retrieve(whole.id, { stream: true }));
  expect(events.map(({ type }) => type.replace('response.', '')).slice(2, 10)).toEqual([
    ...['output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.done'],
    ...['reasoning_summary_part.done', 'output_item.done', 'output_item.added', 'content_part.added'],
  ]);
  expect([textOf(events), thoughtsIn(events)]).toEqual([TEXT, THOUGHTS]);
  const replayed = await t.other.responses.stream({ response_id: whole.id }).finalResponse();
  expect(replayed.output).toMatchObject(whole.output);
  // A client brings them back with the answer.
  await t.client.responses.create({ model: MODEL, input: [...whole.output, { role: 'user', content: 'and?' }] as never });
  expect(JSON.stringify(t.pod.runs[1]!.request ?? {})).not.toContain('Xong');
});

test('P-6 a reload at every event of an answer with thoughts loses and doubles nothing, and numbers are the same on any gateway', async () => {
  await using t = await start(ponder);
  const live = await collect(await t.client.responses.create({ model: MODEL, input: 'hello', stream: true }));
  const { id } = (live[0] as Extract<ResponseStreamEvent, { type: 'response.created' }>).response;
  const numbers = numbersOf(live);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  const said = (events: readonly ResponseStreamEvent[]) => [textOf(events), thoughtsIn(events).join('|')];
  for (const client of [t.client, t.other]) {
    for (const [index, { sequence_number: number }] of live.entries()) {
      const rest = await collect(await client.responses.retrieve(id, { stream: true, starting_after: number }));
      const all = [...live.slice(0, index + 1), ...rest];
      expect(said(all)).toEqual([TEXT, THOUGHTS.join('|')]);
      const fixed = (events: readonly ResponseStreamEvent[]) =>
        events.filter(({ type }) => !type.endsWith('.delta')).map(({ type, sequence_number: at }) => [type, at]);
      expect(fixed(all)).toEqual(fixed(live));
    }
  }
});

test('a model that begins again behind what was sent, with another thought, ends the stream as restarted', async () => {
  const seen = Promise.withResolvers<void>();
  await using t = await start(async (run) => {
    await run.say('Xin ');
    await seen.promise;
    await run.restart();
    await run.parts.put({ partId: 't9', kind: 'reasoning', state: 'open' });
    await run.parts.stream('t9', 'text', 'Hm.');
    await run.parts.put({ partId: 't9', state: 'done' });
    await run.say('Xin ');
    await run.end();
  });
  const events: ResponseStreamEvent[] = [];
  for await (const event of await t.client.responses.create({ model: MODEL, input: 'hello', stream: true })) {
    events.push(event);
    if (event.type === 'response.output_text.delta') seen.resolve();
  }
  expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { error: { code: 'restarted' } } });
});
