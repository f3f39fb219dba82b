import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type, type TSchema } from 'typebox';
import { Errors } from 'typebox/schema';
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { startGateway } from '../../../testing/test-gateway.ts';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { PNG } from '../../../testing/files/upload.ts';

// The compliance cases of Open Responses (openresponses.org), told again: what a client of that specification sends, and what it requires
// of each answer, by plain HTTP.

const Maybe = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Text = Type.Object({
  type: Type.Literal('output_text'),
  text: Type.String(),
  annotations: Type.Array(Type.Object({})),
  logprobs: Type.Array(Type.Object({})),
});
const ItemStatus = Type.Enum(['in_progress', 'completed', 'incomplete']);
const Item = Type.Union([
  Type.Object({
    type: Type.Literal('message'),
    id: Type.String(),
    status: ItemStatus,
    role: Type.Enum(['user', 'assistant', 'system', 'developer']),
    content: Type.Array(Text),
  }),
  Type.Object({
    type: Type.Literal('reasoning'),
    id: Type.String(),
    summary: Type.Array(Type.Object({ type: Type.Literal('summary_text'), text: Type.String() })),
  }),
  Type.Object({
    type: Type.Literal('function_call'),
    id: Type.String(),
    call_id: Type.String(),
    name: Type.String(),
    arguments: Type.String(),
    status: ItemStatus,
  }),
]);
const Tool = Type.Object({
  type: Type.Literal('function'),
  name: Type.String(),
  description: Maybe(Type.String()),
  parameters: Maybe(Type.Object({})),
  strict: Maybe(Type.Boolean()),
});
/** Every field that the specification requires of a response. */
const ResponseResource = Type.Object({
  id: Type.String(),
  object: Type.Literal('response'),
  created_at: Type.Integer(),
  completed_at: Maybe(Type.Integer()),
  status: Type.String(),
  incomplete_details: Maybe(Type.Object({ reason: Type.String() })),
  model: Type.String(),
  previous_response_id: Maybe(Type.String()),
  instructions: Maybe(Type.String()),
  output: Type.Array(Item),
  error: Maybe(Type.Object({ code: Type.String(), message: Type.String() })),
  tools: Type.Array(Tool),
  tool_choice: Type.Union([Type.Enum(['none', 'auto', 'required']), Type.Object({ type: Type.Literal('function'), name: Type.String() })]),
  truncation: Type.Enum(['auto', 'disabled']),
  parallel_tool_calls: Type.Boolean(),
  text: Type.Object({ format: Type.Object({ type: Type.String() }) }),
  top_p: Type.Number(),
  presence_penalty: Type.Number(),
  frequency_penalty: Type.Number(),
  top_logprobs: Type.Integer(),
  temperature: Type.Number(),
  reasoning: Maybe(Type.Object({ effort: Maybe(Type.String()), summary: Maybe(Type.String()) })),
  user: Maybe(Type.String()),
  usage: Maybe(
    Type.Object({
      input_tokens: Type.Integer(),
      input_tokens_details: Type.Object({ cached_tokens: Type.Integer() }),
      output_tokens: Type.Integer(),
      output_tokens_details: Type.Object({ reasoning_tokens: Type.Integer() }),
      total_tokens: Type.Integer(),
    }),
  ),
  max_output_tokens: Maybe(Type.Integer()),
  max_tool_calls: Maybe(Type.Integer()),
  store: Type.Boolean(),
  background: Type.Boolean(),
  service_tier: Type.String(),
  metadata: Type.Object({}),
  safety_identifier: Maybe(Type.String()),
  prompt_cache_key: Maybe(Type.String()),
});

const Numbered = (type: string, fields: Record<string, TSchema>) =>
  Type.Object({ type: Type.Literal(type), sequence_number: Type.Integer(), ...fields });
const At = { item_id: Type.String(), output_index: Type.Integer() };
const InText = { ...At, content_index: Type.Integer() };
const InSummary = { ...At, summary_index: Type.Integer() };
const Summary = Type.Object({ type: Type.Literal('summary_text'), text: Type.String() });
const STREAMED: Record<string, TSchema> = Object.fromEntries(
  (
    [
      ['created', { response: ResponseResource }],
      ['in_progress', { response: ResponseResource }],
      ['completed', { response: ResponseResource }],
      ['output_item.added', { output_index: Type.Integer(), item: Maybe(Item) }],
      ['output_item.done', { output_index: Type.Integer(), item: Maybe(Item) }],
      ['content_part.added', { ...InText, part: Text }],
      ['content_part.done', { ...InText, part: Text }],
      ['output_text.delta', { ...InText, delta: Type.String(), logprobs: Type.Array(Type.Object({})) }],
      ['output_text.done', { ...InText, text: Type.String(), logprobs: Type.Array(Type.Object({})) }],
      ['reasoning_summary_part.added', { ...InSummary, part: Summary }],
      ['reasoning_summary_part.done', { ...InSummary, part: Summary }],
      ['reasoning_summary_text.delta', { ...InSummary, delta: Type.String() }],
      ['reasoning_summary_text.done', { ...InSummary, text: Type.String() }],
      ['function_call_arguments.delta', { ...At, delta: Type.String() }],
      ['function_call_arguments.done', { ...At, arguments: Type.String() }],
    ] as const
  ).map(([name, fields]) => [`response.${name}`, Numbered(`response.${name}`, fields)]),
);

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather at a place',
  parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
};
/** A document of one page and one line, as small as they come: no table of its objects, as some writers leave it out. */
const PLAIN_PDF = Buffer.from(
  [
    '%PDF-1.1',
    '1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj',
    '2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj',
    '3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>\nendobj',
    '4 0 obj\n<< /Length 42 >>\nstream\nBT /F1 12 Tf 20 50 Td (Title: Small) Tj ET\nendstream\nendobj',
    '5 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj',
    'trailer\n<< /Root 1 0 R >>\n%%EOF\n',
  ].join('\n'),
);
const user = (content: unknown) => ({ type: 'message', role: 'user', content });

const says = async (run: ScriptRun): Promise<void> => {
  for (const word of ['One ', 'two ', 'three']) await run.say(word);
  await run.end({ usage: { promptTokens: 4, completionTokens: 3 } });
};
const calls = async (run: ScriptRun): Promise<void> => {
  await run.parts.put({ partId: 'p1', kind: 'tool', state: 'input', name: 'get_weather', callId: 'call_1' });
  for (const piece of ['{"location":', '"San Francisco, CA"}']) await run.parts.stream('p1', 'input', piece);
  await run.parts.put({ partId: 'p1', state: 'done' });
  await run.end({ finish: 'tools' });
};

const thinks = async (run: ScriptRun): Promise<void> => {
  await run.parts.put({ partId: 't1', kind: 'reasoning', state: 'open' });
  for (const piece of ['Three words, ', 'then.']) await run.parts.stream('t1', 'text', piece);
  await run.parts.put({ partId: 't1', state: 'done' });
  await says(run);
};

/** A server, and a caller that asks it for one response after the other. */
const start = async (script: (run: ScriptRun) => unknown) => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, script, { vision: true });
  const folder = await mkdtemp(join(tmpdir(), 'runnel-open-responses-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const env = { FILES_URL: `file:${folder}` };
  const gateway = await startGateway({ env, runLog, dispatcher: pod, models: pod.models });
  onTestFinished(() => gateway.close());
  const headers = { 'content-type': 'application/json', authorization: 'Bearer any' };
  const send = (body: object) =>
    fetch(`${gateway.url}/v1/responses`, { method: 'POST', headers, body: JSON.stringify({ model: MODEL, ...body }) });
  return { pod, send };
};

const ask = async (body: object, script: (run: ScriptRun) => unknown = says) => {
  const { pod, send } = await start(script);
  const response = await send(body);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return { response, text, asked: pod.runs };
};

/** Two requests, of which the second goes on behind the first. */
const inTurn = async (script: (run: ScriptRun) => unknown, first: object, second: (first: Resource) => object) => {
  const { pod, send } = await start(script);
  const one = checked(await (await send(first)).json());
  const two = checked(await (await send({ previous_response_id: one['id'], ...second(one) })).json());
  return { one, two, asked: pod.runs };
};

type Resource = Record<string, unknown> & { status: string; output: { type: string }[] };
const checked = (resource: unknown): Resource => {
  expect(Errors(ResponseResource, resource)[1]).toEqual([]);
  return resource as Resource;
};
const wholeOf = async (body: object, script?: (run: ScriptRun) => unknown) => {
  const { text, asked } = await ask(body, script);
  return { resource: checked(JSON.parse(text)), asked };
};
const streamOf = async (body: object, script?: (run: ScriptRun) => unknown): Promise<Record<string, unknown>[]> => {
  const { response, text } = await ask({ ...body, stream: true }, script);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const frames = Array.from(text.matchAll(/^event: (.+)\ndata: (.+)\n\n/gm));
  expect(frames.map(([frame]) => frame).join('')).toBe(text);
  return frames.map(([, event, data]) => {
    const value = JSON.parse(data!) as Record<string, unknown>;
    expect(value['type']).toBe(event);
    expect(Errors(STREAMED[event!]!, value)[1], data).toEqual([]);
    return value;
  });
};

test('basic-response: a message of a person is answered by a whole resource', async () => {
  const { resource } = await wholeOf({ input: [user('Say hello in exactly 3 words.')] });
  expect([resource.status, resource.output.length]).toEqual(['completed', 1]);
  expect(resource['completed_at']).toBeGreaterThanOrEqual(resource['created_at'] as number);
});

test('streaming-response: each event is one of the specification, and the last has the whole resource', async () => {
  const events = await streamOf({ input: [user('Count from 1 to 3.')] });
  expect(events.length).toBeGreaterThan(8);
  expect(checked(events.at(-1)!['response']).status).toBe('completed');
});

test('system-prompt: what the system says goes to the model before what the person says', async () => {
  const input = [{ type: 'message', role: 'system', content: 'You are a pirate.' }, user('Say hello.')];
  const { resource, asked } = await wholeOf({ input });
  expect(resource.status).toBe('completed');
  expect(asked[0]!.messages.map(({ role, text }) => [role, text])).toEqual([
    ['system', 'You are a pirate.'],
    ['user', 'Say hello.'],
  ]);
});

test('tool-calling: the call of a function is an item, and the request’s function is repeated', async () => {
  const { resource } = await wholeOf({ input: [user('What’s the weather in San Francisco?')], tools: [WEATHER] }, calls);
  expect(resource.output).toMatchObject([{ type: 'function_call', name: 'get_weather', arguments: '{"location":"San Francisco, CA"}' }]);
  expect(resource['tools']).toEqual([{ ...WEATHER, strict: null }]);
});

test('tool-calling-streaming: the arguments come in pieces, and whole at their end', async () => {
  const events = await streamOf({ input: [user('What’s the weather in San Francisco?')], tools: [WEATHER] }, calls);
  const of = (type: string) => events.filter((event) => event['type'] === `response.${type}`);
  const pieces = of('function_call_arguments.delta').map(({ delta }) => delta);
  expect(pieces.join('')).toBe('{"location":"San Francisco, CA"}');
  expect(of('function_call_arguments.done')).toMatchObject([{ arguments: pieces.join('') }]);
  for (const type of ['output_item.added', 'output_item.done']) expect(of(type)).toMatchObject([{ item: { type: 'function_call' } }]);
});

test('image-input: a picture in the request is shown to the model with the words beside it', async () => {
  const picture = { type: 'input_image', image_url: `data:image/png;base64,${PNG.toString('base64')}` };
  const { resource, asked } = await wholeOf({ input: [user([{ type: 'input_text', text: 'What do you see?' }, picture])] });
  expect([resource.status, resource.output.length]).toEqual(['completed', 1]);
  const [message] = asked[0]!.messages;
  expect([message!.text, message!.parts?.[0]?.mediaType]).toEqual(['What do you see?', 'image/png']);
});

test('multi-turn: earlier turns of a new conversation are its beginning', async () => {
  const input = [user('My name is Alice.'), { type: 'message', role: 'assistant', content: 'Hello Alice!' }, user('What is my name?')];
  const { resource, asked } = await wholeOf({ input });
  expect(resource.status).toBe('completed');
  expect(asked[0]!.messages.map(({ text }) => text)).toEqual(['My name is Alice.', 'Hello Alice!', 'What is my name?']);
});

test('function-call-roundtrip: the result of a call, behind the response that made it, is answered', async () => {
  const script = (run: ScriptRun) => (run.messages.length === 1 ? calls(run) : says(run));
  const choice = { tools: [WEATHER], tool_choice: { type: 'function', name: 'get_weather' } };
  const { one, two, asked } = await inTurn(script, { input: 'The weather in San Francisco?', ...choice }, ({ output }) => {
    const call = output.find(({ type }) => type === 'function_call') as { call_id?: string } | undefined;
    return { input: [{ type: 'function_call_output', call_id: call?.call_id, output: 'Clear, 18 degrees' }] };
  });
  expect(one['tool_choice']).toEqual(choice.tool_choice);
  expect([two.status, two.output.map(({ type }) => type)]).toEqual(['completed', ['message']]);
  expect(asked[1]!.request?.thread?.turns).toMatchObject([{ role: 'tool', tool_call_id: 'call_1', content: 'Clear, 18 degrees' }]);
});

test('file-input: a document in the request is given to the model with the words beside it', async () => {
  const file = { type: 'input_file', filename: 'fixture.pdf', file_data: `data:application/pdf;base64,${PLAIN_PDF.toString('base64')}` };
  const { resource, asked } = await wholeOf({ input: [user([{ type: 'input_text', text: 'What is its title?' }, file])] });
  expect([resource.status, resource.output.length]).toEqual(['completed', 1]);
  const [message] = asked[0]!.messages;
  expect([message!.text, message!.parts?.[0]?.name]).toEqual(['What is its title?', 'fixture.pdf']);
});

test('previous-response-id: what was said before is the beginning of what the model gets', async () => {
  const { two, asked } = await inTurn(says, { input: 'The word is mango. Say OK.' }, () => ({ input: 'Which word was it?' }));
  expect([two.status, two.output.length]).toEqual(['completed', 1]);
  expect(asked[1]!.messages.map(({ text }) => text)).toEqual(['The word is mango. Say OK.', 'One two three', 'Which word was it?']);
});

test.each([
  ['file-search', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
  ['offline-web-search', { tools: [{ type: 'web_search', external_web_access: false }] }],
])('%s, which the specification leaves to a server, is not offered: it is refused by name', async (_case, body) => {
  const { send } = await start(says);
  const response = await send({ input: 'hi', ...body });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param: expect.stringMatching(/^tools\[0\]/) as string } });
});

test('what a model thinks is an item of its own, whole and streamed', async () => {
  const { resource } = await wholeOf({ input: 'hi', include: ['reasoning.encrypted_content'], store: false }, thinks);
  expect(resource.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
  const events = await streamOf({ input: 'hi' }, thinks);
  const thought = events.map(({ type, delta }) => (type === 'response.reasoning_summary_text.delta' ? String(delta) : '')).join('');
  expect(thought).toBe('Three words, then.');
  expect(checked(events.at(-1)!['response']).output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
});

test('what was asked for is repeated; what was not has its default', async () => {
  const said = {
    temperature: 0,
    top_p: 0.5,
    max_output_tokens: 9,
    instructions: 'Short.',
    user: 'u1',
    service_tier: 'flex',
    reasoning: { effort: 'low' },
  };
  const { resource } = await wholeOf({ input: 'hi', text: { format: { type: 'json_object' } }, ...said });
  const { reasoning, ...same } = said;
  expect(resource).toMatchObject({ ...same, reasoning: { ...reasoning, summary: null }, text: { format: { type: 'json_object' } } });
  const { resource: plain } = await wholeOf({ input: 'hi', temperature: null });
  expect(plain).toMatchObject({
    temperature: 1,
    top_p: 1,
    max_output_tokens: null,
    tools: [],
    tool_choice: 'auto',
    service_tier: 'default',
  });
});
