import { createInnerToken } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { parkRun } from './park.ts';
import { createStoredWaits, type StoredAnswer } from './stored-waits.ts';

const waiting = { conversationId: 'c', runId: 'r', userId: 'ann é', epoch: 2, partIds: ['p0'] };
const call: Part = { partId: 'p0', index: 0, at: 0, kind: 'tool', state: 'waiting', name: 'act', input: '{}' };
const parked = {
  ...{ runId: 'r', parentId: 'm', model: 'count', startedAt: 1, epoch: 2, claims: 2, text: '', partIds: ['p0'] },
  parts: [call],
};
const page = (change: object | null = {}) => ({ messages: [], hasMore: false, ...(change && { parked: { ...parked, ...change } }) });

/** A clock that sleeping moves, and a database that gives these answers in turn, the last one for ever. */
const world = (answers: readonly (object | number | 'down')[]) => {
  let [now, asked] = [0, 0];
  const paths: string[] = [];
  const told: StoredAnswer[] = [];
  const clock = { now: () => now, wall: () => now, sleep: async (ms: number) => void (now += ms) };
  const fetch = async (url: string | URL | Request) => {
    paths.push(String(url));
    const answer = answers[Math.min(asked++, answers.length - 1)]!;
    if (answer === 'down') throw new Error('refused');
    return typeof answer === 'number' ? new Response('', { status: answer }) : Response.json(answer);
  };
  const token = createInnerToken({ given: 'a-token-between-services' });
  const stored = createStoredWaits({ url: 'http://audit:1', token, clock, fetch, onAnswer: (answer) => told.push(answer) });
  return { stored, told, paths, now: () => now };
};

test('W-17 the database is asked until it has what the run waits for, of this owner, with each part', async () => {
  const others = [
    404,
    page(null),
    page({ epoch: 1 }),
    page({ parts: [{ ...call, state: 'input' }] }),
    page({ runId: 'other' }),
    'down',
  ] as const;
  const { stored, told, paths, now } = world([...others, page()]);
  expect(await stored(waiting)).toBe('has');
  expect([told, paths.length]).toEqual([['has'], 7]);
  expect(paths[0]).toBe('http://audit:1/history/c?limit=1&parked=1');
  expect(now()).toBeLessThan(2_000);
});

test.each([
  [[page(null)], 'late'],
  [['down'], 'away'],
  [[500], 'away'],
  [[{ of: 'another shape' }], 'away'],
] as const)('W-17 P-10 nobody waits longer than two seconds for it: %j', async (answers, answer) => {
  const { stored, told, now } = world(answers);
  expect(await stored(waiting)).toBe(answer);
  expect(told).toEqual([answer]);
  expect(now()).toBe(2_000);
});

const retry = { giveUpMs: 1_000 };
const command = { ...waiting, bytes: 0 };

test('W-17 a run is let go of when the database has it, and not where somebody decided meanwhile', async () => {
  const calls: string[] = [];
  const log = (answer: 'parked' | 'changed') => ({
    parkRun: async ({ tell, ...rest }: { tell?: boolean }) => {
      calls.push(tell ? 'tell' : 'park');
      expect(rest).not.toHaveProperty('userId');
      return tell ? { outcome: 'told' as const } : answer === 'parked' ? { outcome: answer, offset: 7 } : { outcome: answer };
    },
  });
  const stored = async (): Promise<StoredAnswer> => (calls.push('ask'), 'has');
  expect(await parkRun(log('parked'), stored, command, retry)).toEqual({ outcome: 'parked', offset: 7 });
  expect(await parkRun(log('changed'), stored, command, retry)).toEqual({ outcome: 'changed' });
  expect(await parkRun(log('parked'), undefined, command, retry)).toMatchObject({ outcome: 'parked' });
  expect(calls).toEqual(['tell', 'ask', 'park', 'tell', 'ask', 'park', 'park']);
});

test('W-20 what is cancelled, or another’s, is not asked about', async () => {
  for (const outcome of ['cancelled', 'fenced', 'closed', 'gone', 'changed'] as const) {
    const stored = () => Promise.reject(new Error('asked'));
    expect(await parkRun({ parkRun: async () => ({ outcome }) }, stored, command, retry)).toEqual({ outcome });
  }
});
