import { pipeline, Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ask, collect, NEVER, textOf } from '../../../testing/streams.ts';
import { chunkOf, DONE, sse, startModelServer, usageOf } from '../../../testing/model-server.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { openAiChat } from './openai-chat.ts';
import { createRemoteProvider } from './provider.ts';

const openai = (baseURL: string, more = {}) => {
  const settings = { baseURL, apiKey: 'key', canContinue: true, ...more };
  return createRemoteProvider(openAiChat(settings), settings);
};

describe('openai-compatible', () => {
  test('streams text and usage, and says what it was asked', async () => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.write(chunkOf('Hel') + chunkOf('lo 🌊'));
      response.end(chunkOf(null, 'stop') + usageOf(7, 2) + DONE);
    });
    const deltas = await collect(openai(server.url).stream(ask('hi'), NEVER));
    expect(deltas.map((delta) => ('text' in delta ? delta.text : '')).join('')).toBe('Hello 🌊');
    expect(deltas.slice(-2)).toEqual([{ usage: { promptTokens: 7, completionTokens: 2 } }, { finish: 'stop' }]);
    expect(server.requests[0]).toMatchObject({ model: 'test', stream: true, messages: [{ role: 'user', content: 'hi' }] });
  });

  test.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'filter'],
    ['tool_calls', 'tools'],
    ['function_call', 'tools'],
    ['some word of a later day', 'stop'],
  ] as const)('B15 finish_reason %s is %s, and no usage is none: it is estimated, not 0', async (word, finish) => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.end(chunkOf('a') + chunkOf(null, word) + DONE);
    });
    const deltas = await collect(openai(server.url).stream(ask('hi'), NEVER));
    expect(deltas.filter((delta) => !('text' in delta))).toEqual([{ finish }]);
  });

  test('a run that is traced tells the provider its trace, another one nothing', async () => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.end(chunkOf('a') + chunkOf(null, 'stop') + DONE);
    });
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const provider = openai(server.url);
    for (const request of [{ ...ask('hi'), trace }, ask('hi')]) await collect(provider.stream(request, NEVER));
    expect(server.heads.map(({ headers }) => headers['traceparent'])).toEqual([trace, undefined]);
    expect(JSON.stringify(server.requests)).not.toContain('trace');
  });

  test('what arrives in one read is one piece', async () => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.end(chunkOf('a') + chunkOf('b') + chunkOf('c') + chunkOf(null, 'stop') + DONE);
    });
    const texts = (await collect(openai(server.url).stream(ask('hi'), NEVER))).filter((delta) => 'text' in delta);
    expect(texts).toEqual([{ text: 'abc' }]);
  });

  test('L-4 a reader who waits stops the provider, and loses nothing', async () => {
    const word = 'x'.repeat(1000);
    let written = 0;
    await using server = await startModelServer(async (response) => {
      sse(response);
      for (; written < 20_000 && !response.destroyed; written++) {
        if (!response.write(chunkOf(word))) await new Promise((resolve) => response.once('drain', resolve));
      }
      response.end(chunkOf(null, 'stop') + DONE);
    });
    const reading = openai(server.url).stream(ask('hi'), NEVER)[Symbol.asyncIterator]();
    let length = 0;
    const take = async (): Promise<boolean> => {
      const { done, value } = await reading.next();
      if (value && 'text' in value) length += value.text.length;
      return done === true;
    };
    await take();
    let before = -1;
    await expect.poll(() => before === (before = written), { interval: 100, timeout: 5000 }).toBe(true);
    expect(written).toBeLessThan(20_000);
    while (!(await take()));
    expect(length).toBe(20_000_000);
  });

  test('an event without an end is refused before it fills the memory', async () => {
    const endless = function* (): Generator<string> {
      yield 'data: {"choices":[{"delta":{"content":"';
      for (;;) yield 'x'.repeat(65_536);
    };
    await using server = await startModelServer((response) => pipeline(Readable.from(endless()), sse(response), () => undefined));
    await expect(textOf(openai(server.url), ask('hi'))).rejects.toMatchObject({ code: 'model-failed' });
  });

  test('cuts inside a UTF-8 character arrive whole', async () => {
    await using server = await startModelServer((response) => {
      sse(response);
      const bytes = Buffer.from(chunkOf('Việt 🌊') + chunkOf(null, 'stop') + DONE);
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
      response.end();
    });
    expect(await textOf(openai(server.url), ask('hi'))).toBe('Việt 🌊');
  });

  test('P-4 continues by a prefilled turn, whose trailing blanks stand once', async () => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.end(chunkOf(' ') + chunkOf(' world') + chunkOf(null, 'stop') + DONE);
    });
    const provider = openai(server.url, { continueBody: { continue_final_message: true } });
    expect(await textOf(provider, ask('hi', 'Hello '))).toBe(' world');
    expect(server.requests[0]).toMatchObject({
      continue_final_message: true,
      messages: [{ role: 'user' }, { role: 'assistant', content: 'Hello' }],
    });
    await textOf(provider, ask('hi'));
    expect(server.requests[1]).not.toHaveProperty('continue_final_message');
  });

  test('what a caller asks goes out by its own names, in the order of the thread, and not above what the entry allows', async () => {
    await using server = await startModelServer((response) => sse(response).end(chunkOf('a') + chunkOf(null, 'stop') + DONE));
    const provider = openai(server.url, {
      sampling: { temperature: 0.1, maxOutputTokens: 50 },
      continueBody: { continue_final_message: true },
    });
    const turn = { role: 'user' as const, content: [{ type: 'image_url', image_url: { url: 'data:' } }] };
    const messages = [
      { role: 'system' as const, text: 'one' },
      { role: 'system' as const, text: 'two' },
      { role: 'user' as const, text: '', turn },
      { role: 'system' as const, text: 'late' },
      { role: 'assistant' as const, text: 'Well, ' },
    ];
    const params = { temperature: 0, max_completion_tokens: 100, stop: ['x'], tool_choice: null };
    await textOf(provider, { ...ask(''), messages, params });
    expect(server.requests[0]).toEqual({
      model: 'test',
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'one\n\ntwo' },
        turn,
        { role: 'system', content: 'late' },
        { role: 'assistant', content: 'Well, ' },
      ],
      temperature: 0,
      max_completion_tokens: 50,
      stop: ['x'],
      continue_final_message: true,
    });
    await textOf(provider, { ...ask(''), messages, prefix: 'yes ' });
    expect(server.requests[1]).toMatchObject({ messages: [{}, {}, {}, { role: 'assistant', content: 'Well, yes' }], max_tokens: 50 });
  });

  test.each([
    [400, 'model-failed'],
    [401, 'model-failed'],
    [429, 'rate-limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('an answer %i is %s, and asked once', async (status, code) => {
    await using server = await startModelServer((response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":{"message":"you said private words"}}'),
    );
    const error = await textOf(openai(server.url), ask('private words')).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code, message: `The model's provider answered ${status}.` });
    // Errors are logged: the provider's words travel with them, the prompt does not.
    const told = JSON.stringify(error, [...Object.getOwnPropertyNames(error), 'cause', 'message', 'stack']);
    expect(told).toContain('you said');
    expect(told).not.toMatch(/private words/);
    expect(server.requests).toHaveLength(1);
  });

  test('a provider that cannot be reached is unavailable', async () => {
    const server = await startModelServer(() => undefined);
    const { url } = server;
    await server[Symbol.asyncDispose]();
    await expect(textOf(openai(url), ask('hi'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each([
    ['garbage', 'data: {not json\n\n'],
    ['a broken event', 'data: {"choices": 5}\n\n'],
    ['an error event', `data: ${JSON.stringify({ error: { message: 'overloaded' } })}\n\n`],
  ])('%s in the stream fails it, and the text before stays', async (_name, wrong) => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.end(chunkOf('begun') + wrong + chunkOf(null, 'stop') + DONE);
    });
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const delta of openai(server.url).stream(ask('hi'), NEVER)) if ('text' in delta) seen.push(delta.text);
    };
    await expect(read()).rejects.toMatchObject({ name: 'RunnelError' });
    expect(seen.join('')).toBe('begun');
  });

  test.each([
    ['a closed connection', (response: { destroy(): void }) => response.destroy()],
    ['an end without a reason', (response: { end(text: string): unknown }) => response.end('')],
    ['an end after DONE without a reason', (response: { end(text: string): unknown }) => response.end(DONE)],
  ])('%s in the middle is a failure, not an end', async (_name, close) => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.write(chunkOf('begun'), () => close(response));
    });
    await expect(textOf(openai(server.url), ask('hi'))).rejects.toMatchObject({ name: 'RunnelError' });
  });

  test('a comment of the provider is a sign of life', async () => {
    await using server = await startModelServer(async (response) => {
      sse(response);
      for (let i = 0; i < 3; i++) response.write(': OPENROUTER PROCESSING\n\n');
      response.end(chunkOf('a') + chunkOf(null, 'stop') + DONE);
    });
    let alive = 0;
    const deltas = await collect(openai(server.url).stream({ ...ask('hi'), onLife: () => alive++ }, NEVER));
    expect(alive).toBeGreaterThan(0);
    expect(deltas.at(-1)).toEqual({ finish: 'stop' });
  });

  test('P-5 a stop closes the connection to the provider', async () => {
    await using server = await startModelServer((response) => {
      sse(response);
      response.write(chunkOf('begun'));
    });
    const stop = new AbortController();
    const reading = collect(openai(server.url).stream(ask('hi'), stop.signal)).catch(() => undefined);
    await expect.poll(() => server.requests.length).toBe(1);
    stop.abort('cancel');
    await reading;
    await expect.poll(() => server.aborted).toBe(1);
  });
});

test('anthropic: streams, prefills and counts', async () => {
  const event = (type: string, fields: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  await using server = await startModelServer((response) => {
    sse(response);
    const message = {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'x',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 5, output_tokens: 1 },
    };
    response.write(event('message_start', { message }));
    response.write(event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }));
    response.write(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'xin ' } }));
    response.write(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'chào' } }));
    response.write(event('content_block_stop', { index: 0 }));
    response.write(event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } }));
    response.end(event('message_stop', {}));
  });
  const settings = { baseURL: server.url, apiKey: 'key', canContinue: true };
  const provider = createRemoteProvider(anthropicMessages(settings), settings);
  const request = {
    model: 'x',
    prefix: 'Dạ, ',
    messages: [
      { role: 'system' as const, text: 'Be kind.' },
      { role: 'user' as const, text: 'chào' },
    ],
  };
  const deltas = await collect(provider.stream(request, NEVER));
  expect(deltas.map((delta) => ('text' in delta ? delta.text : '')).join('')).toBe('xin chào');
  expect(deltas.slice(-2)).toEqual([{ usage: { promptTokens: 5, completionTokens: 4 } }, { finish: 'stop' }]);
  expect(server.requests[0]).toMatchObject({
    system: [{ text: 'Be kind.' }],
    messages: [{ role: 'user' }, { role: 'assistant', content: [{ text: 'Dạ,' }] }],
  });
});
