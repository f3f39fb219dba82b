import { expect, test } from 'vitest';
import type { Message, Part } from '@runnel/protocol';
import { fileName, toJson, toMarkdown } from './export.ts';

const at = Date.UTC(2026, 0, 2);
const message = (
  messageId: string,
  parentId: string | null,
  role: Message['role'],
  text: string,
  change: Partial<Message> = {},
): Message => ({
  ...{ messageId, parentId, role, text, status: 'complete', createdAt: at },
  ...(role === 'assistant' && { model: 'demo' }),
  ...change,
});
const conversation = {
  conversationId: 'c1',
  title: 'Hà Giang\nmùa lúa',
  messages: [
    message('q', null, 'user', '# Why?\n\nSay it.'),
    message('a1', 'q', 'assistant', 'An old version'),
    message('a2', 'q', 'assistant', '- **Because**\n'),
    message('q2', 'a2', 'user', '', { status: 'deleted' }),
  ],
};

test.each([
  ['a heading', '# One\n\n## Two', '### One\n\n#### Two'],
  ['the lowest', '##### Five', '###### Five'],
  ['code', '```sh\n# no heading\n```\n# Yes', '```sh\n# no heading\n```\n### Yes'],
  ['longer fences', '````\n```\n# no\n````\n# Yes', '````\n```\n# no\n````\n### Yes'],
  ['a code block that never ends', '~~~\n# no', '~~~\n# no'],
  ['what is none', '#tag\n    # indented\n####### seven', '#tag\n    # indented\n####### seven'],
])('C13 headings of an answer stand below the outline: %s', (_, text, expected) => {
  const messages = [message('q', null, 'user', 'Why?'), message('a', 'q', 'assistant', text)];
  const file = toMarkdown({ ...conversation, messages }, { user: 'You', assistant: 'Runnel', deleted: 'deleted' });
  expect(file.split(', demo\n\n')[1]!.trimEnd()).toBe(expected);
});

test('Markdown is the newest branch, with what people typed as they typed it', () => {
  expect(toMarkdown(conversation, { user: 'You', assistant: 'Runnel', deleted: 'deleted' })).toBe(
    [
      '# Hà Giang mùa lúa',
      '## You · 2026-01-02T00:00:00.000Z',
      '> # Why?\n>\n> Say it.',
      '## Runnel · 2026-01-02T00:00:00.000Z, demo',
      '- **Because**',
      '## You · 2026-01-02T00:00:00.000Z',
      '*deleted*\n',
    ].join('\n\n'),
  );
});

test('Markdown tells the tools that an answer used and its sources, whatever they say', () => {
  const parts: Part[] = [
    { partId: 'p0', index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'hidden' },
    { partId: 'p1', index: 1, at: 0, kind: 'tool', state: 'done', name: 'count', input: '{"a":\n`1`}', output: 'seven' },
    { partId: 'p2', index: 2, at: 0, kind: 'tool', state: 'denied', name: 'erase', input: '{}' },
    { partId: 'p3', index: 3, at: 4, kind: 'source', state: 'done', url: 'https://a.example/x', title: 'A' },
  ];
  const messages = [message('a', null, 'assistant', 'So.', { parts })];
  const text = toMarkdown({ ...conversation, messages }, { user: 'You', assistant: 'Runnel', deleted: 'deleted' });
  expect(text.split('\n').slice(4)).toEqual([
    ...['So.', '', '- count `` {"a": `1`} `` → ` seven `', '- erase ` {} ` → denied', '- [A](<https://a.example/x>)', ''],
  ]);
  expect(text).not.toContain('hidden');
});

test('JSON has all branches', () => {
  expect(JSON.parse(toJson(conversation))).toMatchObject({ version: 1, conversationId: 'c1', messages: conversation.messages });
});

test('a file name is one everywhere', () => {
  expect(fileName('Kế hoạch: Hà Giang / "mùa" lúa?', 'md')).toBe('Kế-hoạch-Hà-Giang-mùa-lúa.md');
  expect(fileName('../../..', 'json')).toBe('conversation.json');
});
