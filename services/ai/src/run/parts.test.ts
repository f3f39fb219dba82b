import { createMemoryRunLog, type RunRef } from '@runnel/coordination';
import { newId, RunnelError, sumOf, type LogEvent } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { Delta } from '../models/provider.ts';
import { unknownModel } from '../models/unknown.ts';
import { systemClock, type Clock } from '../runs/clock.ts';
import { generate } from './generate.ts';
import type { RunJob } from './run-job.ts';

/** No time passes: on a busy machine the model would lose its turn between two words, and these would be two events. */
const still: Clock = { ...systemClock, now: () => 0 };

/** One run of a model that says these deltas, on a memory log; its events, in order. */
const runOf = async (deltas: readonly (Delta | Error)[], change: Partial<RunJob> = {}) => {
  const runLog = createMemoryRunLog();
  const ref: RunRef = { conversationId: newId(), runId: newId() };
  await runLog.beginRun({ ...ref, userId: 'ann', model: 'm', title: '', message: { messageId: newId(), text: 'hi' } });
  const claim = await runLog.claimRun({ ...ref, owner: 'pod', leaseMs: 10_000, models: { m: true } });
  if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
  const stream = async function* (): AsyncGenerator<Delta> {
    for (const delta of deltas) {
      if (delta instanceof Error) throw delta;
      yield delta;
    }
  };
  const model = { ...unknownModel(), model: 'm', system: null, provider: { canContinue: true, stream } };
  const active = generate({
    ref,
    claim,
    model,
    owner: 'pod',
    leaseMs: 10_000,
    runLog,
    clock: still,
    giveUp: new AbortController().signal,
    ...change,
  });
  const result = await active.done;
  const state = await runLog.readState({ ...ref });
  if (state.kind !== 'snapshot') throw new Error(state.kind);
  const tail = await runLog.readState({ ...ref, cursor: { logId: state.logId, offset: 0 } });
  const events = tail.kind === 'tail' ? tail.entries.map(({ json }) => JSON.parse(json) as LogEvent) : [];
  return { result, message: state.messages.at(-1)!, events, runLog, ref, state };
};

test('W-16 what a model thinks is a part of its own, before the text it comes before, and closed where the text begins', async () => {
  const { message, events, result } = await runOf([
    { reasoning: 'hm' },
    { reasoning: ', well' },
    { text: 'Yes.' },
    { reasoning: 'more?' },
    { text: ' No.' },
  ]);
  expect(result).toBe('complete');
  expect(message.text).toBe('Yes. No.');
  expect(message.parts).toMatchObject([
    { index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'hm, well', bytes: 8 },
    { index: 1, at: 4, kind: 'reasoning', state: 'done', text: 'more?' },
  ]);
  const types = events.map(({ type }) => type).filter((type) => !['message', 'title', 'run-started'].includes(type));
  expect(types).toEqual(['part', 'part-chunk', 'part', 'chunk', 'part', 'part-chunk', 'part', 'chunk', 'run-ended']);
  expect(events.at(-1)).toMatchObject({ parts: sumOf(message.parts!) });
});

test('W-16 what a model thinks comes word by word where time passes between them, and is the same part', async () => {
  let ms = 0;
  // Each look at the clock is a second later, so each word is written before the next is read.
  const { message, events } = await runOf([{ reasoning: 'hm' }, { reasoning: ', well' }], {
    clock: { ...systemClock, now: () => (ms += 1_000) },
  });
  expect(events.filter(({ type }) => type === 'part-chunk')).toMatchObject([{ text: 'hm' }, { text: ', well' }]);
  expect(message.parts).toMatchObject([{ kind: 'reasoning', state: 'done', text: 'hm, well', bytes: 8 }]);
});

test('W-16 a text that comes in halves of characters is the same text, and so is a thought', async () => {
  const { message } = await runOf([{ reasoning: '\ud83d' }, { reasoning: '\ude42' }, { text: '\ud83d' }, { text: '\ude42' }]);
  expect(message.text).toBe('🙂');
  expect(message.parts?.[0]?.text).toBe('🙂');
});

test('W-16 a model that breaks in its thought leaves it closed; a thought alone is no failure, nothing at all is one', async () => {
  const broken = await runOf([{ reasoning: 'hm' }, new RunnelError('model-failed')]);
  expect(broken.result).toBe('failed');
  expect(broken.message.parts).toMatchObject([{ state: 'done', text: 'hm' }]);
  expect((await runOf([{ reasoning: 'hm' }])).result).toBe('complete');
  expect((await runOf([])).result).toBe('failed');
});

test('S-5 what a model thinks is bounded as what it says', async () => {
  const { message } = await runOf([{ reasoning: 'x'.repeat(5_000) }, { reasoning: 'y'.repeat(5_000) }, { text: 'a' }], {
    maxAnswerBytes: 6_000,
  });
  expect(message.parts?.[0]?.bytes).toBe(6_000);
  expect(message.text).toBe('a');
});

test('a plain answer has no parts, and its events say nothing of them', async () => {
  const { message, events } = await runOf([{ text: 'a' }]);
  expect(message).not.toHaveProperty('parts');
  expect(events.at(-1)).not.toHaveProperty('parts');
});
