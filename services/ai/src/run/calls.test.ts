import { createMemoryRunLog, type MemoryRunLog, type RunRef } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { newId, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { Delta, ModelRequest } from '../models/provider.ts';
import { unknownModel } from '../models/unknown.ts';
import type { Call, Tool, Toolbox } from '../tools/toolbox.ts';
import { generate } from './generate.ts';
import type { ActiveRun, RunJob, RunResult } from './run-job.ts';

const tool = (name: string, change: Partial<Tool> = {}): Tool => ({
  ...{ server: 's', name, policy: 'never', repeatable: false, check: () => null },
  spec: { name: `s__${name}`, description: '', parameters: {} },
  ...change,
});
const calls = (...inputs: [name: string, input: string][]): Delta[] =>
  inputs.map(([name, input], i) => ({ call: { key: `${i}`, id: `call-${i}`, name, input } }));

/** A run of a model that says these steps, and tools that count. */
const world = async (steps: Delta[][], tools: Tool[], meanwhile: (call: Call) => Promise<void> = async () => undefined) => {
  const runLog: MemoryRunLog = createMemoryRunLog();
  const ref: RunRef = { conversationId: newId(), runId: newId() };
  await runLog.beginRun({ ...ref, userId: 'ann', model: 'm', title: '', message: { messageId: newId(), text: 'hi' } });
  const made: Call[] = [];
  const permits: { permit: Promise<boolean> }[] = [];
  const asked: ModelRequest[] = [];
  const toolbox: Toolbox = {
    list: async () => tools,
    call: async (call) => {
      const permit = call.permit!();
      permits.push({ permit });
      if (!(await permit)) return { ok: false, code: 'cancelled', message: '' };
      made.push(call);
      const n = made.length;
      const stopped = new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
      await Promise.race([meanwhile(call), stopped]);
      return { ok: true, output: `result ${n}`, sources: [] };
    },
    close: async () => undefined,
  };
  const stream = async function* (request: ModelRequest): AsyncGenerator<Delta> {
    asked.push(request);
    yield* steps[asked.length - 1] ?? [{ text: 'over' }];
  };
  const begin = async (change: Partial<RunJob> = {}): Promise<ActiveRun> => {
    const claim = await runLog.claimRun({ ...ref, owner: `pod-${newId()}`, leaseMs: 10_000, models: { m: true } });
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    const bare = unknownModel();
    const model = { ...bare, info: { ...bare.info, tools: true }, model: 'm', system: null, provider: { canContinue: true, stream } };
    const giveUp = new AbortController().signal;
    return generate({ ref, claim, model, owner: 'pod', leaseMs: 10_000, runLog, giveUp, tools: toolbox, ...change });
  };
  const take = async (maxSteps?: number): Promise<RunResult> => (await begin(maxSteps === undefined ? {} : { maxSteps })).done;
  const parts = async (): Promise<readonly Part[]> => {
    const state = await runLog.readState(ref);
    if (state.kind !== 'snapshot') throw new Error(state.kind);
    return state.run?.parts ?? state.messages.at(-1)?.parts ?? [];
  };
  return { runLog, ref, made, asked, permits, begin, take, parts };
};

test('W-19 a call that nobody has to approve is made once, and its result goes to the model under the id of its call', async () => {
  const { take, made, asked, parts, ref } = await world(
    [[{ text: 'Let me see. ' }, ...calls(['s__clock', ''])], [{ text: 'Noon.' }]],
    [tool('clock')],
  );
  expect(await take()).toBe('complete');
  expect(made).toHaveLength(1);
  const [part] = await parts();
  expect(made[0]).toMatchObject({ attempt: 1, key: `${ref.runId}:${part!.partId}`, input: {} });
  expect(part).toMatchObject({ kind: 'tool', state: 'done', at: 12, input: '{}', output: 'result 1', attempt: 1 });
  expect(asked[1]!.messages.slice(-2)).toMatchObject([
    { turn: { tool_calls: [{ id: 'call-0', function: { name: 's__clock', arguments: '{}' } }] } },
    { turn: { role: 'tool', content: 'result 1', tool_call_id: 'call-0' } },
  ]);
});

test('a call that is traced tells its server the span, and the span how it went', async () => {
  const { begin, made } = await world([calls(['s__clock', '']), [{ text: 'over' }]], [tool('clock')]);
  const told: unknown[] = [];
  const calling = ({ name, attempt }: Part) => ({
    trace: 'of the call',
    end: (code: string | null) => void told.push([name, attempt, code]),
  });
  expect(await (await begin({ observe: { calling } })).done).toBe('complete');
  expect([made[0]?.trace, told]).toEqual(['of the call', [['clock', 1, null]]]);
});

test('W-17 W-19 a call that a person approves is made after it, once, by whoever takes the run then', async () => {
  const { runLog, ref, take, made, parts } = await world([calls(['s__send', '{"a":1}'])], [tool('send', { policy: 'ask' })]);
  expect(await take()).toBe('parked');
  expect(made).toHaveLength(0);
  const [expected] = await parts();
  expect(expected).toMatchObject({ state: 'waiting', input: '{"a":1}' });
  await expect(take()).rejects.toThrow('owned');
  const part: Part = { ...expected!, state: 'approved' };
  expect(await runLog.decidePart({ ...ref, userId: 'ann', decision: 'approve', expected: expected!, part })).toMatchObject({
    outcome: 'decided',
  });
  expect(await take()).toBe('complete');
  expect(made).toMatchObject([{ attempt: 1, input: { a: 1 } }]);
});

test('W-19 a call whose pod died in it is not made again unless its tool says that repeating is harmless', async () => {
  for (const repeatable of [false, true]) {
    const { runLog, ref, take, made, parts } = await world([], [tool('send', { repeatable })]);
    const claim = await runLog.claimRun({ ...ref, owner: 'dead', leaseMs: 0, models: { m: true } });
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    const part: Part = { partId: 'p', index: 0, at: 0, kind: 'tool', state: 'running', name: 'send', server: 's', attempt: 1, step: 0 };
    await runLog.putPart({ ...ref, epoch: claim.epoch, part, from: null });
    expect(await take()).toBe(repeatable ? 'complete' : 'parked');
    expect(made.map(({ attempt }) => attempt)).toEqual(repeatable ? [2] : []);
    expect((await parts())[0]).toMatchObject(repeatable ? { state: 'done', attempt: 2 } : { state: 'unknown' });
  }
});

test('W-19 a call whose arguments were still coming when its pod died is closed, and what the model says again is a part of its own', async () => {
  const { runLog, ref, take, made, asked, parts } = await world([calls(['s__clock', '{}'])], [tool('clock')]);
  const claim = await runLog.claimRun({ ...ref, owner: 'dead', leaseMs: 0, models: { m: true } });
  if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
  const part: Part = { partId: 'p', index: 0, at: 0, kind: 'tool', state: 'input', name: 'clock', server: 's', step: 0 };
  await runLog.putPart({ ...ref, epoch: claim.epoch, part, from: null });
  expect(await take()).toBe('complete');
  expect(made).toHaveLength(1);
  expect(asked[0]!.messages.some(({ turn }) => turn?.tool_calls)).toBe(false);
  expect((await parts()).map(({ state, error, step }) => [error?.code ?? state, step])).toEqual([
    ['interrupted', 0],
    ['done', 0],
  ]);
});

test('W-19 an output that a dead pod had brought stands once; another of the next attempt stands behind it', async () => {
  for (const [held, whole] of [
    ['result 1', 'result 1'],
    ['resu', 'result 1'],
    ['other', 'other\nresult 1'],
  ] as const) {
    const { runLog, ref, take, parts } = await world([], [tool('look', { repeatable: true })]);
    const claim = await runLog.claimRun({ ...ref, owner: 'dead', leaseMs: 0, models: { m: true } });
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    const run = { ...ref, epoch: claim.epoch };
    const part: Part = { partId: 'p', index: 0, at: 0, kind: 'tool', state: 'running', name: 'look', server: 's', attempt: 1, step: 0 };
    await runLog.putPart({ ...run, part, from: null });
    await runLog.appendPartChunk({ ...run, partId: 'p', field: 'output', at: 0, text: held, t: 1 });
    expect(await take()).toBe('complete');
    expect((await parts())[0]).toMatchObject({ state: 'done', attempt: 2, output: whole });
  }
});

test('several calls of one step are made side by side; unknown tools and bad arguments are told, and nothing is called for them', async () => {
  const wrong = calls(['s__clock', '{}'], ['s__none', '{}'], ['s__clock', '{"a"'], ['s__clock', '{"b":2}']);
  const { take, made, parts } = await world([wrong], [tool('clock')]);
  expect(await take()).toBe('complete');
  expect(made).toHaveLength(2);
  const codes = (await parts()).map(({ state, error }) => error?.code ?? state);
  expect(codes).toEqual(['done', 'unknown-tool', 'bad-input', 'done']);
});

test('calls of the last step are not made, and the answer says that it stopped to call tools', async () => {
  const { take, made, parts, asked } = await world([calls(['s__clock', '']), calls(['s__clock', ''])], [tool('clock')]);
  expect(await take(2)).toBe('complete');
  expect(made).toHaveLength(1);
  expect(asked).toHaveLength(2);
  expect((await parts()).map(({ error }) => error?.code)).toEqual([undefined, 'step-limit']);
});

test('W-17 a question waits for its answer, which the model gets as the result', async () => {
  const { runLog, ref, take, parts, asked } = await world(
    [calls(['ask_person', '{"question":"Which?","choices":["a","b"]}'])],
    [tool('clock')],
  );
  expect(await take()).toBe('parked');
  const [expected] = await parts();
  expect(expected).toMatchObject({ kind: 'question', state: 'waiting', text: 'Which?', choices: ['a', 'b'] });
  const part: Part = { ...expected!, state: 'answered', answer: 'b' };
  await runLog.decidePart({ ...ref, userId: 'ann', decision: 'answer', expected: expected!, part });
  expect(await take()).toBe('complete');
  expect(asked[1]!.messages.at(-1)).toMatchObject({ turn: { role: 'tool', content: 'b' } });
});

test('W-17 what a run has cost before it waited is in its end, and waiting costs nothing', async () => {
  const said: Delta[][] = [
    [...calls(['s__send', '{}']), { usage: { promptTokens: 10, completionTokens: 3 } }],
    [{ text: 'over' }, { usage: { promptTokens: 20, completionTokens: 4 } }],
  ];
  const { runLog, ref, take, parts } = await world(said, [tool('send', { policy: 'ask' })]);
  expect(await take()).toBe('parked');
  const [expected] = await parts();
  await runLog.decidePart({ ...ref, userId: 'ann', decision: 'deny', expected: expected!, part: { ...expected!, state: 'denied' } });
  expect(await take()).toBe('complete');
  const state = await runLog.readState({ conversationId: ref.conversationId, cursor: { logId: await logIdOf(runLog, ref), offset: 0 } });
  const end = state.kind === 'tail' ? state.entries.map(({ json }) => JSON.parse(json) as { type: string; usage?: object }).at(-1) : null;
  expect(end).toMatchObject({ type: 'run-ended', usage: { promptTokens: 30, completionTokens: 7 } });
});

const logIdOf = async (runLog: MemoryRunLog, { conversationId }: RunRef): Promise<string> => {
  const state = await runLog.readState({ conversationId });
  if (state.kind !== 'snapshot') throw new Error(state.kind);
  return state.logId!;
};

test('W-17 W-19 a call that is approved while others of its step run begins at once, and is not waited for', async () => {
  const hold = Promise.withResolvers<void>();
  const { runLog, ref, made, parts, ...rest } = await world(
    [calls(['s__slow', '{}'], ['s__send', '{}'])],
    [tool('slow'), tool('send', { policy: 'ask' })],
    async ({ tool: { name } }) => (name === 'slow' ? hold.promise : Promise.resolve()),
  );
  const active = await rest.begin();
  await waitFor(() => made.length === 1);
  const waiting = await waitFor(async () => (await parts()).find(({ name, state }) => name === 'send' && state === 'waiting'));
  const part: Part = { ...waiting, state: 'approved' };
  expect(await runLog.decidePart({ ...ref, userId: 'ann', decision: 'approve', expected: waiting, part })).toMatchObject({
    outcome: 'decided',
  });
  active.decided();
  await waitFor(() => made.length === 2);
  hold.resolve();
  expect(await active.done).toBe('complete');
  expect(made.map(({ tool: { name }, attempt }) => [name, attempt])).toEqual([
    ['slow', 1],
    ['send', 1],
  ]);
});

test('W-20 a cancel ends a run in each state: its calls are closed as what they were', async () => {
  for (const policy of ['never', 'ask'] as const) {
    const { runLog, ref, made, parts, ...rest } = await world(
      [calls(['s__slow', '{}'])],
      [tool('slow', { policy })],
      async () => new Promise<void>(() => undefined),
    );
    const active = await rest.begin();
    if (policy === 'never') await waitFor(() => made.length === 1);
    else expect(await active.done).toBe('parked');
    expect(await runLog.cancelRun({ ...ref, userId: 'ann' })).toMatchObject({ outcome: 'cancelling' });
    active.stop('cancel');
    if (policy === 'ask') expect(await (await rest.begin()).done).toBe('cancelled');
    else expect(await active.done).toBe('cancelled');
    expect((await parts()).map(({ state, error }) => error?.code ?? state)).toEqual([policy === 'never' ? 'unknown' : 'cancelled']);
  }
});

test('W-19 a call is not sent while the pod cannot be sure of its lease', async () => {
  let leaseUntil = 0;
  const { made, ...rest } = await world([calls(['s__clock', '{}'])], [tool('clock')]);
  const active = await rest.begin({ leaseUntil: () => leaseUntil });
  const { permit: asked } = await waitFor(() => rest.permits[0]);
  let isPermitted = false;
  void asked.then(() => (isPermitted = true));
  await new Promise(setImmediate);
  expect([made.length, isPermitted]).toEqual([0, false]);
  leaseUntil = Number.POSITIVE_INFINITY;
  expect(await active.done).toBe('complete');
  expect([made.length, await asked]).toEqual([1, true]);
});

test('signed thoughts of a step go back with its results to the owner that heard them, and to no other', async () => {
  const thought = { type: 'thinking', thinking: 'hm', signature: 's' };
  const steps: Delta[][] = [
    [{ reasoning: 'hm' }, { signed: thought }, ...calls(['s__a', '{}'])],
    [...calls(['s__a', '{}'])],
    [{ text: 'Done.' }],
  ];
  const signedIn = ({ messages }: ModelRequest) => messages.filter(({ turn }) => turn?.tool_calls).map(({ signed }) => signed);
  const one = await world(steps, [tool('a')]);
  expect(await one.take()).toBe('complete');
  expect(one.asked.map(signedIn)).toEqual([[], [[thought]], [[thought], []]]);
  expect(JSON.stringify(await one.parts())).not.toContain('signature');

  const other = await world(steps, [tool('a', { repeatable: true })], async () => first.stop('release'));
  const first: ActiveRun = await other.begin();
  await first.done;
  expect(await other.take()).toBe('complete');
  expect(signedIn(other.asked.at(-1)!)[0]).toBeUndefined();
});

test('W-19 the database is told of a call that a person approved before it is made, and of no other', async () => {
  const { runLog, ref, made, parts, ...rest } = await world(
    [calls(['s__clock', '{}'], ['s__send', '{}'], ['s__safe', '{}'])],
    [tool('clock'), tool('send', { policy: 'ask' }), tool('safe', { policy: 'ask', repeatable: true })],
  );
  const told: [name: string | undefined, state: string, made: number][] = [];
  const tellCall = async ({ part, userId }: { part: Part; userId: string }) => {
    expect([userId, part.input, (await parts())[part.index]!.state]).toEqual(['ann', '{}', 'running']);
    told.push([part.name, part.state, made.filter(({ tool: { name } }) => name === 'send').length]);
    return 'has' as const;
  };
  expect(await (await rest.begin({ tellCall })).done).toBe('parked');
  for (const expected of (await parts()).filter(({ state }) => state === 'waiting')) {
    const part: Part = { ...expected, state: 'approved', approval: { policy: 'ask', decision: 'approved' } };
    await runLog.decidePart({ ...ref, userId: 'ann', decision: 'approve', expected, part });
  }
  expect(await (await rest.begin({ tellCall })).done).toBe('complete');
  expect(told).toEqual([['send', 'running', 0]]);
  expect(made).toHaveLength(3);
});
