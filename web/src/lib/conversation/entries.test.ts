import type { PendingPrompt } from '@runnel/client';
import type { Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { entriesOf } from './entries.ts';

const message = (messageId: string, parentId: string | null): Message => ({
  messageId,
  parentId,
  role: 'user',
  text: messageId,
  status: 'complete',
  createdAt: 1,
});
const prompt = (change: Partial<PendingPrompt>): PendingPrompt => ({
  messageId: 'p',
  conversationId: 'c',
  runId: 'r',
  text: 'later',
  status: 'queued',
  error: null,
  createdAt: 2,
  ...change,
});
const run = { runId: 'a', parentId: 'q', model: 'demo', startedAt: 2 };

test('a running answer is one entry, without its text', () => {
  expect(entriesOf([message('q', null)], run, []).at(-1)).toMatchObject({ messageId: 'a', parentId: 'q', status: 'running', text: '' });
});

test('a run the history already holds is not there twice', () => {
  expect(entriesOf([message('q', null), message('a', 'q')], run, []).map((entry) => entry.messageId)).toEqual(['q', 'a']);
});

test('prompts on their way come last and hang where they were sent', () => {
  expect(entriesOf([message('q', null)], null, [prompt({})]).at(-1)).toMatchObject({ parentId: 'q', status: 'queued' });
  expect(entriesOf([message('q', null)], null, [prompt({ parentId: null })]).at(-1)).toMatchObject({ parentId: null });
  expect(entriesOf([], null, [prompt({ status: 'failed' })]).at(-1)).toMatchObject({ parentId: null, status: 'refused' });
});
