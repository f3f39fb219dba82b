import type { AppendChunkResult, RestoreRunResult, RunLog } from '@runnel/coordination';
import { RunnelError, sha256Hex } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { AppendLoop, MAX_WAITING_BYTES, type AppendLoopOptions } from './append-loop.ts';
import { MAX_PIECE_CHARS } from './run-text.ts';
import { createFastClock } from '../../testing/fast-clock.ts';
import type { Verdict } from './verdict.ts';

type Sent = { at: number; text: string; t: number };

const OWNED = { conversationId: 'c1', runId: 'r1', epoch: 2 };
const RUN: AppendLoopOptions['run'] = {
  ...OWNED,
  owner: 'ai-1',
  leaseMs: 3_000,
  userId: 'ann',
  title: 'T',
  run: { runId: 'r1', parentId: null, model: 'count', startedAt: 1 },
  messages: [],
};

/** A loop whose appends are answered by the test, one by one. */
const setUp = ({ runLog, ...options }: Partial<Omit<AppendLoopOptions, 'runLog'>> & { runLog?: Partial<RunLog> } = {}) => {
  const sent: Sent[] = [];
  const restored: { text: string; newLogId: string }[] = [];
  const verdicts: Verdict[] = [];
  const answers: PromiseWithResolvers<AppendChunkResult>[] = [];
  const restores: RestoreRunResult[] = [];
  let logs = 0;
  const loop = new AppendLoop({
    text: '',
    parts: [],
    run: RUN,
    runLog: {
      putPart: async () => ({ outcome: 'put', offset: 1 }),
      appendPartChunk: async () => ({ outcome: 'appended', offset: 1 }),
      appendChunk({ at, text, t, ...owned }) {
        expect(owned).toEqual(OWNED);
        sent.push({ at, text, t });
        const answer = Promise.withResolvers<AppendChunkResult>();
        answers.push(answer);
        return answer.promise;
      },
      async restoreRun({ text, newLogId, ...run }) {
        expect(run).toEqual(RUN);
        restored.push({ text, newLogId });
        return restores.shift() ?? { outcome: 'restored', logId: newLogId };
      },
      ...runLog,
    },
    newLogId: () => `log${++logs}`,
    onVerdict: (verdict) => verdicts.push(verdict),
    giveUp: new AbortController().signal,
    clock: createFastClock(),
    random: () => 1,
    ...options,
  });
  const answer = async (result: AppendChunkResult | Error): Promise<void> => {
    const waiting = answers.shift()!;
    if (result instanceof Error) waiting.reject(result);
    else waiting.resolve(result);
    await turn();
  };
  return { loop, sent, restored, restores, verdicts, answer };
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const appended: AppendChunkResult = { outcome: 'appended', offset: 1 };
const down = new RunnelError('unavailable');

test('W-15 the first token leaves in the turn it came; what comes while it is in flight is joined', async () => {
  const { loop, sent, answer } = setUp({ text: 'à' });
  void loop.push('one');
  expect(sent).toEqual([{ at: 2, text: 'one', t: 0 }]);
  void loop.push(' two');
  void loop.push(' three');
  expect(sent).toHaveLength(1);
  await answer(appended);
  expect(sent[1]).toEqual({ at: 5, text: ' two three', t: 0 });
  await answer(appended);
  void loop.push(' four');
  expect(sent[2]).toEqual({ at: 15, text: ' four', t: 0 });
});

test('L-4 never more than one append in flight, and no chunk ends inside a character', async () => {
  const { loop, sent, answer } = setUp();
  void loop.push('\ud83c');
  expect(sent).toHaveLength(0);
  void loop.push('\udf0a!\ud83c');
  expect(sent.map(({ text }) => text)).toEqual(['🌊!']);
  void loop.push('\udf0a');
  await answer(appended);
  expect(sent[1]).toMatchObject({ at: 5, text: '🌊' });
});

test('flush waits for all that was pushed', async () => {
  const { loop, answer } = setUp();
  void loop.push('a');
  void loop.push('b');
  let flushed = false;
  const flushing = loop.flush().then(() => (flushed = true));
  await answer(appended);
  expect(flushed).toBe(false);
  await answer({ outcome: 'duplicate' });
  await flushing;
  expect(loop.standing()).toEqual({ bytes: 2, sha256: await sha256Hex('ab') });
});

test('P-8 past 1 MiB that waits the model is read no further, until the store has caught up', async () => {
  const { loop, sent, answer } = setUp();
  void loop.push('a');
  expect(loop.push('b'.repeat(MAX_WAITING_BYTES - 1))).toBeUndefined();
  const room = loop.push('c');
  expect(room).toBeInstanceOf(Promise);
  await answer(appended);
  await answer(appended);
  await room;
  expect(sent[1]!.text).toHaveLength(MAX_PIECE_CHARS);
});

describe('answers', () => {
  test.each(['fenced', 'closed'] as const)('P-3 after %s nothing is written any more', async (outcome) => {
    const { loop, sent, verdicts, answer } = setUp();
    void loop.push('a');
    void loop.push('b');
    await answer({ outcome });
    await loop.flush();
    void loop.push('c');
    expect(loop.push('c'.repeat(2 * MAX_WAITING_BYTES))).toBeUndefined();
    expect(sent).toHaveLength(1);
    expect(verdicts).toEqual(['fenced']);
  });

  test('P-5 after cancelled the text is what stands', async () => {
    const { loop, sent, verdicts, answer } = setUp();
    void loop.push('a');
    await answer(appended);
    void loop.push('b');
    void loop.push('c');
    await answer({ outcome: 'cancelled' });
    expect(verdicts).toEqual(['cancel']);
    expect(sent).toHaveLength(2);
    expect(loop.standing().bytes).toBe(1);
  });

  test('freeze drops what waits, and waits for what is in flight', async () => {
    const { loop, sent, answer } = setUp();
    void loop.push('a');
    void loop.push('b');
    const frozen = loop.freeze();
    await answer(appended);
    await frozen;
    expect(sent).toHaveLength(1);
    expect(loop.standing().bytes).toBe(1);
  });
});

describe('P-10 a store that is away', () => {
  test('the same piece is sent again until it is answered, and the text waits in memory', async () => {
    const { loop, sent, answer } = setUp();
    void loop.push('a');
    for (let i = 0; i < 3; i++) {
      await answer(down);
      void loop.push('b');
    }
    expect(sent.map(({ at, text }) => [at, text])).toEqual([
      [0, 'a'],
      [0, 'a'],
      [0, 'a'],
      [0, 'a'],
    ]);
    await answer({ outcome: 'duplicate' });
    expect(sent[4]).toMatchObject({ at: 1, text: 'bbb' });
  });

  test('is given up after ten minutes, or at once when the process ends', async () => {
    const clock = createFastClock();
    const { loop, verdicts, answer } = setUp({ clock });
    void loop.push('a');
    await answer(down);
    await clock.sleep(600_000);
    await answer(down);
    await loop.flush();
    expect(verdicts).toEqual(['given-up']);

    const giveUp = new AbortController();
    const ending = setUp({ giveUp: giveUp.signal });
    void ending.loop.push('a');
    giveUp.abort();
    await ending.answer(down);
    await ending.loop.flush();
    expect(ending.verdicts).toEqual(['given-up']);
  });
});

describe('L-6 a store that has lost the run', () => {
  test.each([{ outcome: 'gone' }, { outcome: 'gap', bytes: 1 }] as const)(
    '$outcome: it is written again with the piece in flight, and goes on behind it',
    async (lost) => {
      const { loop, sent, restored, answer } = setUp({ text: 'stood ' });
      void loop.push('flying');
      void loop.push(' waiting');
      await answer(lost);
      expect(restored).toEqual([{ text: 'stood flying', newLogId: 'log1' }]);
      expect(sent[1]).toMatchObject({ at: 12, text: ' waiting' });
      await answer(appended);
      expect(loop.standing()).toEqual({ bytes: 20, sha256: await sha256Hex('stood flying waiting') });
    },
  );

  test('an idle run is written again when a renewal finds it gone', async () => {
    const { loop, restored } = setUp({ text: 'stood' });
    await loop.restore();
    expect(restored).toEqual([{ text: 'stood', newLogId: 'log1' }]);
    expect(loop.verdict).toBeNull();
  });

  test('a renewal that was asked before the run was written again says nothing new', async () => {
    const clock = createFastClock(100);
    const { loop, restored } = setUp({ clock });
    await loop.restore();
    await clock.sleep(10);
    await loop.restore(99);
    expect(restored).toHaveLength(1);
    await loop.restore(105);
    expect(restored).toHaveLength(2);
  });

  test('another run in the way is waited for, but not for ever', async () => {
    const patient = setUp();
    patient.restores.push({ outcome: 'busy' }, { outcome: 'busy' });
    await patient.loop.restore();
    expect(patient.restored.map(({ newLogId }) => newLogId)).toEqual(['log1', 'log1', 'log1']);
    expect(patient.loop.verdict).toBeNull();

    const blocked = setUp({ runLog: { restoreRun: async () => ({ outcome: 'busy' }) } });
    await blocked.loop.restore();
    expect(blocked.verdicts).toEqual(['fenced']);
  });

  test('a higher epoch ends it', async () => {
    const { loop, restores, verdicts, answer } = setUp();
    restores.push({ outcome: 'fenced' });
    void loop.push('a');
    await answer({ outcome: 'gone' });
    expect(verdicts).toEqual(['fenced']);
  });
});
