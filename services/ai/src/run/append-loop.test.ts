import type { AppendChunkResult, RestoreRunResult } from '@runnel/coordination';
import { RunnelError, sha256Hex } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { Batcher, MAX_WAITING_BYTES, type BatcherOptions } from './append-loop.ts';
import { MAX_PIECE_CHARS } from './run-text.ts';
import { createFastClock } from '../../testing/fast-clock.ts';
import type { Verdict } from './verdict.ts';

type Sent = { at: number; text: string; t: number };

/** A batcher whose appends are answered by the test, one by one. */
const setUp = (options: Partial<BatcherOptions> = {}) => {
  const sent: Sent[] = [];
  const restored: { text: string; newLogId: string }[] = [];
  const verdicts: Verdict[] = [];
  const answers: PromiseWithResolvers<AppendChunkResult>[] = [];
  const restores: RestoreRunResult[] = [];
  let logs = 0;
  const batcher = new Batcher({
    text: '',
    append(piece) {
      sent.push(piece);
      const answer = Promise.withResolvers<AppendChunkResult>();
      answers.push(answer);
      return answer.promise;
    },
    async restore(text, newLogId) {
      restored.push({ text, newLogId });
      return restores.shift() ?? { outcome: 'restored', logId: newLogId };
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
  return { batcher, sent, restored, restores, verdicts, answer };
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const appended: AppendChunkResult = { outcome: 'appended', offset: 1 };
const down = new RunnelError('unavailable');

test('W-15 the first token leaves in the turn it came; what comes while it is in flight is joined', async () => {
  const { batcher, sent, answer } = setUp({ text: 'à' });
  void batcher.push('one');
  expect(sent).toEqual([{ at: 2, text: 'one', t: 0 }]);
  void batcher.push(' two');
  void batcher.push(' three');
  expect(sent).toHaveLength(1);
  await answer(appended);
  expect(sent[1]).toEqual({ at: 5, text: ' two three', t: 0 });
  await answer(appended);
  void batcher.push(' four');
  expect(sent[2]).toEqual({ at: 15, text: ' four', t: 0 });
});

test('L-4 never more than one append in flight, and no chunk ends inside a character', async () => {
  const { batcher, sent, answer } = setUp();
  void batcher.push('\ud83c');
  expect(sent).toHaveLength(0);
  void batcher.push('\udf0a!\ud83c');
  expect(sent.map(({ text }) => text)).toEqual(['🌊!']);
  void batcher.push('\udf0a');
  await answer(appended);
  expect(sent[1]).toMatchObject({ at: 5, text: '🌊' });
});

test('flush waits for all that was pushed', async () => {
  const { batcher, answer } = setUp();
  void batcher.push('a');
  void batcher.push('b');
  let flushed = false;
  const flushing = batcher.flush().then(() => (flushed = true));
  await answer(appended);
  expect(flushed).toBe(false);
  await answer({ outcome: 'duplicate' });
  await flushing;
  expect(batcher.standing()).toEqual({ bytes: 2, sha256: await sha256Hex('ab') });
});

test('P-8 past 1 MiB that waits the model is read no further, until the store has caught up', async () => {
  const { batcher, sent, answer } = setUp();
  void batcher.push('a');
  expect(batcher.push('b'.repeat(MAX_WAITING_BYTES - 1))).toBeUndefined();
  const room = batcher.push('c');
  expect(room).toBeInstanceOf(Promise);
  await answer(appended);
  await answer(appended);
  await room;
  expect(sent[1]!.text).toHaveLength(MAX_PIECE_CHARS);
});

describe('answers', () => {
  test.each(['fenced', 'closed'] as const)('P-3 after %s nothing is written any more', async (outcome) => {
    const { batcher, sent, verdicts, answer } = setUp();
    void batcher.push('a');
    void batcher.push('b');
    await answer({ outcome });
    await batcher.flush();
    void batcher.push('c');
    expect(batcher.push('c'.repeat(2 * MAX_WAITING_BYTES))).toBeUndefined();
    expect(sent).toHaveLength(1);
    expect(verdicts).toEqual(['fenced']);
  });

  test('P-5 after cancelled the text is what stands', async () => {
    const { batcher, sent, verdicts, answer } = setUp();
    void batcher.push('a');
    await answer(appended);
    void batcher.push('b');
    void batcher.push('c');
    await answer({ outcome: 'cancelled' });
    expect(verdicts).toEqual(['cancel']);
    expect(sent).toHaveLength(2);
    expect(batcher.standing().bytes).toBe(1);
  });

  test('freeze drops what waits, and waits for what is in flight', async () => {
    const { batcher, sent, answer } = setUp();
    void batcher.push('a');
    void batcher.push('b');
    const frozen = batcher.freeze();
    await answer(appended);
    await frozen;
    expect(sent).toHaveLength(1);
    expect(batcher.standing().bytes).toBe(1);
  });
});

describe('P-10 a store that is away', () => {
  test('the same piece is sent again until it is answered, and the text waits in memory', async () => {
    const { batcher, sent, answer } = setUp();
    void batcher.push('a');
    for (let i = 0; i < 3; i++) {
      await answer(down);
      void batcher.push('b');
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
    const { batcher, verdicts, answer } = setUp({ clock });
    void batcher.push('a');
    await answer(down);
    await clock.sleep(600_000);
    await answer(down);
    await batcher.flush();
    expect(verdicts).toEqual(['given-up']);

    const giveUp = new AbortController();
    const ending = setUp({ giveUp: giveUp.signal });
    void ending.batcher.push('a');
    giveUp.abort();
    await ending.answer(down);
    await ending.batcher.flush();
    expect(ending.verdicts).toEqual(['given-up']);
  });
});

describe('L-6 a store that has lost the run', () => {
  test.each([{ outcome: 'gone' }, { outcome: 'gap', bytes: 1 }] as const)(
    '$outcome: it is written again with the piece in flight, and goes on behind it',
    async (lost) => {
      const { batcher, sent, restored, answer } = setUp({ text: 'stood ' });
      void batcher.push('flying');
      void batcher.push(' waiting');
      await answer(lost);
      expect(restored).toEqual([{ text: 'stood flying', newLogId: 'log1' }]);
      expect(sent[1]).toMatchObject({ at: 12, text: ' waiting' });
      await answer(appended);
      expect(batcher.standing()).toEqual({ bytes: 20, sha256: await sha256Hex('stood flying waiting') });
    },
  );

  test('an idle run is written again when a renewal finds it gone', async () => {
    const { batcher, restored } = setUp({ text: 'stood' });
    await batcher.restore();
    expect(restored).toEqual([{ text: 'stood', newLogId: 'log1' }]);
    expect(batcher.verdict).toBeNull();
  });

  test('a renewal that was asked before the run was written again says nothing new', async () => {
    const clock = createFastClock(100);
    const { batcher, restored } = setUp({ clock });
    await batcher.restore();
    await clock.sleep(10);
    await batcher.restore(99);
    expect(restored).toHaveLength(1);
    await batcher.restore(105);
    expect(restored).toHaveLength(2);
  });

  test('another run in the way is waited for, but not for ever', async () => {
    const patient = setUp();
    patient.restores.push({ outcome: 'busy' }, { outcome: 'busy' });
    await patient.batcher.restore();
    expect(patient.restored.map(({ newLogId }) => newLogId)).toEqual(['log1', 'log1', 'log1']);
    expect(patient.batcher.verdict).toBeNull();

    const blocked = setUp({ restore: async () => ({ outcome: 'busy' }) });
    await blocked.batcher.restore();
    expect(blocked.verdicts).toEqual(['fenced']);
  });

  test('a higher epoch ends it', async () => {
    const { batcher, restores, verdicts, answer } = setUp();
    restores.push({ outcome: 'fenced' });
    void batcher.push('a');
    await answer({ outcome: 'gone' });
    expect(verdicts).toEqual(['fenced']);
  });
});
