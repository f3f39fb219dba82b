import type { StoredMessage } from '@runnel/coordination';
import type { ModelRequest } from '@runnel/protocol/http';
import { expect, test } from 'vitest';
import { askedOf, trimmedOf } from './asked.ts';
import type { Claim } from './run-job.ts';
import type { Model } from '../models/registry.ts';

const message = (messageId: string, role: StoredMessage['role'], text: string): StoredMessage => ({
  messageId,
  parentId: null,
  role,
  text,
  status: 'complete',
  createdAt: 1,
});
const asked = (messages: StoredMessage[], request?: ModelRequest | string, system: string | null = null) =>
  askedOf(
    {
      messages,
      ...(request !== undefined && { request: typeof request === 'string' ? request : JSON.stringify(request) }),
      text: '',
    } as unknown as Claim,
    { system, info: {}, provider: { canContinue: true } } as unknown as Model,
  );
const said = (found: ReturnType<typeof asked>) => found.messages.map(({ role, text }) => `${role}: ${text}`);

const THREAD = [message('m1', 'user', 'a'), message('m2', 'assistant', 'b'), message('m3', 'user', 'c')];

test('without a request the thread of the log is asked, behind the entry’s system text', () => {
  expect(said(asked(THREAD, undefined, 'be kind'))).toEqual(['system: be kind', 'user: a', 'assistant: b', 'user: c']);
});

test('instructions stand before the thread, and parameters go with it', () => {
  const found = asked(THREAD, { instructions: 'brief', params: { seed: 5 } }, 'be kind');
  expect(said(found).slice(0, 3)).toEqual(['system: be kind', 'system: brief', 'user: a']);
  expect(found.params).toEqual({ seed: 5 });
});

test('the caller’s own thread is asked in a conversation that it began, to the letter', () => {
  const turns = [
    { role: 'user' as const, content: ' a ' },
    { role: 'system' as const, content: 'late' },
  ];
  expect(said(asked([message('m9', 'user', 'a')], { thread: { first: 'm9', turns, last: 0 } }))).toEqual(['user:  a ', 'system: late']);
});

test('in an older conversation only the last of it counts, behind what the log has', () => {
  const turns = [
    { role: 'user' as const, content: 'ignored' },
    {
      role: 'user' as const,
      content: [
        { type: 'text', text: 'c' },
        { type: 'image_url', image_url: { url: 'data:' } },
      ],
    },
  ];
  const found = asked(THREAD, { thread: { first: 'm3', turns, last: 1 } });
  expect(said(found)).toEqual(['user: a', 'assistant: b', 'user: c']);
  expect(found.messages.at(-1)!.turn).toEqual(turns[1]);
});

test('results of tools replace the log’s answer by the turn that asked for them', () => {
  const call = { id: 'c1', type: 'function' as const, function: { name: 'now', arguments: '{}' } };
  const turns = [
    { role: 'assistant' as const, content: null, tool_calls: [call] },
    { role: 'tool' as const, content: '12:00', tool_call_id: 'c1' },
  ];
  const found = asked([message('m1', 'user', 'a'), message('m2', 'assistant', '[now]'), message('m3', 'user', '12:00')], {
    thread: { first: 'm3', turns, last: 0 },
  });
  expect(found.messages.map(({ role, turn }) => turn ?? role)).toEqual(['user', ...turns]);
});

test.each(['{', '{"params":{"max_tokens":"x"}}', '{"thread":{}}'])('a request that cannot be read (%s) asks nobody', (request) => {
  expect(asked(THREAD, request).error).toMatchObject({ code: 'internal' });
});

test.each<ModelRequest>([{}, { params: { seed: 5 } }, { instructions: 'brief' }])(
  'a thread that is too long for its model is cut for a page, and for no API’s caller: %j',
  (request) => {
    const long = Array.from({ length: 9 }, (_, index) => message(`m${index}`, index % 2 === 0 ? 'user' : 'assistant', 'word '.repeat(100)));
    const model = { system: null, info: { promptTokens: 500 }, provider: { canContinue: true } } as unknown as Model;
    const claim = { messages: long, text: '' } as unknown as Claim;
    expect(askedOf(claim, model).messages.length).toBeLessThan(9);
    expect(trimmedOf(claim, model)).not.toBeNull();
    const callers = { ...claim, request: JSON.stringify(request) };
    expect(askedOf(callers, model).messages.filter(({ role }) => role !== 'system')).toHaveLength(9);
    expect(trimmedOf(callers, model)).toBeNull();
  },
);
