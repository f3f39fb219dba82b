import { describe, expect, test } from 'vitest';
import { createFastClock } from '../../testing/fast-clock.ts';
import { ask, collect, NEVER, textOf } from '../../testing/streams.ts';
import { createCountProvider, parseCount } from './count.ts';

const wholeOf = (words: number): string => Array.from({ length: words }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');

describe('the order', () => {
  test.each([
    ['count 500 at 50', { words: 500, perSecond: 50, stop: null }],
    ['count 500', { words: 500, perSecond: 50, stop: null }],
    ['  Count 3 at 2.5 ', { words: 3, perSecond: 2.5, stop: null }],
    ['count 500 at 50 fail 200', { words: 500, perSecond: 50, stop: { kind: 'fail', after: 200 } }],
    ['count 500 HANG 0', { words: 500, perSecond: 50, stop: { kind: 'hang', after: 0 } }],
    ['count 0', null],
    ['count 5 at 0', null],
    ['count 100000 at 100000', { words: 100_000, perSecond: 100_000, stop: null }],
    ['count 5 at 100001', null],
    ['count 1000000', null],
    ['count to 500', null],
    ['please count 500 at 50', null],
    ['count 500 at 50 fail', null],
  ])('%s', (prompt, order) => expect(parseCount(prompt)).toEqual(order));
});

test('streams numbered words, one space between, none at the end', async () => {
  const provider = createCountProvider(createFastClock());
  expect(await textOf(provider, ask('count 3 at 50'))).toBe('w000001 w000002 w000003');
  expect(await textOf(provider, ask('count 1'))).toBe('w000001');
});

test('P-4 continues from any byte, also inside a word: prefix + continuation is the whole, for every cut', async () => {
  const provider = createCountProvider(createFastClock());
  for (const words of [1, 2, 3, 11]) {
    const whole = wholeOf(words);
    for (let cut = 0; cut <= whole.length; cut++) {
      expect(await textOf(provider, ask(`count ${words}`, whole.slice(0, cut)))).toBe(whole.slice(cut));
    }
  }
});

test('keeps its pace by an absolute schedule, also when a piece comes late and after a takeover', async () => {
  const clock = createFastClock(1000);
  const stamps = async (prefix: string): Promise<[string, number][]> => {
    const begun = clock.now();
    const seen: [string, number][] = [];
    for await (const delta of createCountProvider(clock).stream(ask('count 6 at 50', prefix), NEVER)) {
      if (!('text' in delta)) continue;
      seen.push([delta.text, clock.now() - begun]);
      // A reader that is held up for one and a half words gets the next ones when they were due.
      if (seen.length === 2) await clock.sleep(30);
    }
    return seen;
  };
  const due = [0, 20, 50, 60, 80, 100];
  expect(await stamps('')).toEqual(
    wholeOf(6)
      .match(/ ?\w+/g)
      ?.map((word, i) => [word, due[i]]),
  );
  expect(await stamps('w000001 w00')).toEqual([
    ['0002', 0],
    [' w000003', 20],
    [' w000004', 50],
    [' w000005', 60],
    [' w000006', 80],
  ]);
});

test('fails after the words it was told to, also when a takeover starts behind them', async () => {
  const provider = createCountProvider(createFastClock());
  const seen: string[] = [];
  const run = async (prefix: string): Promise<void> => {
    for await (const delta of provider.stream(ask('count 9 at 50 fail 2', prefix), NEVER)) if ('text' in delta) seen.push(delta.text);
  };
  await expect(run('')).rejects.toMatchObject({ code: 'model-failed' });
  expect(seen.join('')).toBe('w000001 w000002');
  await expect(run('w000001 w000002')).rejects.toMatchObject({ code: 'model-failed' });
  expect(await textOf(provider, ask('count 2 fail 5'))).toBe('w000001 w000002');
});

test('hangs after the words it was told to, until it is stopped', async () => {
  const stop = new AbortController();
  const stream = createCountProvider(createFastClock()).stream(ask('count 9 at 50 hang 1'), stop.signal)[Symbol.asyncIterator]();
  expect(await stream.next()).toEqual({ done: false, value: { text: 'w000001' } });
  const next = stream.next();
  stop.abort();
  expect(await next).toEqual({ done: true, value: undefined });
});

test('counts its words as tokens, and explains itself for other prompts', async () => {
  const provider = createCountProvider(createFastClock());
  expect((await collect(provider.stream(ask('count 3 at 50'), NEVER))).at(-1)).toEqual({ usage: { promptTokens: 4, completionTokens: 3 } });
  expect(await textOf(provider, ask('hello'))).toContain('count 500 at 50');
});
