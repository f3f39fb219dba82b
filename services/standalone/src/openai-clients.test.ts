import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { createHealth, createMetrics, loadConfig, silentLog } from '@runnel/kit';
import { createStandalone } from './app.ts';
import { configSpec } from './config.ts';

type Body = { messages: unknown[] } & Record<string, unknown>;

const event = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** A provider of OpenAI's dialect, the gateway and the AI service before it, and OpenAI's own client before them. */
const start = async (answer: (response: ServerResponse, body: Body) => unknown, kept?: string) => {
  const bodies: Body[] = [];
  const provider = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as Body;
      bodies.push(body);
      answer(response, body);
    });
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const baseURL = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
  const dataDir = kept ?? (await mkdtemp(join(tmpdir(), 'runnel-openai-')));
  const { gateway, closables } = await createStandalone({
    config: loadConfig(configSpec, { DATA_DIR: dataDir }),
    models: [
      { id: 'up', provider: 'openai-compatible', baseURL, default: true, canContinue: true, vision: true },
      { id: 'blind', provider: 'openai-compatible', baseURL, canContinue: true },
      { id: 'small', provider: 'openai-compatible', baseURL, tools: true, contextTokens: 1_000, maxOutputTokens: 100 },
    ],
    env: {},
    log: silentLog,
    metrics: createMetrics('test', { processMetrics: false }),
    health: createHealth(),
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      for (const closable of closables.toReversed()) await closable.close();
      provider.closeAllConnections();
      provider.close();
    })());
  onTestFinished(async () => {
    await close();
    await rm(dataDir, { recursive: true, force: true });
  });
  const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return { bodies, dataDir, close, client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 }) };
};

const say = (response: ServerResponse, ...events: string[]): unknown => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const usage = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 } })}\n\n`;
  return response.end([...events, usage, 'data: [DONE]\n\n'].join(''));
};
const hello = (response: ServerResponse) => say(response, event({ content: 'Hello ' }), event({ content: 'there' }), event({}, 'stop'));

/** The smallest picture. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const IMAGE = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${PIXEL}` } };
/** What a provider gets of a picture: a JPEG that was made of it, under its name. */
const SEEN = [
  { type: 'text', text: 'File "image-1.png":' },
  { type: 'image_url', image_url: { url: expect.stringMatching(/^data:image\/jpeg;base64,/) as string } },
];
const TOOL = { type: 'function' as const, function: { name: 'now', parameters: { type: 'object' } } };

test('what a caller asks comes to the provider as it was written: parameters, order, images, results of tools, a begun answer', async () => {
  const { bodies, client } = await start(hello);
  const call = { id: 'c1', type: 'function' as const, function: { name: 'now', arguments: '{}' } };
  const asked = {
    model: 'up',
    temperature: 0,
    max_completion_tokens: 5,
    stop: ['x'],
    seed: 1,
    response_format: { type: 'json_object' as const },
    tools: [TOOL],
    messages: [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'When?' }, IMAGE] },
      { role: 'assistant' as const, content: null, tool_calls: [call] },
      { role: 'tool' as const, tool_call_id: 'c1', content: '12:00' },
      { role: 'system' as const, content: 'In words.' },
      { role: 'assistant' as const, content: 'It is ' },
    ],
  };
  const answer = await client.chat.completions.create(asked);
  expect(answer).toMatchObject({ choices: [{ message: { content: 'Hello there' }, finish_reason: 'stop' }], usage: { total_tokens: 13 } });
  const [system, , ...rest] = asked.messages;
  const messages = [system, { role: 'user', content: [...SEEN, { type: 'text', text: 'When?' }] }, ...rest];
  expect(bodies).toEqual([{ ...asked, messages, stream: true, stream_options: { include_usage: true } }]);
});

test('a conversation that goes on brings what the log has, and the last message as it was written', async () => {
  const { bodies, client } = await start(hello);
  const headers = { 'x-runnel-conversation': 'mine' };
  const ask = (content: string | (typeof IMAGE)[]) =>
    client.chat.completions.create({ model: 'up', messages: [{ role: 'user', content }] }, { headers });
  await ask('one');
  await ask([IMAGE]);
  expect(bodies[1]!.messages).toEqual([
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'Hello there' },
    { role: 'user', content: SEEN },
  ]);
});

test('a provider’s refusal is the caller’s, word for word and pause for pause', async () => {
  const { client } = await start((response) =>
    response
      .writeHead(400, { 'content-type': 'application/json' })
      .end(JSON.stringify({ error: { message: 'no', type: 'invalid_request_error', code: 'invalid_value' } })),
  );
  const refused = await client.chat.completions
    .create({ model: 'up', messages: [{ role: 'user', content: 'x' }] })
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 400, code: 'invalid_value' });
});

const calling = (response: ServerResponse, { messages }: Body) =>
  JSON.stringify(messages).includes('"tool"')
    ? hello(response)
    : say(
        response,
        event({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'now', arguments: '{"zone"' } }] }),
        event({ tool_calls: [{ index: 0, function: { arguments: ':"UTC"}' } }] }),
        event({ tool_calls: [{ index: 1, id: 'call_2', type: 'function', function: { name: 'now', arguments: '' } }] }),
        event({}, 'tool_calls'),
      );
const CALLS = [
  { id: 'call_1', type: 'function', function: { name: 'now', arguments: '{"zone":"UTC"}' } },
  { id: 'call_2', type: 'function', function: { name: 'now', arguments: '{}' } },
];

test('calls of the caller’s own tools end the answer, whole and streamed, and their results go on', async () => {
  const { client } = await start(calling);
  const messages = [{ role: 'user' as const, content: 'When?' }];
  const whole = await client.chat.completions.create({ model: 'up', tools: [TOOL], messages });
  expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null, tool_calls: CALLS } });
  const streamed = await client.chat.completions.stream({ model: 'up', tools: [TOOL], messages }).finalChatCompletion();
  expect(streamed.choices[0]!.finish_reason).toBe('tool_calls');
  expect(streamed.choices[0]!.message.tool_calls).toMatchObject(CALLS);
  const results = CALLS.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '12:00' }));
  const next = await client.chat.completions.create({
    model: 'up',
    tools: [TOOL],
    messages: [...messages, whole.choices[0]!.message, ...results],
  });
  expect(next.choices[0]!.message.content).toBe('Hello there');
});

test('a response calls functions, and goes on behind its id with their results', async () => {
  const { bodies, client } = await start(calling);
  const tools = [{ type: 'function' as const, name: 'now', parameters: { type: 'object' }, strict: null }];
  const first = await client.responses.stream({ model: 'up', tools, input: 'When?' }).finalResponse();
  expect(first.output).toMatchObject(
    CALLS.map((call) => ({ type: 'function_call', call_id: call.id, name: 'now', arguments: call.function.arguments })),
  );
  const again = await client.responses.retrieve(first.id);
  expect(again.output.map(({ id }) => id)).toEqual(first.output.map(({ id }) => id));
  const input = CALLS.map(({ id }) => ({ type: 'function_call_output' as const, call_id: id, output: '12:00' }));
  const next = await client.responses.create({ model: 'up', tools, previous_response_id: first.id, input });
  expect(next.output_text).toBe('Hello there');
  expect(bodies.at(-1)!.messages).toEqual([
    { role: 'user', content: 'When?' },
    { role: 'assistant', content: null, tool_calls: CALLS },
    ...CALLS.map(({ id }) => ({ role: 'tool', content: '12:00', tool_call_id: id })),
  ]);
});

test('W-4 after a restart a key means the same run, and a response says all that it said', async () => {
  const first = await start(hello);
  const options = { headers: { 'Idempotency-Key': 'k' } };
  const told = await first.client.responses.create({ model: 'up', input: 'hi' }, options);
  await first.close();
  const second = await start(hello, first.dataDir);
  expect(await second.client.responses.retrieve(told.id)).toEqual(told);
  expect(await second.client.responses.create({ model: 'up', input: 'hi' }, options)).toMatchObject({ id: told.id, usage: told.usage });
  await expect(second.client.responses.create({ model: 'up', input: 'ho' }, options)).rejects.toMatchObject({ status: 422 });
  expect(second.bodies).toHaveLength(0);
});

test('nobody is asked in a caller’s run, and nothing of a caller’s thread is left out, however plainly they ask', async () => {
  const { client, bodies } = await start(hello);
  const messages = Array.from({ length: 9 }, (_, index) => ({
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: `${index} ${'word '.repeat(200)}`,
  }));
  const turns = messages.map((message) => ({ ...message, type: 'message' as const }));
  const asks: (() => Promise<unknown>)[] = [
    () => client.chat.completions.create({ model: 'small', messages }),
    () => client.chat.completions.create({ model: 'small', messages, temperature: 0 }),
    () => client.responses.create({ model: 'small', input: turns }),
  ];
  for (const ask of asks) await ask();
  for (const body of bodies) {
    expect(body.messages).toEqual(messages);
    const offered = (body['tools'] as { function: { name: string } }[]).map(({ function: { name } }) => name);
    expect(offered).toEqual(['demo__clock', 'demo__calculator']);
  }
  expect(bodies).toHaveLength(3);
});

const silent = (finish: string) => (response: ServerResponse) => say(response, event({ content: '' }), event({}, finish));
const HI = [{ role: 'user' as const, content: 'hi' }];

test.each([
  ['a text to stop at', 'stop', { stop: ['x'] }],
  ['a limit', 'length', {}],
  ['a filter', 'content_filter', {}],
] as const)('an answer that %s left empty is an empty answer with its reason, and no failure', async (_what, reason, params) => {
  const { client } = await start(silent(reason));
  const body = { model: 'up', messages: HI, ...('stop' in params && { stop: [...params.stop] }) };
  const whole = await client.chat.completions.create(body);
  expect(whole).toMatchObject({ choices: [{ message: { content: '' }, finish_reason: reason }], usage: { total_tokens: 13 } });
  const chunks = [];
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) chunks.push(chunk);
  expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: reason }], usage: { total_tokens: 13 } });
});

test.each(['length', 'content_filter'])('a response that %s left empty is incomplete, and no failure', async (finish) => {
  const { client } = await start(silent(finish));
  const response = await client.responses.create({ model: 'up', input: 'hi' });
  expect(response).toMatchObject({ status: 'incomplete', output_text: '', usage: { total_tokens: 13 } });
  expect(await client.responses.retrieve(response.id)).toMatchObject({ status: 'incomplete', usage: { total_tokens: 13 } });
});

test('an answer begun by its caller may end with that', async () => {
  const { client } = await start(silent('stop'));
  const messages = [...HI, { role: 'assistant' as const, content: 'It is' }];
  expect(await client.chat.completions.create({ model: 'up', messages })).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
});

test('an empty answer without a reason is a failure of the model, to every caller', async () => {
  const { client } = await start(silent('stop'));
  const failed = { status: 502, code: 'model_failed' };
  await expect(client.chat.completions.create({ model: 'up', messages: HI })).rejects.toMatchObject(failed);
  await expect(client.chat.completions.create({ model: 'up', messages: HI, temperature: 0 })).rejects.toMatchObject(failed);
  await expect(client.responses.create({ model: 'up', input: 'hi' })).rejects.toMatchObject(failed);
});
