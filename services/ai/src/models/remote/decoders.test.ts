import { createParser } from 'eventsource-parser';
import { describe, expect, test } from 'vitest';
import type { Delta } from '../provider.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import type { Codec } from './codec.ts';
import { openAiChat } from './openai-chat.ts';

const SETTINGS = { baseURL: 'http://x', canContinue: true };
const openai = openAiChat(SETTINGS);
const anthropic = anthropicMessages(SETTINGS);
const events = (...objects: object[]): string => objects.map((object) => `data: ${JSON.stringify(object)}\n\n`).join('');
const choice = (delta: object | undefined, finish_reason: string | null = null): object => ({
  choices: [{ index: 0, ...(delta && { delta }), finish_reason }],
});

/** An answer as a reader of `pieces` gets it: its text as one, then usage and finish. */
const decode = (codec: Codec, pieces: readonly Uint8Array[]): { text: string; rest: Delta[] } => {
  const decoder = codec.decoder();
  const told: Delta[] = [];
  const parser = createParser({ onEvent: ({ data }) => void told.push(...decoder.event(data)) });
  const utf8 = new TextDecoder();
  for (const piece of pieces) parser.feed(utf8.decode(piece, { stream: true }));
  const text = told.map((delta) => ('text' in delta ? delta.text : '')).join('');
  return { text, rest: [...decoder.end()] };
};

/** Streams as servers of the field send them, with what an answer is of each. */
const STREAMS: [string, Codec, string, { text: string; rest: Delta[] }][] = [
  [
    'vLLM: role first, usage behind the end',
    openai,
    events(choice({ role: 'assistant', content: '' }), choice({ content: 'Chào 🌊' }), choice({ content: ' b' }, 'stop'), {
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    }) + 'data: [DONE]\n\n',
    { text: 'Chào 🌊 b', rest: [{ usage: { promptTokens: 3, completionTokens: 4 } }, { finish: 'stop' }] },
  ],
  [
    'Azure: a filter first, and a choice without a delta or a reason behind the end',
    openai,
    events(
      { choices: [], prompt_filter_results: [{ prompt_index: 0 }], usage: null },
      choice({ content: 'Hello', refusal: null }),
      choice({}, 'length'),
      choice(undefined),
      { choices: [], usage: { prompt_tokens: 15, completion_tokens: 5, total_tokens: 20 } },
    ) + 'data: [DONE]\n\n',
    { text: 'Hello', rest: [{ usage: { promptTokens: 15, completionTokens: 5 } }, { finish: 'length' }] },
  ],
  [
    'Mistral: thinking and text as parts, usage within the end',
    openai,
    events(
      choice({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }),
      choice({
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: '3' },
        ],
      }),
      { ...choice({ content: '91' }, 'stop'), usage: { prompt_tokens: 28, completion_tokens: 139 } },
    ) + 'data: [DONE]\n\n',
    { text: '391', rest: [{ usage: { promptTokens: 28, completionTokens: 139 } }, { finish: 'stop' }] },
  ],
  [
    'DeepSeek: thinking beside the text, comments that keep the line open, CRLF',
    openai,
    `: keep-alive\r\n\r\n${events(choice({ content: null, reasoning_content: 'hm' }), choice({ content: 'x' }), choice({ content: '' }, 'stop')).replaceAll('\n', '\r\n')}data: [DONE]\r\n\r\n`,
    { text: 'x', rest: [{ finish: 'stop' }] },
  ],
  [
    'a tool is asked for',
    openai,
    events(
      choice({ content: null, tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] }),
      choice({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] }),
      choice({}, 'tool_calls'),
    ),
    { text: '', rest: [{ finish: 'tools' }] },
  ],
  [
    'a refusal in words',
    openai,
    events(choice({ refusal: 'I will not.' }), choice({}, 'stop')),
    { text: 'I will not.', rest: [{ finish: 'stop' }] },
  ],
  ['cut before its reason', openai, events(choice({ content: 'a' })), { text: 'a', rest: [] }],
  [
    'Anthropic: thinking, a ping, text in two parts, tokens of a cache',
    anthropic,
    events(
      {
        type: 'message_start',
        message: { usage: { input_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: null, output_tokens: 1 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: 'xin ' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'chào' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'max_tokens', stop_sequence: null }, usage: { output_tokens: 40 } },
      { type: 'message_stop' },
    ),
    { text: 'xin chào', rest: [{ usage: { promptTokens: 105, completionTokens: 40 } }, { finish: 'length' }] },
  ],
  [
    'Anthropic: a refusal',
    anthropic,
    events({ type: 'message_start', message: {} }, { type: 'message_delta', delta: { stop_reason: 'refusal' } }),
    { text: '', rest: [{ finish: 'filter' }] },
  ],
];

describe.each(STREAMS)('%s', (_name, codec, stream, answer) => {
  const bytes = new TextEncoder().encode(stream);

  test('in one read, and byte by byte', () => {
    expect(decode(codec, [bytes])).toEqual(answer);
    expect(
      decode(
        codec,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(answer);
  });
  test('cut in two at every byte', () => {
    for (let at = 1; at < bytes.length; at++) expect(decode(codec, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(answer);
  });
});

test.each([
  ['openai', openai, 'nothing of JSON'],
  ['openai', openai, '7'],
  ['openai', openai, '{"choices":5}'],
  ['anthropic', anthropic, '[]'],
  ['anthropic', anthropic, '{}'],
] as const)('%s: what is no event is not taken for one: %s', (_name, codec, data) => {
  expect(() => codec.decoder().event(data)).toThrow('cannot be read');
});

test.each([
  ['openai', openai, { error: { message: 'overloaded' } }],
  ['anthropic', anthropic, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
] as const)('%s: an error inside of a stream is thrown as it is', (_name, codec, event) => {
  expect(() => codec.decoder().event(JSON.stringify(event))).toThrow(
    expect.objectContaining({ name: 'UpstreamFault', said: event }) as Error,
  );
});

test.each([
  ['claude-3-haiku-20240307', 4096],
  ['claude-opus-4-20250514', 32_000],
  ['claude-opus-4-1-20250805', 32_000],
  ['claude-opus-4-5', 64_000],
  ['claude-sonnet-4-5', 64_000],
  ['claude-opus-5', 64_000],
])('anthropic: %s is asked for as much as it takes', (model, most) => {
  const request = { model, messages: [{ role: 'user' as const, text: 'hi' }], prefix: '' };
  expect(anthropic.body(request)).toMatchObject({ max_tokens: most });
  expect(anthropicMessages({ ...SETTINGS, sampling: { maxOutputTokens: 7 } }).body(request)).toMatchObject({ max_tokens: 7 });
});

describe('B15 usage that is not whole is none: it is estimated, and a count that nobody told is never 0', () => {
  const counts = [undefined, null, 'many', -1, 0.5, 0, 7] as const;
  const isCount = (count: unknown): boolean => count === 0 || count === 7;
  const pairs = counts.flatMap((prompt) => counts.map((completion) => [prompt, completion] as const));
  const told = (codec: Codec, ...stream: object[]): Delta[] => {
    const { rest } = decode(codec, [new TextEncoder().encode(events(...stream))]);
    return rest.filter((delta) => 'usage' in delta);
  };

  test.each(pairs)('prompt %s, completion %s', (prompt, completion) => {
    const whole = isCount(prompt) && isCount(completion) ? [{ usage: { promptTokens: prompt, completionTokens: completion } }] : [];
    const usage = { prompt_tokens: prompt, completion_tokens: completion };
    expect(told(openai, choice({ content: 'Hello' }, 'stop'), { choices: [], usage })).toEqual(whole);
    const start = { type: 'message_start', message: { usage: { input_tokens: prompt } } };
    const end = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: completion } };
    expect(told(anthropic, start, end)).toEqual(whole);
  });
});

test('Anthropic: calls of tools as they are streamed, beside thoughts and text', () => {
  const decoder = anthropic.decoder();
  const told = [
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Let me look.' } },
    { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'toolu_1', name: 's__clock', input: {} } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"a"' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: ':1}' } },
    { type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 7, name: null } },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
  ].flatMap((event) => [...decoder.event(JSON.stringify(event))]);
  const said = told.filter((delta) => !('text' in delta) || delta.text !== '');
  expect(said).toEqual([
    { reasoning: 'hm' },
    { text: 'Let me look.' },
    { call: { key: '2', id: 'toolu_1', name: 's__clock', input: '' } },
    { call: { key: '2', input: '' } },
    { call: { key: '2', input: '{"a"' } },
    { call: { key: '2', input: ':1}' } },
  ]);
  expect(decoder.end()).toEqual([{ finish: 'tools' }]);
});

test('Anthropic: a step with calls and its results are two turns, and what was no object is told as such', () => {
  const call = (id: string, name: string, input: string) => ({ id, type: 'function' as const, function: { name, arguments: input } });
  const result = (id: string, text: string) => ({
    role: 'user' as const,
    text,
    turn: { role: 'tool' as const, content: text, tool_call_id: id },
  });
  const body = anthropic.body({
    model: 'm',
    prefix: 'And so',
    tools: [{ name: 's__clock', description: 'The time', parameters: { type: 'object' } }],
    messages: [
      { role: 'user', text: 'hi' },
      {
        role: 'assistant',
        text: '',
        turn: { role: 'assistant', content: null, tool_calls: [call('a.1', 's__clock', '{"a":1}'), call('b', 's__clock', '{')] },
      },
      result('a.1', 'noon'),
      result('b', ''),
    ],
  }) as { messages: unknown[]; tools: unknown[] };
  expect(body.tools).toEqual([{ name: 's__clock', description: 'The time', input_schema: { type: 'object' } }]);
  expect(body.messages).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'hi' }] },
    {
      role: 'assistant',
      content: [
        { type: 'tool_use', id: 'a_1', name: 's__clock', input: { a: 1 } },
        { type: 'tool_use', id: 'b', name: 's__clock', input: { unreadable: '{' } },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'a_1', content: 'noon' },
        { type: 'tool_result', tool_use_id: 'b', content: '(nothing)' },
      ],
    },
    { role: 'assistant', content: [{ type: 'text', text: 'And so' }] },
  ]);
});

test('Anthropic: thoughts that are signed come whole, those that nobody may read as well, and go back before the calls behind them', () => {
  const decoder = anthropic.decoder();
  const told = [
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'h' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'sig' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'redacted_thinking', data: 'xyz' } },
    { type: 'content_block_stop', index: 1 },
    { type: 'content_block_start', index: 2, content_block: { type: 'thinking', thinking: '' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'thinking_delta', thinking: 'unsigned' } },
    { type: 'content_block_stop', index: 2 },
    { type: 'content_block_start', index: 3, content_block: { type: 'text', text: 'a' } },
    { type: 'content_block_stop', index: 3 },
  ].flatMap((event) => [...decoder.event(JSON.stringify(event))]);
  const signed = told.flatMap((delta) => ('signed' in delta ? [delta.signed] : []));
  expect(signed).toEqual([
    { type: 'thinking', thinking: 'hm', signature: 'sig' },
    { type: 'redacted_thinking', data: 'xyz' },
  ]);
  const codec = anthropicMessages({
    baseURL: 'http://x',
    canContinue: false,
    body: { thinking: { type: 'enabled', budget_tokens: 1024 } },
  });
  const call = { id: 'c', type: 'function' as const, function: { name: 's__clock', arguments: '{}' } };
  const asked = (own: typeof signed | undefined) =>
    codec.body({
      model: 'm',
      prefix: '',
      messages: [
        { role: 'user', text: 'When?' },
        { role: 'assistant', text: '', turn: { role: 'assistant', content: null, tool_calls: [call] }, ...(own && { signed: own }) },
        { role: 'user', text: '12:00', turn: { role: 'tool', content: '12:00', tool_call_id: 'c' } },
      ],
    }) as { thinking: unknown; messages: { content: { type: string }[] }[] };
  expect(asked(signed)).toMatchObject({
    thinking: { type: 'enabled' },
    messages: [{}, { content: [...signed, { type: 'tool_use' }] }, {}],
  });
  // A step without thoughts is one that was said here all the same; one of another node’s cannot be told, so thinking is off.
  expect(asked([])).toMatchObject({ thinking: { type: 'enabled' } });
  const { thinking, messages } = asked(undefined);
  expect([thinking, messages[1]!.content.map(({ type }) => type)]).toEqual([{ type: 'disabled' }, ['tool_use']]);
});
