import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readResponse } from './decode.ts';
import { PARAMETERS, REFUSED, ResponseBody } from './params.ts';

const read = (body: object) => readResponse({ input: 'hi', ...body });

describe('parameters', () => {
  const names = PARAMETERS.map(({ name }) => name);

  test('every parameter of the npm client has a fate, and every fate is a parameter', () => {
    const file = join(dirname(createRequire(import.meta.url).resolve('openai')), 'resources/responses/responses.d.ts');
    const [, body = ''] = /export interface ResponseCreateParamsBase \{([\s\S]*?)\n\}/.exec(readFileSync(file, 'utf8')) ?? [];
    const theirs = [...body.matchAll(/^ {4}([a-z_]+)\??:/gm)].map(([, name]) => name);
    expect(theirs.length).toBeGreaterThan(25);
    expect(names.toSorted()).toEqual(theirs.toSorted());
    expect(Object.keys(ResponseBody.properties).toSorted()).toEqual(names.toSorted());
  });

  const PASSED: Record<string, [unknown, object]> = {
    max_output_tokens: [9, { max_tokens: 9 }],
    temperature: [0, { temperature: 0 }],
    top_p: [0.5, { top_p: 0.5 }],
    tools: [
      [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: true }],
      { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' }, strict: true } }] },
    ],
    tool_choice: ['auto', {}],
    parallel_tool_calls: [true, {}],
    text: [
      { verbosity: 'low', format: { type: 'json_schema', name: 'n', schema: {} } },
      { verbosity: 'low', response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {} } } },
    ],
    reasoning: [{ effort: 'low' }, { reasoning_effort: 'low' }],
    service_tier: ['flex', { service_tier: 'flex' }],
    user: ['u', { user: 'u' }],
    safety_identifier: ['s', { safety_identifier: 's' }],
    prompt_cache_key: ['k', { prompt_cache_key: 'k' }],
    prompt_cache_retention: ['24h', { prompt_cache_retention: '24h' }],
  };
  test.each(PARAMETERS.filter(({ fate }) => fate === 'passed'))('$name is passed on under the name of chat completions', ({ name }) => {
    const [value, params] = PASSED[name]!;
    expect(read({ [name]: value }).params).toEqual(params);
    expect(read({ [name]: null }).params).toEqual({});
  });

  test.each(Object.keys(REFUSED))('%s is refused by name', (name) => {
    expect(() => read({ [name]: { any: 'thing' } })).toThrow(
      expect.objectContaining({ api: { code: 'unsupported_parameter', param: name } }),
    );
    expect(read({ [name]: null }).params).toEqual({});
  });

  test('a choice of a tool goes with the tools', () => {
    const tools = [{ type: 'function', name: 'f' }];
    const choice = { type: 'function', name: 'f' };
    expect(read({ tools, tool_choice: choice }).params.tool_choice).toEqual({ type: 'function', function: { name: 'f' } });
    expect(() => read({ tool_choice: 'required' })).toThrow('tool_choice');
  });
});

describe('input', () => {
  test('items are turns; calls of one answer are one, with the text before them', () => {
    const { requestFor, prompt, needs } = read({
      input: [
        { role: 'developer', content: 'rules' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'When?' }] },
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
          id: 'msg_1',
          status: 'completed',
        },
        { type: 'function_call', call_id: 'c1', name: 'now', arguments: '{}' },
        { type: 'function_call', call_id: 'c2', name: 'zone', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: '12:00' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'UTC' }] },
      ],
    });
    expect(prompt).toBe('UTC');
    const { thread } = requestFor('p');
    expect(thread!.turns.map(({ role, content }) => [role, content])).toEqual([
      ['system', 'rules'],
      ['user', 'When?'],
      ['assistant', 'I look.'],
      ['tool', '12:00'],
      ['tool', 'UTC'],
    ]);
    expect(thread!.turns[2]!.tool_calls?.map(({ id }) => id)).toEqual(['c1', 'c2']);
    expect(needs.map(({ input }) => input)).toContain('tool_results');
  });

  test('behind an answer all of it is new: the log keeps it as one prompt, the model gets it as it came', () => {
    const { prompt, seedOf, requestFor } = read({
      previous_response_id: 'r',
      input: [
        { role: 'user', content: 'a' },
        { role: 'user', content: 'b' },
      ],
    });
    expect([prompt, requestFor('p').thread?.last]).toEqual(['a\n\nb', 0]);
    expect(seedOf('p').length).toBeLessThan(2);
  });

  test('files go apart from the text; behind an answer those of all of it are the prompt’s', () => {
    const image = { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'high' };
    const file = { type: 'input_file', file_data: 'data:text/plain;base64,YQ==', filename: 'a.txt' };
    const { prompt, files, earlierFiles } = read({
      previous_response_id: 'r',
      input: [
        { role: 'user', content: [image] },
        { role: 'user', content: [file, { type: 'input_text', text: 'b' }] },
      ],
    });
    expect(prompt).toBe('b');
    expect(files).toMatchObject([
      { name: 'image-1.png', detail: 'high', param: 'input[0].content[0].image_url' },
      { name: 'a.txt', param: 'input[1].content[0].file_data' },
    ]);
    expect(earlierFiles).toEqual([]);
  });

  test.each([
    [[{ role: 'robot', content: 'x' }], 'input[0].role'],
    [[{ role: 'user' }], 'input[0].content'],
    [[{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }], 'input[0].content[0].file_id'],
    [[{ role: 'user', content: [{ type: 'input_image', image_url: 'https://x/y.png' }] }], 'input[0].content[0].image_url'],
    [[{ role: 'user', content: [{ type: 'input_file', file_url: 'https://x/y.pdf' }] }], 'input[0].content[0].file_url'],
    [[{ role: 'user', content: [{ type: 'input_file', file_data: 'data:text/plain;base64,*' }] }], 'input[0].content[0].file_data'],
    [[{ type: 'function_call_output', call_id: 'c', output: 5 }], 'input[0].output'],
    [[{ type: 'function_call', call_id: 'c', name: 'n' }], 'input[0].arguments'],
    [[{ type: 'reasoning', id: 'x', summary: [] }], 'input'],
    [[{ type: 'item_reference', id: 'x' }], 'input[0].type'],
    [[], 'input'],
  ])('%j is refused by name', (input, param) => {
    expect(() => read({ input })).toThrow(expect.objectContaining({ api: expect.objectContaining({ param }) as object }));
  });
});
