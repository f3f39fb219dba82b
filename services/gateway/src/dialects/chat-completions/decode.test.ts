import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCompletion } from './decode.ts';
import { CompletionBody, PARAMETERS } from './params.ts';

const read = (messages: unknown[], more: object = {}) => {
  const found = readCompletion({ messages, ...more });
  return { ...found, request: found.requestFor('prompt'), seed: found.seedOf('prompt') };
};
const user = (content: unknown) => ({ role: 'user', content });
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

describe('parameters', () => {
  const names = PARAMETERS.map(({ name }) => name);

  test('every parameter of the npm client has a fate, and every fate is a parameter', () => {
    const file = join(dirname(createRequire(import.meta.url).resolve('openai')), 'resources/chat/completions/completions.d.ts');
    const [, body = ''] = /export interface ChatCompletionCreateParamsBase \{([\s\S]*?)\n\}/.exec(readFileSync(file, 'utf8')) ?? [];
    const theirs = [...body.matchAll(/^ {4}([a-z_]+)\??:/gm)].map(([, name]) => name);
    expect(theirs.length).toBeGreaterThan(30);
    expect(names.toSorted()).toEqual(theirs.toSorted());
    expect(Object.keys(CompletionBody.properties).toSorted()).toEqual(names.toSorted());
  });

  const VALUES: Record<string, unknown> = {
    max_tokens: 9,
    max_completion_tokens: 9,
    temperature: 0,
    top_p: 0.5,
    stop: ['a'],
    seed: 0,
    presence_penalty: -1,
    frequency_penalty: 0,
    logit_bias: { 5: -1 },
    reasoning_effort: 'none',
    verbosity: 'low',
    response_format: { type: 'json_object' },
    tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
    tool_choice: 'none',
    parallel_tool_calls: false,
    prediction: { type: 'content', content: 'x' },
    service_tier: 'flex',
    user: 'u',
    safety_identifier: 's',
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
  };
  test.each(PARAMETERS.filter(({ fate }) => fate === 'passed'))('$name is passed on as it is, and null is nothing', ({ name }) => {
    expect(VALUES).toHaveProperty(name);
    expect(read([user('hi')], { [name]: VALUES[name] }).request).toEqual({ params: { [name]: VALUES[name] } });
    expect(read([user('hi')], { [name]: null }).request).toEqual({});
  });

  test.each(PARAMETERS.filter(({ fate }) => fate === 'refused'))('$name is refused by name, and nothing of it is nothing', ({ name }) => {
    expect(() => read([user('hi')], { [name]: { any: 'thing' } })).toThrow(
      expect.objectContaining({ api: { code: 'unsupported_parameter', param: name } }),
    );
    for (const nothing of [null, false, [], {}]) expect(read([user('hi')], { [name]: nothing }).request).toEqual({});
  });

  test.each([
    [{ temperature: 9 }, 'temperature', 'invalid_value'],
    [{ temperature: 'hot' }, 'temperature', 'invalid_type'],
    [{ max_tokens: -1 }, 'max_tokens', 'invalid_value'],
    [{ n: 2 }, 'n', 'unsupported_value'],
    [{ nothing_of_ours: 1 }, 'nothing_of_ours', 'unknown_parameter'],
    [{ stream_options: { include_usage: true } }, 'stream_options', 'invalid_value'],
    [{ stream: true, stream_options: { x: 1 } }, 'stream_options.x', 'unknown_parameter'],
    [{ tools: [{ type: 'custom', custom: {} }] }, 'tools[0]', undefined],
    [{ tool_choice: 'required' }, 'tool_choice', 'invalid_value'],
    [{ modalities: ['text', 'audio'] }, 'modalities', 'unsupported_value'],
    [{ messages: null }, 'messages', 'invalid_type'],
    [{ messages: [] }, 'messages', 'invalid_value'],
    [{ messages: [{ content: 'x' }] }, 'messages[0].role', 'missing_required_parameter'],
    [{ messages: [{ role: 'constructor', content: 'x' }] }, 'messages[0].role', 'invalid_value'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content', 'missing_required_parameter'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id', 'missing_required_parameter'],
    [{ messages: [user([{ type: 'text' }])] }, 'messages[0].content[0]', 'unsupported_value'],
    [
      { messages: [user([{ type: 'image_url', image_url: { url: 'http://a/b.png' } }])] },
      'messages[0].content[0].image_url.url',
      'invalid_value',
    ],
    [
      { messages: [user([{ type: 'image_url', image_url: PNG.replace(';base64', '') }])] },
      'messages[0].content[0].image_url',
      'invalid_value',
    ],
    [
      { messages: [user([{ type: 'image_url', image_url: { url: PNG, detail: 'huge' } }])] },
      'messages[0].content[0].image_url.detail',
      'invalid_value',
    ],
    [{ messages: [user([{ type: 'file', file: { file_id: 'f' } }])] }, 'messages[0].content[0].file.file_id', 'unsupported_value'],
    [
      { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: PNG } }] }] },
      'messages[0].content[0]',
      'unsupported_value',
    ],
  ])('%j is refused', (body, param, code) => {
    const refused = expect.objectContaining({
      api: expect.objectContaining({ ...(code && { code }), param: expect.stringContaining(param) }),
    });
    expect(() => readCompletion({ messages: [user('hi')], ...body })).toThrow(refused);
  });
});

test.each(['!!!!', 'iVBOR', 'iVBORw0KGgo==', 'iVBO=Rw0', 'iV*ORw0KGgo=', ''])('no base64 is refused: %j', (base64) => {
  const messages = [user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } }])];
  const api = { code: 'invalid_base64', param: 'messages[0].content[0].image_url.url' };
  expect(() => readCompletion({ messages })).toThrow(expect.objectContaining({ api }));
});

describe('messages', () => {
  test.each([' indented', 'a line\n', '\u00a0x'])('the blanks around a prompt are the model’s to read: %j', (text) => {
    const { prompt, request } = read([user('a'), { role: 'assistant', content: ' b ' }, user(text)]);
    expect(prompt).toBe(text);
    expect(request.thread?.turns.map(({ content }) => content)).toEqual(['a', ' b ', text]);
  });

  test('of text in the usual order they are the thread of the log', () => {
    const { prompt, seed, request } = read([
      { role: 'developer', content: 'rules' },
      user('a'),
      { role: 'assistant', content: '' },
      user([{ type: 'text', text: 'b' }]),
    ]);
    expect(prompt).toBe('b');
    expect(seed.map(({ role, text }) => [role, text])).toEqual([
      ['system', 'rules'],
      ['user', 'a'],
    ]);
    expect(request).toEqual({});
  });

  test('system text behind the prompt stays behind it', () => {
    const { prompt, request } = read([user('a'), { role: 'assistant', content: 'b' }, user('c'), { role: 'system', content: 'd' }]);
    expect(prompt).toBe('c');
    expect(request.thread?.turns.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'a'],
      ['assistant', 'b'],
      ['user', 'c'],
      ['system', 'd'],
    ]);
    expect(request.thread?.last).toBe(2);
  });

  test('files of the prompt go apart from its text, which the log says then', () => {
    const { prompt, request, files, needs } = read([
      user([
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: PNG, detail: 'low' } },
        { type: 'file', file: { file_data: 'data:text/csv;base64,YTti', filename: 'a.csv' } },
        { type: 'text', text: 'And that?' },
      ]),
    ]);
    expect(prompt).toBe('What is it?\nAnd that?');
    expect(files).toMatchObject([
      {
        name: 'image-1.png',
        filetype: 'image/png',
        size: 8,
        isPicture: true,
        detail: 'low',
        param: 'messages[0].content[1].image_url.url',
      },
      { name: 'a.csv', filetype: 'text/csv', size: 3, isPicture: false, param: 'messages[0].content[2].file.file_data' },
    ]);
    expect(files[1]!.bytes.toString()).toBe('a;b');
    expect([request, needs]).toEqual([{}, []]);
  });

  test('files of earlier turns are words for people, and parts of their turns for the model, as far as they are kept', () => {
    const image = { type: 'image_url', image_url: { url: PNG } };
    const { seedOf, files, earlierFiles, requestFor, needs } = readCompletion({
      messages: [user([image, { type: 'text', text: 'one' }]), user([image]), user('two')],
    });
    expect(seedOf('m').map(({ text }) => text)).toEqual(['one\n[image-1.png, 1 KiB]', '[image-1.png, 1 KiB]']);
    expect([files.length, earlierFiles.length]).toEqual([0, 2]);
    const part = { partId: 'p', index: 0, at: 0, kind: 'file', state: 'done', fileId: 'f' } as const;
    const { thread } = requestFor('m', new Map([[earlierFiles[1]!, part]]));
    expect(thread?.turns).toEqual([
      { role: 'user', content: 'one\n[image-1.png, 1 KiB]' },
      { role: 'user', content: '', files: [part] },
      { role: 'user', content: 'two' },
    ]);
    expect(needs.map(({ input }) => input)).toEqual(['turn_files', 'turn_files']);
  });

  test('results of tools come with the turn that asked for them, and are a person’s words', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } };
    const { prompt, seed, request } = read([
      user('When?'),
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: '' },
    ]);
    expect(prompt).toBe('[no output]');
    expect(seed.map(({ role, text }) => [role, text])).toEqual([
      ['user', 'When?'],
      ['assistant', '[now]'],
    ]);
    expect(request.thread).toMatchObject({
      first: seed[0]!.messageId,
      last: 1,
      turns: [{}, { tool_calls: [call] }, { tool_call_id: 'c1' }],
    });
  });

  test('an answer that was begun is the model’s to go on with', () => {
    const { prompt, request, needs } = read([user('Count.'), { role: 'assistant', content: 'One, ' }]);
    expect(prompt).toBe('Count.');
    expect(request.thread).toMatchObject({ first: 'prompt', last: 0 });
    expect(needs).toEqual([{ input: 'prefill', param: 'messages[1]' }]);
  });

  test('of a long history the log keeps the newest, and the model gets all', () => {
    const long = Array.from({ length: 500 }, (_, index) => ({ role: index % 2 ? 'assistant' : 'user', content: `${index}` }));
    const { seed, request } = read([...long, user('and now?')]);
    expect(seed.map(({ text }) => text)).toEqual(long.slice(-100).map(({ content }) => content));
    expect(request.thread?.turns).toHaveLength(501);
  });
});
