import type { Message, Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';
import { expect, test } from 'vitest';
import { lostWait } from './lost-waits.ts';

const call = (change: Partial<Part> = {}): Part => ({
  ...{ partId: 'p0', index: 0, at: 3, kind: 'tool', state: 'waiting', name: 'act', callId: 'c', input: '{"n":1}' },
  ...change,
});
const other = call({ partId: 'p1', index: 1, state: 'done', attempt: 1, output: 'made' });
const parked: ParkedRun = {
  ...{ runId: 'r', parentId: 'm', model: 'count', startedAt: 1, epoch: 3, claims: 3, text: 'abc', partIds: ['p0'] },
  parts: [call(), other],
};
const question: Message = { messageId: 'm', parentId: null, role: 'user', text: 'x', status: 'complete', createdAt: 1 };
const run = { runId: 'r', parentId: 'm', model: 'count', startedAt: 1 };
/** Claimed with the next epoch after that of the pod that let go of it. */
const copy = { epoch: 4, run, text: 'abc', parts: [call(), other] as Part[] };
const find = (change: Partial<typeof copy> = {}, stored: Partial<ParkedRun> = {}, messages: Message[] = [question]) =>
  lostWait({ ...copy, ...change }, { messages, hasMore: false, parked: { ...parked, ...stored } });

test.each<[string, Partial<typeof copy>]>([
  ['nothing of the answer', { text: '', parts: [] }],
  ['less of the text', { text: 'a', parts: [] }],
  ['half an input', { parts: [call({ state: 'input', input: '{"n"' })] }],
  ['all of the input', { parts: [call({ state: 'input' })] }],
  ['a call that was made as being made', { parts: [call(), { ...other, state: 'running' }] }],
  ['a call that was made as to be made', { parts: [call(), call({ partId: 'p1', index: 1, state: 'ready' })] }],
  ['all that it waits for', {}],
  ['an owner that was taken over, whose text was another', { epoch: 3, text: 'xyz and more', parts: [call({ partId: 'p9' })] }],
])('W-17 a copy that has %s is behind the question', (_what, change) => {
  expect(find(change)).toMatchObject({ text: 'abc', parts: [{ state: 'waiting' }, { state: 'done' }] });
});

test.each<[string, Partial<typeof copy>]>([
  ['been claimed since', { epoch: 5 }],
  ['more of the text', { text: 'abcd' }],
  ['another text', { text: 'abx' }],
  ['the decision', { parts: [call({ state: 'approved' }), other] }],
  ['the refusal', { parts: [call({ state: 'denied' }), other] }],
  ['the call', { parts: [call({ state: 'running', attempt: 1 }), other] }],
  ['another call at its place', { parts: [call({ partId: 'p9' }), other] }],
  ['another input', { parts: [call({ input: '{"n":2}' }), other] }],
  ['a further part', { parts: [call(), other, call({ partId: 'p2', index: 2 })] }],
])('W-19 a copy that has %s is not brought back to the question', (_what, change) => {
  expect(find(change)).toBeNull();
});

test.each<[string, Part, Part, boolean]>([
  ['approved, then called', call({ state: 'approved' }), call({ state: 'running', attempt: 1 }), true],
  ['called, then unknown', call({ state: 'running', attempt: 1 }), call({ state: 'unknown', attempt: 1 }), true],
  ['unknown, then told to try again', call({ state: 'unknown', attempt: 1 }), call({ state: 'approved', attempt: 1 }), true],
  ['tried again', call({ state: 'approved', attempt: 1 }), call({ state: 'running', attempt: 2 }), true],
  ['asked by its tool, and called again', call({ state: 'running', attempt: 1 }), call({ state: 'running', attempt: 2 }), true],
  ['told to try again, which the database has not', call({ state: 'approved', attempt: 1 }), call({ state: 'unknown', attempt: 1 }), false],
  ['tried again, which the database has not', call({ state: 'running', attempt: 2 }), call({ state: 'approved', attempt: 1 }), false],
])('W-19 of two states of a part the later one is known: %s', (_what, copied, stored, isBehind) => {
  expect(find({ parts: [copied] }, { parts: [stored, other] }) !== null).toBe(isBehind);
});

test.each<[string, Partial<ParkedRun>]>([
  ['another run', { runId: 'r2' }],
  ['a run of its name in a conversation that was made again', { startedAt: 2 }],
  ['an answer to another question', { parentId: 'm2' }],
])('W-17 %s is no question of it', (_what, stored) => {
  expect(find({}, stored)).toBeNull();
});

test('W-17 nothing is known where nothing waits, or what was asked is deleted', () => {
  expect(lostWait(copy, { messages: [question], hasMore: false })).toBeNull();
  expect(find({}, {}, [{ ...question, text: '', status: 'deleted' }])).toBeNull();
  // Above the newest page, as of a long conversation.
  expect(find({}, {}, [])).not.toBeNull();
});
