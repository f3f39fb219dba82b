import type { Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { Claim } from './run-job.ts';
import { askedOf, goOnFrom } from './asked.ts';
import type { Model } from '../models/registry.ts';

const say = (messageId: string, role: Message['role'], text: string, status: Message['status'] = 'complete'): Message => ({
  ...{ messageId, parentId: null, role, text, status, createdAt: 1 },
});
const MESSAGES = [
  say('q1', 'user', '1'.repeat(40)),
  say('a1', 'assistant', '2'.repeat(40)),
  say('q2', 'user', '3'.repeat(40)),
  say('a2', 'assistant', '', 'failed'),
  say('q3', 'user', '4'.repeat(40)),
];
const threadFor = (claim: Partial<Claim>, promptTokens?: number, change: { system?: string; canContinue?: boolean } = {}) => {
  const { system = null, canContinue = true } = change;
  const info = { id: 'm', name: 'm', provider: 'demo', canContinue, ...(promptTokens !== undefined && { promptTokens }) };
  const model = { info, model: 'm', system, provider: { canContinue, stream: () => expect.unreachable() } } as unknown as Model;
  const asked = askedOf({ messages: MESSAGES, text: '', ...claim } as Claim, model);
  const { messages, prefix } = goOnFrom({ messages: asked.messages, prefix: claim.text ?? '' }, model);
  return { shown: messages.map(({ role, text }) => `${role}:${text.slice(0, 9)}`), prefix };
};

test.each([
  [undefined, ['user:111111111', 'assistant:222222222', 'user:333333333', 'user:444444444']],
  [40, ['user:111111111', 'assistant:222222222', 'user:333333333', 'user:444444444']],
  [39, ['user:333333333', 'user:444444444']],
  [19, ['user:444444444']],
  [0, ['user:444444444']],
])('a model that takes %s tokens is told what it has room for', (room, shown) => {
  expect(threadFor({}, room).shown).toEqual(shown);
});

test('a question without words reaches the model with its files; without files it says nothing', () => {
  const file = { partId: 'f', index: 0, at: 0, kind: 'file', state: 'done', fileId: 'f', mediaType: 'image/png' } as const;
  const silent = say('q4', 'user', '');
  const model = { info: { promptTokens: 1_000 }, system: null } as unknown as Model;
  const of = (...messages: Message[]) => askedOf({ messages, text: '' } as unknown as Claim, model).messages;
  expect(of({ ...silent, parts: [file] })).toEqual([{ role: 'user', text: '', parts: [file] }]);
  expect(of(silent)).toEqual([]);
});

test("the conversation's own text comes after the model's and takes its room from the thread", () => {
  expect(threadFor({ system: 'x'.repeat(4) }, 40, { system: 'Be kind.' }).shown).toEqual([
    ...['system:Be kind.', 'system:xxxx'],
    ...['user:333333333', 'user:444444444'],
  ]);
});

test('a text that stands is the prefix, or what a model that cannot continue is asked to go on from', () => {
  expect(threadFor({ text: 'begun' })).toMatchObject({ prefix: 'begun', shown: { length: 4 } });
  const asked = threadFor({ text: 'begun' }, undefined, { canContinue: false });
  expect(asked.prefix).toBe('');
  expect(asked.shown.slice(-2)).toEqual(['assistant:begun', 'user:Your answ']);
});
