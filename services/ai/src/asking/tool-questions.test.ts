import { createMemoryRunLog, type MemoryRunLog, type RunRef } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { newId, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { Delta } from '../models/provider.ts';
import { unknownModel } from '../models/unknown.ts';
import { generate } from '../run/generate.ts';
import type { ActiveRun, RunJob } from '../run/run-job.ts';
import type { Call, CallResult, Tool, Toolbox } from '../tools/toolbox.ts';
import { readForm, type FormAnswer } from './forms.ts';

const form = readForm('f', {
  message: 'Who?',
  requestedSchema: { type: 'object', properties: { who: { type: 'string' } }, required: ['who'] },
})!;
const asks = (state?: string): CallResult => ({ ok: 'asks', forms: [form], ...(state !== undefined && { state }) });
const done: CallResult = { ok: true, output: 'done', sources: [] };

/** A run whose model calls one tool, which does this at its calls in turn. */
const world = async (
  does: ((call: Call) => Promise<CallResult>)[],
  { repeatable = false, request }: { repeatable?: boolean; request?: string } = {},
) => {
  const runLog: MemoryRunLog = createMemoryRunLog();
  const ref: RunRef = { conversationId: newId(), runId: newId() };
  await runLog.beginRun({
    ...{ ...ref, userId: 'ann', model: 'm', title: '', message: { messageId: newId(), text: 'hi' } },
    ...(request !== undefined && { request }),
  });
  const tool: Tool = {
    ...{ server: 's', name: 'act', title: 'Acts', policy: 'never', repeatable, check: () => null },
    spec: { name: 's__act', description: '', parameters: {} },
  };
  const made: Call[] = [];
  const tools: Toolbox = {
    list: async () => [tool],
    call: async (call) => {
      made.push(call);
      return does[made.length - 1]!(call);
    },
    close: async () => undefined,
  };
  let steps = 0;
  const stream = async function* (): AsyncGenerator<Delta> {
    yield steps++ === 0 ? { call: { key: '0', id: 'c', name: 's__act', input: '{}' } } : { text: 'over' };
  };
  const begin = async (change: Partial<RunJob> = {}): Promise<ActiveRun> => {
    const claim = await runLog.claimRun({ ...ref, owner: `pod-${newId()}`, leaseMs: 10_000, models: { m: true } });
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    const bare = unknownModel();
    const model = { ...bare, info: { ...bare.info, tools: true }, model: 'm', system: null, provider: { canContinue: true, stream } };
    return generate({ ref, claim, model, owner: 'pod', leaseMs: 10_000, runLog, giveUp: new AbortController().signal, tools, ...change });
  };
  const parts = async (): Promise<readonly Part[]> => {
    const state = await runLog.readState(ref);
    if (state.kind !== 'snapshot') throw new Error(state.kind);
    return state.run?.parts ?? state.messages.at(-1)?.parts ?? [];
  };
  const question = (): Promise<Part> =>
    waitFor(async () => (await parts()).findLast(({ kind, state }) => kind === 'question' && state === 'waiting'));
  const answer = async (text: string | null): Promise<void> => {
    const expected = await question();
    const part: Part = { ...expected, ...(text === null ? { state: 'dismissed' } : { state: 'answered', answer: text }) };
    const decision = text === null ? ('skip' as const) : ('answer' as const);
    expect(await runLog.decidePart({ ...ref, userId: 'ann', decision, expected, part })).toMatchObject({ outcome: 'decided' });
  };
  return { runLog, ref, made, parts, begin, question, answer };
};

test('W-17 W-19 a call that ended with a question goes on with the answer, as another attempt with the server’s own state', async () => {
  const { begin, answer, made, parts } = await world([async () => asks('state-1'), async () => done]);
  expect(await (await begin()).done).toBe('parked');
  expect(await parts()).toMatchObject([
    { kind: 'tool', state: 'running', attempt: 1, asks: { forms: ['f'], rounds: 1, state: 'state-1' } },
    { kind: 'question', state: 'waiting', text: 'Who?', server: 's', title: 'Acts' },
  ]);
  await answer('ann');
  expect(await (await begin()).done).toBe('complete');
  expect(made.map(({ attempt, said }) => [attempt, said])).toEqual([
    [1, undefined],
    [2, { responses: { f: { action: 'accept', content: { who: 'ann' } } }, state: 'state-1' }],
  ]);
  expect(made[0]!.key).toBe(made[1]!.key);
  expect((await parts()).map(({ state }) => state)).toEqual(['done', 'answered']);
});

test('W-19 who dies after the answer went out leaves the call unknown, and one that asks on and on has an end', async () => {
  const hung = await world([async () => asks(), () => new Promise(() => undefined)]);
  await (
    await hung.begin()
  ).done;
  await hung.answer('ann');
  await hung.begin();
  await waitFor(() => hung.made.length === 2);
  expect((await hung.parts())[0]).not.toHaveProperty('asks');
  await hung.runLog.releaseRun({ ...hung.ref, epoch: 2 });
  expect(await (await hung.begin()).done).toBe('parked');
  expect((await hung.parts())[0]).toMatchObject({ state: 'unknown', attempt: 2 });
  expect(hung.made).toHaveLength(2);

  const endless = await world(Array.from({ length: 20 }, () => async () => asks()));
  for (let n = 0; n < 8; n++) {
    expect(await (await endless.begin()).done).toBe('parked');
    await endless.answer('ann');
  }
  expect(await (await endless.begin()).done).toBe('complete');
  expect((await endless.parts())[0]).toMatchObject({ state: 'failed', error: { code: 'tool-error' } });
});

test('W-20 a cancel while a tool’s question waits: the question is dismissed, the call is unknown', async () => {
  const { begin, runLog, ref, parts } = await world([async () => asks()]);
  await (
    await begin()
  ).done;
  await runLog.cancelRun({ ...ref, userId: 'ann' });
  expect(await (await begin()).done).toBe('cancelled');
  expect((await parts()).map(({ state }) => state)).toEqual(['unknown', 'dismissed']);
});

test('in a request of an API nobody is asked: the tool is told so at once', async () => {
  const { begin, made, parts } = await world([async () => asks(), async () => done], { request: '{}' });
  expect(await (await begin()).done).toBe('complete');
  expect(made.map(({ said, ask }) => [said, ask])).toEqual([
    [undefined, undefined],
    [{ responses: { f: { action: 'cancel' } } }, undefined],
  ]);
  expect((await parts()).map(({ kind, state }) => [kind, state])).toEqual([['tool', 'done']]);
});

/** A server with sessions: it asks while its call is open. */
const asksNow =
  (heard: FormAnswer[]) =>
  async ({ ask }: Call): Promise<CallResult> => {
    heard.push(await ask!({ ...form, key: '' }));
    return done;
  };

test('W-17 a question in an open call is answered into it; what does not fit is asked again', async () => {
  const heard: FormAnswer[] = [];
  const { begin, answer, question, made } = await world([asksNow(heard)]);
  const active = await begin();
  await question();
  await answer('ann');
  active.decided();
  expect(await active.done).toBe('complete');
  expect([heard, made.length]).toEqual([[{ action: 'accept', content: { who: 'ann' } }], 1]);
});

test('a drain ends the question of an open call: its tool is told that nobody answered, and its result counts', async () => {
  const heard: FormAnswer[] = [];
  const { begin, question, parts } = await world([asksNow(heard)]);
  const active = await begin();
  await question();
  active.stop('release');
  expect(await active.done).toBe('released');
  expect(heard).toEqual([{ action: 'cancel' }]);
  expect((await parts()).map(({ state }) => state)).toEqual(['done', 'dismissed']);
});

test('W-17 who takes over from a pod that died in an open call dismisses its question, for nobody hears the answer', async () => {
  const { begin, question, parts, runLog, ref } = await world([asksNow([])]);
  await begin();
  await question();
  await runLog.releaseRun({ ...ref, epoch: 1 });
  expect(await (await begin()).done).toBe('parked');
  expect((await parts()).map(({ state }) => state)).toEqual(['unknown', 'dismissed']);
});
