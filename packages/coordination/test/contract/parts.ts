import { applyEvent, closePart, contentOf, fromSnapshot, newId, sumOf, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/parts.ts';
import {
  append,
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  listedFirst,
  listOf,
  MODELS,
  restoreOf,
  snapshotOf,
  startListed,
  startRun,
  USER,
  type Current,
  type Started,
} from './world.ts';

const thought = (change: Partial<Part> = {}): Part => ({
  partId: 'p0',
  index: 0,
  at: 0,
  kind: 'reasoning',
  state: 'open',
  text: '',
  ...change,
});
const call = (change: Partial<Part> = {}): Part => ({
  ...{ partId: 'p0', index: 0, at: 0, kind: 'tool', state: 'input', name: 'count', server: 'demo', input: '' },
  ...change,
});
const put = ({ log }: ReturnType<Current>, run: Started, part: Part, from: Part['state'] | null, step?: number) =>
  log.putPart({ ...run, part, from, ...(step !== undefined && { step }) });
const say = ({ log }: ReturnType<Current>, run: Started, part: Part, field: 'text' | 'input' | 'output', at: number, text: string) =>
  log.appendPartChunk({ ...run, partId: part.partId, field, at, text, t: 5 });

/** A call that waits for a person, and the run that nobody holds. */
const parked = async (current: Current, started?: Started): Promise<{ run: Started; part: Part }> => {
  const opened = current();
  const run = started ?? (await startRun(opened.log));
  await append(opened.log, run, 0, 'abc');
  await put(opened, run, call(), null);
  await say(opened, run, call(), 'input', 0, '{"n":1}');
  const part = call({ state: 'waiting', input: '{"n":1}', approval: { policy: 'ask' } });
  await put(opened, run, part, 'input');
  expect(await opened.log.parkRun({ ...run, partIds: ['p0'], bytes: 3 })).toMatchObject({ outcome: 'parked' });
  return { run, part };
};
const decide = (run: Started, expected: Part, part: Part, userId = USER) => {
  return { ...run, userId, decision: 'approve' as const, expected, part };
};

/** The parts of a running answer. */
export const partsContract = (current: Current): void => {
  test('W-17 what a run had cost when it began to wait goes on with it', async () => {
    const { log } = current();
    const { run, part } = await parked(current);
    const approved: Part = { ...part, state: 'approved' };
    expect(await log.decidePart(decide(run, part, approved))).toMatchObject({ outcome: 'decided' });
    const usage = { promptTokens: 5, completionTokens: 2, estimated: true };
    const claim = { conversationId: run.conversationId, runId: run.runId, owner: 'next', leaseMs: 5_000, models: MODELS };
    const first = await log.claimRun(claim);
    expect(first).toMatchObject({ outcome: 'claimed' });
    expect(first).not.toHaveProperty('used');
    const { epoch } = first as { epoch: number };
    const again = { ...run, epoch };
    await log.putPart({ ...again, part: { ...approved, state: 'unknown' }, from: 'approved' });
    expect(await log.parkRun({ ...again, partIds: ['p0'], bytes: 3, usage })).toMatchObject({ outcome: 'parked' });
    const unknown: Part = { ...approved, state: 'unknown' };
    await log.decidePart({ ...decide(run, unknown, approved), decision: 'retry' });
    expect(await log.claimRun(claim)).toMatchObject({ outcome: 'claimed', used: { usage, bytes: 3 } });
  });

  test('W-17 the list says which conversations wait for a person, in front of others, until one has decided or cancelled', async () => {
    const opened = current();
    const userId = newId();
    const [run, running] = [await startListed(opened.log, userId), await startListed(opened.log, userId)];
    const first = await parked(current, run);
    await listedFirst(opened.log, userId, run.conversationId);
    const second = await parked(current, await startListed(opened.log, userId));
    const waiting = async (): Promise<string[]> => {
      const { conversations } = await opened.log.listConversations({ userId, limit: 50 });
      return conversations.flatMap((each) => (each.waiting ? [each.conversationId] : []));
    };
    await expect.poll(waiting).toEqual([second.run.conversationId, run.conversationId]);
    expect((await listOf(opened.log, userId, 3)).at(-1)).toBe(running.conversationId);
    const approved: Part = { ...first.part, state: 'approved', approval: { policy: 'ask', decision: 'approved', by: userId, at: 7 } };
    expect(await opened.log.decidePart(decide(first.run, first.part, approved, userId))).toMatchObject({ outcome: 'decided' });
    expect(await waiting()).toEqual([second.run.conversationId]);
    expect(await opened.log.cancelRun({ ...second.run, userId })).toMatchObject({ outcome: 'cancelling' });
    expect(await waiting()).toEqual([]);
  });

  test('L-1 L-2 a part and its content come in order, are refused out of place, and stand when repeated', async () => {
    const opened = current();
    const run = await startRun(opened.log);
    expect(await put(opened, run, thought(), null)).toMatchObject({ outcome: 'put' });
    expect(await put(opened, run, thought(), null)).toEqual({ outcome: 'duplicate' });
    expect(await put(opened, run, thought({ partId: 'p9', index: 2 }), null)).toEqual({ outcome: 'gap' });
    expect(await say(opened, run, thought(), 'text', 0, 'nghĩ')).toMatchObject({ outcome: 'appended' });
    expect(await say(opened, run, thought(), 'text', 0, 'nghĩ')).toEqual({ outcome: 'duplicate' });
    expect(await say(opened, run, thought(), 'text', 9, 'x')).toEqual({ outcome: 'gap', bytes: 5 });
    expect(await say(opened, run, thought({ partId: 'nobody' }), 'text', 0, 'x')).toEqual({ outcome: 'gone' });
    expect(await put(opened, run, thought({ state: 'done' }), 'open')).toEqual({ outcome: 'gap' });
    const done = thought({ state: 'done', text: 'nghĩ', endedAt: 9 });
    expect(await put(opened, run, done, 'open')).toMatchObject({ outcome: 'put' });
    // W-16: a part never changes after a final state.
    expect(await put(opened, run, { ...done, state: 'open' }, 'done')).toEqual({ outcome: 'changed' });
    const events = await eventsOf(opened.log, run.conversationId);
    expect(events.map(({ type }) => type).slice(-3)).toEqual(['part', 'part-chunk', 'part']);
    expect(events.at(-1)).toMatchObject({ part: { bytes: 5, sha256: digestOf('nghĩ') } });
    expect(events.at(-1)).not.toHaveProperty('part.text');
    expect((await snapshotOf(opened.log, run.conversationId)).run?.parts).toMatchObject([{ state: 'done', text: 'nghĩ' }]);
  });

  test('L-1 who does not hold the epoch writes no part', async () => {
    const opened = current();
    const run = await startRun(opened.log, {}, { leaseMs: 0 });
    await put(opened, run, thought(), null);
    claimed(await opened.log.claimRun({ ...run, owner: 'pod-b', leaseMs: LEASE_MS, models: MODELS }));
    for (const outcome of [
      await put(opened, run, thought({ state: 'done' }), 'open'),
      await say(opened, run, thought(), 'text', 0, 'x'),
      await opened.log.parkRun({ ...run, partIds: ['p0'], bytes: 0 }),
    ])
      expect(outcome).toEqual({ outcome: 'fenced' });
  });

  test('W-16 nothing is added to a part in a final state', async () => {
    const [opened, run] = [current(), await startRun(current().log)];
    await put(opened, run, thought({ state: 'done' }), null);
    expect(await say(opened, run, thought(), 'text', 0, 'hm')).toEqual({ outcome: 'closed' });
    expect((await snapshotOf(opened.log, run.conversationId)).run!.parts![0]!.text ?? '').toBe('');
  });

  test('W-16 the end closes what is open, in the same step, and a reader of all events can prove it', async () => {
    const opened = current();
    const run = await startRun(opened.log);
    const before = fromSnapshot({
      type: 'snapshot',
      conversationId: run.conversationId,
      ...(await snapshotOf(opened.log, run.conversationId)),
    });
    await put(opened, run, thought(), null);
    await say(opened, run, thought(), 'text', 0, 'think');
    await append(opened.log, run, 0, 'abc');
    const tool = call({ partId: 'p1', index: 1, at: 3 });
    await put(opened, run, tool, null);
    await say(opened, run, tool, 'input', 0, '{"a":');
    const held = [thought({ text: 'think' }), { ...tool, input: '{"a":' }];
    const parts = held.map((part) => ({ from: part.state, part: closePart(part, 'interrupted', 7) }));
    expect(await opened.log.endRun(endOf(run, 'abc'))).toEqual({ outcome: 'changed' });
    expect(await opened.log.endRun(endOf(run, 'abc', { parts: parts.slice(0, 1) }))).toEqual({ outcome: 'changed' });
    const [first, second] = parts;
    const wrong = { ...first!, part: { ...first!.part, text: 'thin' } };
    expect(await opened.log.endRun(endOf(run, 'abc', { parts: [wrong, second!] }))).toEqual({ outcome: 'changed' });
    expect(await opened.log.endRun(endOf(run, 'abc', { parts }))).toMatchObject({ outcome: 'ended' });
    const events = (await eventsOf(opened.log, run.conversationId)).filter(({ offset }) => offset > before.offset);
    expect(events.map(({ type }) => type)).toEqual(['part', 'part-chunk', 'chunk', 'part', 'part-chunk', 'part', 'part', 'run-ended']);
    let state = before;
    for (const event of events) {
      const applied = applyEvent(state, event);
      if (applied.kind !== 'applied') throw new Error(applied.kind);
      state = applied.state;
    }
    const message = state.messages.at(-1)!;
    expect(message.parts?.map(contentOf)).toEqual(['think', '{"a":']);
    expect(sumOf(message.parts!)).toEqual(state.ended?.parts);
    expect(message.parts).toMatchObject([{ state: 'done' }, { state: 'failed', error: { code: 'interrupted' } }]);
    expect((await snapshotOf(opened.log, run.conversationId)).messages.at(-1)?.parts).toEqual(message.parts);
    expect(sumOf([])).toEqual({ count: 0, sha256: digestOf('') });
  });

  test('W-16 a long field of a finished message is cut and says so; the digest is of all of it', async () => {
    const opened = current();
    const run = await startRun(opened.log);
    const text = 'ế'.repeat(9_000);
    await put(opened, run, thought(), null);
    await say(opened, run, thought(), 'text', 0, text);
    const parts = [{ from: 'open' as const, part: thought({ state: 'done', text }) }];
    await opened.log.endRun(endOf(run, '', { parts }));
    const [part] = (await snapshotOf(opened.log, run.conversationId)).messages.at(-1)!.parts!;
    expect(part).toMatchObject({ truncated: true, bytes: 27_000, sha256: digestOf(text) });
    expect(Buffer.byteLength(part!.text!)).toBeLessThanOrEqual(16 * 1024);
    expect(text.startsWith(part!.text!)).toBe(true);
  });

  test('W-17 a parked run is nobody’s until it is decided; the first decision wins, and then anybody may take it', async () => {
    const opened = current();
    const { run, part } = await parked(current);
    const take = () => opened.log.claimRun({ ...run, owner: 'pod-b', leaseMs: LEASE_MS, models: MODELS });
    const isFree = async (): Promise<boolean> => (await opened.log.findFreeRuns(1_000)).some(({ runId }) => runId === run.runId);
    expect((await snapshotOf(opened.log, run.conversationId)).run).toMatchObject({ waiting: ['p0'], parts: [{ input: '{"n":1}' }] });
    expect(await take()).toMatchObject({ outcome: 'owned' });
    expect(await isFree()).toBe(false);
    const next = {
      ...part,
      state: 'approved' as const,
      approval: { policy: 'ask' as const, decision: 'approved' as const, by: USER, at: 1 },
    };
    expect(await opened.log.decidePart(decide(run, part, next, 'somebody else'))).toEqual({ outcome: 'forbidden' });
    expect(await opened.log.decidePart(decide(run, { ...part, name: 'other' }, next))).toEqual({ outcome: 'changed' });
    expect(await opened.log.decidePart(decide(run, part, next))).toMatchObject({ outcome: 'decided' });
    expect(await opened.log.decidePart(decide(run, part, next))).toEqual({ outcome: 'changed' });
    expect(await isFree()).toBe(true);
    const again = claimed(await take());
    expect(again.parts).toMatchObject([{ state: 'approved', input: '{"n":1}', approval: { by: USER } }]);
    expect(again.text).toBe('abc');
    const types = (await eventsOf(opened.log, run.conversationId)).slice(-3);
    expect(types).toMatchObject([
      { type: 'run-waiting', partIds: ['p0'] },
      { type: 'part' },
      { type: 'run-moved', restarted: false, bytes: 3 },
    ]);
  });

  test('W-17 a run is not parked for what is decided already, nor with another text', async () => {
    const opened = current();
    const run = await startRun(opened.log);
    await put(opened, run, call({ state: 'approved' }), null);
    expect(await opened.log.parkRun({ ...run, partIds: ['p0'], bytes: 0 })).toEqual({ outcome: 'changed' });
    expect(await opened.log.parkRun({ ...run, partIds: ['p7'], bytes: 0 })).toEqual({ outcome: 'gone' });
    expect(await opened.log.parkRun({ ...run, partIds: ['p0'], bytes: 4 })).toEqual({ outcome: 'gap', bytes: 0 });
  });

  test('W-20 a parked run can be cancelled: a gateway ends it, and nothing is decided afterwards', async () => {
    const opened = current();
    const { run, part } = await parked(current);
    expect(
      await opened.log.beginRun({
        ...run,
        userId: USER,
        runId: 'other',
        model: 'count',
        title: '',
        message: { messageId: 'm', text: 'x' },
      }),
    ).toEqual({
      outcome: 'busy',
      runId: run.runId,
    });
    expect(await opened.log.cancelRun({ ...run, userId: USER })).toEqual({ outcome: 'cancelling', owned: false });
    const next = { ...part, state: 'approved' as const };
    expect(await opened.log.decidePart(decide(run, part, next))).toEqual({ outcome: 'closed' });
    const parts = [{ from: part.state, part: closePart(part, 'cancelled', 1) }];
    expect(await opened.log.endRun(endOf(run, 'abc', { epoch: null, reason: 'cancelled', parts }))).toMatchObject({ outcome: 'ended' });
    expect(await opened.log.decidePart(decide(run, part, next))).toEqual({ outcome: 'closed' });
    expect((await snapshotOf(opened.log, run.conversationId)).messages.at(-1)).toMatchObject({
      status: 'cancelled',
      parts: [{ state: 'failed', error: { code: 'cancelled' } }],
    });
  });

  test('W-20 a cancelled run takes no part any more', async () => {
    const opened = current();
    const run = await startRun(opened.log);
    await put(opened, run, thought(), null);
    await opened.log.cancelRun({ ...run, userId: USER });
    expect(await put(opened, run, thought({ state: 'done' }), 'open')).toEqual({ outcome: 'cancelled' });
    expect(await put(opened, run, thought(), null)).toEqual({ outcome: 'duplicate' });
    expect(await say(opened, run, thought(), 'text', 0, 'x')).toEqual({ outcome: 'cancelled' });
  });

  test('a model that cannot continue begins again at the last end of a step, and not while calls are open', async () => {
    const opened = current();
    const run = await startRun(opened.log, { model: 'story' }, { leaseMs: 0 });
    await append(opened.log, run, 0, 'step one');
    await put(opened, run, call(), null);
    await put(opened, run, call({ state: 'running', attempt: 1 }), 'input');
    const take = async (leaseMs: number) => claimed(await opened.log.claimRun({ ...run, owner: 'pod-b', leaseMs, models: MODELS }));
    const second = await take(0);
    expect(second).toMatchObject({ text: 'step one', parts: [{ state: 'running' }] });
    const mine = { ...run, epoch: second.epoch };
    await put(opened, mine, call({ state: 'done', attempt: 1 }), 'running', 8);
    await append(opened.log, mine, 8, ' and half of two');
    expect((await take(LEASE_MS)).text).toBe('step one');
    expect((await eventsOf(opened.log, run.conversationId)).at(-1)).toMatchObject({ type: 'run-moved', bytes: 8, restarted: true });
  });

  test('L-6 a lost run is written again with its parts', async () => {
    const opened = current();
    const run = await startRun(opened.log);
    await put(opened, run, thought(), null);
    await opened.log.deleteConversation({ conversationId: run.conversationId, userId: USER, forget: true });
    const parts = [thought({ state: 'done', text: 'think' }), call({ partId: 'p1', index: 1, at: 1, state: 'waiting', input: '{}' })];
    // Deleted, it is closed to its owner: another name stands for a store that is empty.
    const lost = { ...run, conversationId: `${run.conversationId}-lost` };
    expect(await opened.log.restoreRun({ ...restoreOf(lost, 'abc'), parts, step: 1 })).toMatchObject({ outcome: 'restored' });
    const { run: restored } = await snapshotOf(opened.log, lost.conversationId);
    expect(restored?.parts).toMatchObject([
      { state: 'done', text: 'think' },
      { state: 'waiting', input: '{}' },
    ]);
    expect(await put(opened, lost, { ...parts[1]!, state: 'approved' }, 'waiting')).toMatchObject({ outcome: 'put' });
  });
};
