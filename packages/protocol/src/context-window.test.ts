import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Role } from './message.ts';
import type { Part } from './parts.ts';
import { fitThread, IMAGE_TOKENS, isSaid, tokensOf } from './context-window.ts';

const say = (role: Role, tokens: number, mark = ''): { role: Role; text: string } => ({ role, text: mark.padEnd(tokens * 4, '.') });
const shown = (thread: { text: string }[]): string => thread.map(({ text }) => text[0]).join('');
const THREAD = [
  say('system', 10, 's'),
  say('user', 10, 'a'),
  say('assistant', 10, 'b'),
  say('user', 10, 'c'),
  say('assistant', 10, 'd'),
  say('user', 10, 'e'),
];

test.each([
  [60, 'sabcde', null],
  [59, 'scde', { messages: 2, tokens: 20 }],
  [40, 'scde', { messages: 2, tokens: 20 }],
  [39, 'se', { messages: 4, tokens: 40 }],
  [1, 'se', { messages: 4, tokens: 40 }],
])('in %d tokens: system text, then the newest whole turns (%s)', (tokens, kept, trimmed) => {
  const result = fitThread(THREAD, tokens);
  expect(shown(result.kept)).toBe(kept);
  expect(result.trimmed).toEqual(trimmed);
});

test('tokens are bytes, not characters; what is deleted or empty is neither kept nor cut', () => {
  expect(tokensOf('Việt')).toBe(2);
  expect(tokensOf('')).toBe(0);
  const thread = [
    say('user', 9, 'a'),
    { role: 'assistant' as const, text: '' },
    { ...say('user', 9, 'b'), status: 'deleted' as const },
    say('user', 1, 'c'),
  ];
  expect(fitThread(thread, 1)).toEqual({ kept: [thread[3]], trimmed: { messages: 1, tokens: 9 } });
});

const picture: Part = { partId: 'p', index: 0, at: 0, kind: 'file', state: 'done', mediaType: 'image/png' };
const note: Part = { ...picture, mediaType: 'text/plain', tokens: 0 };
test.each<[string, Parameters<typeof isSaid>[0], number | null]>([
  ['a question that is a picture', { role: 'user', text: '', parts: [picture] }, IMAGE_TOKENS],
  ['a question that is a file in which nothing is', { role: 'user', text: '', parts: [note] }, 0],
  ['a deleted question with a picture', { role: 'user', text: '', parts: [picture], status: 'deleted' }, null],
  ['an answer without words, whose files no model gets', { role: 'assistant', text: '', parts: [picture] }, null],
  ['an answer with a file, which weighs what its words weigh', { role: 'assistant', text: 'abcd', parts: [picture] }, 1],
  ['no word and no file', { role: 'user', text: '', parts: [{ ...picture, kind: 'tool' }] }, null],
])('%s is cut as what a model is given of it', (_, message, tokens) => {
  expect(isSaid(message)).toBe(tokens !== null);
  const { kept, trimmed } = fitThread([message, say('user', 1)], 0);
  expect([kept.length, trimmed]).toEqual([1, tokens === null ? null : { messages: 1, tokens }]);
});

test('whatever the thread, what stays fits or is the last turn, order and system text stay, and nothing is in both parts', () => {
  const message = fc.record({ role: fc.constantFrom<Role>('system', 'user', 'assistant'), text: fc.string({ maxLength: 40 }) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), fc.integer({ min: 0, max: 60 }), (thread, tokens) => {
      const { kept, trimmed } = fitThread(thread, tokens);
      const said = thread.filter(({ text }) => text !== '');
      expect(said.filter((one) => kept.includes(one))).toEqual(kept);
      expect(kept.length + (trimmed?.messages ?? 0)).toBe(said.length);
      expect(kept.filter(({ role }) => role === 'system')).toEqual(said.filter(({ role }) => role === 'system'));
      const turns = kept.filter(({ role }) => role === 'user').length;
      const size = kept.reduce((sum, { text }) => sum + tokensOf(text), 0);
      if (turns > 1) expect(size).toBeLessThanOrEqual(tokens);
      // A longer window never keeps less.
      expect(fitThread(thread, tokens + 5).kept.length).toBeGreaterThanOrEqual(kept.length);
    }),
  );
});
