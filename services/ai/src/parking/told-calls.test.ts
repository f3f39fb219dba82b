import { createInnerToken } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { StoredAnswer } from './stored-waits.ts';
import { createTellCalls } from './told-calls.ts';

const part: Part = { partId: 'p0', index: 0, at: 0, kind: 'tool', state: 'running', name: 'act', input: '{}', attempt: 1 };
const calling = { conversationId: 'c', runId: 'r', userId: 'ann é', part };

const NEVER = new AbortController().signal;

/** A clock that sleeping moves, and a database that gives these answers in turn, the last one for ever. */
const world = (answers: readonly (number | 'down')[]) => {
  let [now, asked] = [0, 0];
  const sent: { url: string; init: RequestInit | undefined }[] = [];
  const told: StoredAnswer[] = [];
  const clock = { now: () => now, wall: () => now, sleep: async (ms: number) => void (now += ms) };
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    sent.push({ url: String(url), init });
    const answer = answers[Math.min(asked++, answers.length - 1)]!;
    if (answer === 'down') throw new Error('refused');
    return new Response(answer === 204 ? null : '', { status: answer });
  };
  const token = createInnerToken({ given: 'a-token-between-services' });
  return {
    tell: createTellCalls({ url: 'http://audit:1', token, clock, fetch, onAnswer: (answer) => told.push(answer) }),
    sent,
    told,
    now: () => now,
  };
};

test('W-19 the database hears of an approved call before it is made, without a wait where it is there', async () => {
  const { tell, sent, told, now } = world([204]);
  expect(await tell(calling, NEVER)).toBe('has');
  expect([told, now()]).toEqual([['has'], 0]);
  expect(sent[0]!.url).toBe('http://audit:1/called');
  expect(sent[0]!.init!.headers).toMatchObject({ 'x-runnel-user': 'ann%20%C3%A9' });
  expect(JSON.parse(String(sent[0]!.init!.body))).toEqual({ conversationId: 'c', runId: 'r', part });
});

test('W-19 a part that has not come to the database yet is told again; nobody waits longer than two seconds', async () => {
  const soon = world([404, 'down', 204]);
  expect(await soon.tell(calling, NEVER)).toBe('has');
  expect(soon.now()).toBeLessThan(100);
  for (const [answer, word] of [
    [404, 'late'],
    ['down', 'away'],
    [500, 'away'],
  ] as const) {
    const { tell, now } = world([answer]);
    expect(await tell(calling, NEVER)).toBe(word);
    expect(now()).toBe(2_000);
  }
});

test('W-19 who calls the call off does not wait for the database', async () => {
  const stop = new AbortController();
  const { tell, told, now } = world(['down']);
  stop.abort();
  expect(await tell(calling, stop.signal)).toBe('away');
  expect([told, now()]).toEqual([['away'], 0]);
});
