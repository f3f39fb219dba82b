import type { AppendChunkResult, EndRun, EndRunResult, RestoreRun } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { FINISHES, RunnelError, sha256Hex, type Finish, type Message } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { generate } from './generate.ts';
import type { RunJob } from './run-job.ts';
import type { ChatProvider, ModelRequest } from '../models/provider.ts';
import { unknownModel } from '../models/unknown.ts';
import { createFastClock } from '../../testing/fast-clock.ts';

const message = (messageId: string, role: Message['role'], text: string, status: Message['status'] = 'complete'): Message => ({
  messageId,
  parentId: null,
  role,
  text,
  status,
  createdAt: 1,
});

/** One run whose store answers by the script; where that ends, the store does what it is asked. */
const setUp = (
  provider: ChatProvider,
  script: { appends?: (AppendChunkResult | Error)[]; ends?: (EndRunResult | Error)[]; text?: string; system?: string } = {},
) => {
  const appends: string[] = [];
  const ends: EndRun[] = [];
  const restores: RestoreRun[] = [];
  const next = <R>(results: (R | Error)[] | undefined, standard: R): R => {
    const result = results?.shift() ?? standard;
    if (result instanceof Error) throw result;
    return result;
  };
  const runLog: RunJob['runLog'] = {
    async appendChunk({ text }) {
      appends.push(text);
      return next(script.appends, { outcome: 'appended', offset: 1 });
    },
    async endRun(command) {
      ends.push(command);
      return next(script.ends, { outcome: 'ended', offset: 2 });
    },
    async restoreRun(command) {
      restores.push(command);
      return { outcome: 'restored', logId: command.newLogId };
    },
    releaseRun: async () => 'released',
    putPart: async () => ({ outcome: 'put', offset: 1 }),
    appendPartChunk: async () => ({ outcome: 'appended', offset: 1 }),
    parkRun: async () => ({ outcome: 'parked', offset: 1 }),
    readState: async () => ({ kind: 'none' }),
  };
  const { text = '', system = null } = script;
  const job: RunJob = {
    ref: { conversationId: 'c', runId: 'r' },
    claim: {
      outcome: 'claimed',
      epoch: 3,
      logId: 'log',
      text,
      parts: [],
      run: { runId: 'r', parentId: 'u2', model: 'm', startedAt: 1 },
      userId: 'user',
      title: 'title',
      messages: [message('u1', 'user', 'hi'), message('a1', 'assistant', '', 'deleted'), message('u2', 'user', 'and?')],
      cancelled: null,
      trace: null,
      claimedAt: 1,
    },
    model: { ...unknownModel(), model: 'name', system, provider },
    owner: 'me',
    leaseMs: 3000,
    runLog,
    giveUp: new AbortController().signal,
    clock: createFastClock(),
  };
  return { job, appends, ends, restores };
};
const says = (...texts: string[]): ChatProvider => ({
  canContinue: true,
  async *stream() {
    for (const text of texts) yield { text };
  },
});

test('the model is told its system prompt, the thread without what was deleted, and the text that stands', async () => {
  const asked: ModelRequest[] = [];
  const provider: ChatProvider = {
    canContinue: true,
    async *stream(request) {
      asked.push(request);
      yield { text: ' world' };
      yield { usage: { promptTokens: 5, completionTokens: 2 } };
    },
  };
  const { job, ends } = setUp(provider, { text: 'hello', system: 'Be kind.' });
  expect(await generate(job).done).toBe('complete');
  const messages = [
    { role: 'system', text: 'Be kind.' },
    { role: 'user', text: 'hi' },
    { role: 'user', text: 'and?' },
  ];
  expect(asked).toEqual([{ model: 'name', messages, prefix: 'hello' }]);
  expect(ends).toEqual([
    {
      conversationId: 'c',
      runId: 'r',
      epoch: 3,
      reason: 'complete',
      finish: 'stop',
      bytes: 11,
      sha256: await sha256Hex('hello world'),
      // What owners before this one asked for is added, by an estimate.
      usage: { promptTokens: 5 + 4, completionTokens: 2 + 2, estimated: true },
    },
  ]);
});

test('W-10 who wrote the first word says when it came; who goes on with another owner’s text does not', async () => {
  const clock = createFastClock(1_000);
  const provider: ChatProvider = {
    canContinue: true,
    async *stream() {
      await clock.sleep(250);
      yield { text: 'a' };
      await clock.sleep(90);
      yield { text: 'b' };
    },
  };
  const first = setUp(provider);
  first.job.claim = { ...first.job.claim, claimedAt: first.job.claim.run.startedAt + 40 };
  await generate({ ...first.job, clock }).done;
  expect(first.ends).toMatchObject([{ reason: 'complete', firstWordMs: 40 + 250 }]);
  const heir = setUp(provider, { text: 'of another owner ' });
  await generate({ ...heir.job, clock }).done;
  expect(heir.ends[0]).not.toHaveProperty('firstWordMs');
});

test('the offset of its end is told once: the size of the log is measured there', async () => {
  const { job } = setUp(says('a'), {
    ends: [
      { outcome: 'gap', bytes: 0 },
      { outcome: 'ended', offset: 77 },
    ],
  });
  const told: number[] = [];
  job.observe = { ended: (offset) => told.push(offset) };
  await generate(job).done;
  expect(told).toEqual([77]);
});

test('L-4 a store that is slow does not hold up the reading of the model', async () => {
  const read: string[] = [];
  const provider: ChatProvider = {
    canContinue: true,
    async *stream() {
      for (const text of ['a', 'b', 'c']) {
        yield { text };
        read.push(text);
      }
    },
  };
  const { job, appends } = setUp(provider);
  const answer = Promise.withResolvers<AppendChunkResult>();
  job.runLog = { ...job.runLog, appendChunk: ({ text }) => (appends.push(text), answer.promise) };
  const { done } = generate(job);
  await waitFor(() => read.length === 3);
  expect(appends).toEqual(['a']);
  answer.resolve({ outcome: 'appended', offset: 1 });
  await done;
  expect(appends).toEqual(['a', 'bc']);
});

describe('P-5 a cancel', () => {
  test('does not wait for a store that is full', async () => {
    const flood: ChatProvider = {
      canContinue: true,
      async *stream() {
        for (;;) yield { text: 'x'.repeat(100_000) };
      },
    };
    const { job, ends } = setUp(flood);
    const answer = Promise.withResolvers<AppendChunkResult>();
    let appended = 0;
    job.runLog = { ...job.runLog, appendChunk: () => (appended++, answer.promise) };
    const run = generate(job);
    await waitFor(() => appended === 1);
    run.stop('cancel');
    answer.resolve({ outcome: 'cancelled' });
    expect(await run.done).toBe('cancelled');
    expect(ends).toMatchObject([{ reason: 'cancelled', bytes: 0 }]);
  });

  test('takes the store’s length when it is not known whether the last piece arrived', async () => {
    const { job, ends } = setUp(says('half', 'whole'), {
      appends: [{ outcome: 'appended', offset: 1 }, { outcome: 'cancelled' }],
      ends: [{ outcome: 'gap', bytes: 9 }],
    });
    expect(await generate(job).done).toBe('cancelled');
    expect(ends.map(({ bytes, sha256 }) => [bytes, sha256])).toEqual([
      [4, await sha256Hex('half')],
      [9, await sha256Hex('halfwhole')],
    ]);
  });

  test('that was there before the claim ends the run without asking the model', async () => {
    const { job, ends } = setUp(unknownModel().provider, { text: 'stood' });
    job.claim = { ...job.claim, cancelled: { by: 'user', requestedAt: 1 } };
    expect(await generate(job).done).toBe('cancelled');
    expect(ends).toMatchObject([{ reason: 'cancelled', bytes: 5, usage: { completionTokens: 2, estimated: true } }]);
  });
});

describe('the end', () => {
  test.each([{ outcome: 'gone' }, { outcome: 'gap', bytes: 1 }] as const)(
    'L-6 answered $outcome: the run is written again, then ended',
    async (answer) => {
      const { job, ends, restores } = setUp(says('text'), { ends: [answer] });
      expect(await generate(job).done).toBe('complete');
      expect(restores).toMatchObject([{ text: 'text', epoch: 3, owner: 'me', title: 'title' }]);
      expect(ends).toHaveLength(2);
    },
  );

  test.each(['fenced', 'closed'] as const)('P-2 answered %s is not tried again', async (outcome) => {
    const { job, ends } = setUp(says('text'), { ends: [{ outcome }] });
    expect(await generate(job).done).toBe('fenced');
    expect(ends).toHaveLength(1);
  });

  test('P-10 is tried again while the store is away, and given up after ten minutes', async () => {
    const down = new RunnelError('unavailable');
    const patient = setUp(says('text'), { ends: [down, down, down] });
    expect(await generate(patient.job).done).toBe('complete');
    expect(patient.ends).toHaveLength(4);

    const hopeless = setUp(says('text'));
    hopeless.job.runLog = { ...hopeless.job.runLog, endRun: () => Promise.reject(down) };
    expect(await generate(hopeless.job).done).toBe('given-up');
  });
});

describe('code 1.3 a bug', () => {
  const bugs = [new TypeError('x is undefined'), new RunnelError('internal')];

  test.each(bugs)('in an append (%s) ends the run once, told with its stack and under its own name', async (bug) => {
    const { job, appends, ends } = setUp(says('text'), { appends: [bug] });
    const told: unknown[] = [];
    job.observe = { lost: (error) => told.push(error) };
    expect(await generate(job).done).toBe('lost');
    expect([appends.length, told]).toEqual([1, [bug]]);
    expect(ends).toMatchObject([{ reason: 'failed', finish: 'error', bytes: 0, error: { code: 'internal' } }]);
  });

  test.each(bugs)('in the end (%s) is not asked for ten minutes', async (bug) => {
    const { job, ends } = setUp(says('text'), { ends: [bug, bug] });
    const told: unknown[] = [];
    job.observe = { lost: (error) => told.push(error) };
    expect(await generate(job).done).toBe('lost');
    expect([ends.length, told]).toEqual([2, [bug]]);
  });

  test('that left a part of a piece in the store ends with what stands there', async () => {
    const { job, ends } = setUp(says('text'), { appends: [bugs[0]!], ends: [{ outcome: 'gap', bytes: 4 }] });
    expect(await generate(job).done).toBe('lost');
    expect(ends.map(({ bytes }) => bytes)).toEqual([0, 4]);
    expect(ends[1]!.sha256).toBe(await sha256Hex('text'));
  });

  test('P-10 is not an outage: that one still leaves the run to its lease', async () => {
    const { job, ends } = setUp(says('text'));
    job.runLog = { ...job.runLog, appendChunk: () => Promise.reject(new RunnelError('unavailable')) };
    expect(await generate(job).done).toBe('given-up');
    expect(ends).toEqual([]);
  });
});

describe('B15 an answer of nothing', () => {
  const ending = (finish: Finish, ...texts: string[]): ChatProvider => ({
    canContinue: true,
    async *stream() {
      for (const text of texts) yield { text };
      yield { finish };
    },
  });

  test.each([
    ['stop', []],
    ['stop', ['', ' \n']],
    ['length', []],
    ['filter', ['']],
    ['tools', []],
  ] as const)('with %s is failed and not complete (%j)', async (finish, texts) => {
    const { job, ends } = setUp(ending(finish, ...texts));
    expect(await generate(job).done).toBe('failed');
    expect(ends).toMatchObject([{ reason: 'failed', finish, error: { code: 'model-failed' } }]);
  });

  test.each(FINISHES.filter((finish) => finish !== 'error'))('is not one that has a word (%s)', async (finish) => {
    const { job, ends } = setUp(ending(finish, 'a'));
    expect(await generate(job).done).toBe('complete');
    expect(ends).toMatchObject([{ reason: 'complete', finish }]);
  });

  test('is not one that was whole when it was taken over', async () => {
    const { job } = setUp(ending('stop'), { text: 'whole' });
    expect(await generate(job).done).toBe('complete');
  });
});

describe('S-6 MAX_ANSWER_BYTES', () => {
  /** Says one piece for ever. */
  const endless = (piece: string, heard: { stopped?: boolean } = {}): ChatProvider => ({
    canContinue: true,
    async *stream() {
      try {
        for (;;) yield { text: piece };
      } finally {
        heard.stopped = true;
      }
    },
  });

  test.each(['a', 'word ', 'ế', '👍🏽', 'x'.repeat(5_000)])(
    'ends an endless answer of %j whole and with `length`, and the model is stopped',
    async (piece) => {
      for (const maxAnswerBytes of [1_024, 1_025, 1_026, 1_027]) {
        const heard: { stopped?: boolean } = {};
        const { job, appends, ends } = setUp(endless(piece, heard));
        expect(await generate({ ...job, maxAnswerBytes }).done).toBe('complete');
        const text = appends.join('');
        expect(Buffer.byteLength(text)).toBeGreaterThan(maxAnswerBytes - 5);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxAnswerBytes);
        expect(text).toBe(piece.repeat(2_000).slice(0, text.length));
        expect(text.isWellFormed()).toBe(true);
        expect(ends).toMatchObject([{ reason: 'complete', finish: 'length', bytes: Buffer.byteLength(text), sha256: sha256Hex(text) }]);
        expect(ends[0]?.usage?.completionTokens).toBeGreaterThan(0);
        expect(heard.stopped).toBe(true);
      }
    },
  );

  test('counts what stands already, also more than is allowed by now', async () => {
    for (const text of ['a'.repeat(1_000), 'a'.repeat(2_000)]) {
      const { job, appends, ends } = setUp(endless('b'), { text });
      expect(await generate({ ...job, maxAnswerBytes: 1_024 }).done).toBe('complete');
      expect(appends.join('')).toBe('b'.repeat(Math.max(0, 1_024 - text.length)));
      expect(ends).toMatchObject([{ finish: 'length', bytes: Math.max(1_024, text.length) }]);
    }
  });

  test('an answer that just fits ended by itself', async () => {
    const { job, ends } = setUp(says('a'.repeat(1_000), 'b'.repeat(24), ''));
    expect(await generate({ ...job, maxAnswerBytes: 1_024 }).done).toBe('complete');
    expect(ends).toMatchObject([{ reason: 'complete', finish: 'stop', bytes: 1_024 }]);
  });
});

test('P-8 a model that says much without a pause lets others have their turns', async () => {
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  let now = 0;
  // A millisecond for each piece.
  const provider: ChatProvider = {
    canContinue: true,
    async *stream() {
      for (let i = 0; i < 1_000; i++) {
        now++;
        yield { text: 'word ' };
      }
    },
  };
  const { job } = setUp(provider);
  expect(await generate({ ...job, clock: { ...job.clock!, now: () => now } }).done).toBe('complete');
  over = true;
  expect(turns).toBeGreaterThanOrEqual(90);
});

test('P-3 a run that was taken by another stops the model and says nothing', async () => {
  let stopped = false;
  const provider: ChatProvider = {
    canContinue: true,
    async *stream(_request, signal) {
      yield { text: 'a' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped = true;
    },
  };
  const { job, ends } = setUp(provider, { appends: [{ outcome: 'fenced' }] });
  expect(await generate(job).done).toBe('fenced');
  expect([stopped, ends]).toEqual([true, []]);
});
