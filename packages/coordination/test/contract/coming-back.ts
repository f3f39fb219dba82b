import { closePart, newId, type Message, type Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Rehydrate, WorkHint } from '../../src/run-log/run-log.ts';
import {
  append,
  claimed,
  claimedSoon,
  collect,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  restoreOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

const USED = { usage: { promptTokens: 5, completionTokens: 2 }, bytes: 6 };
const thought: Part = { partId: 'p0', index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'nghĩ' };
const call: Part = {
  ...{ partId: 'p1', index: 1, at: 6, kind: 'tool', state: 'waiting', name: 'act', server: 'demo', callId: 'c', step: 0 },
  ...{ input: '{"n":"ế"}', approval: { policy: 'ask' as const } },
};

/** What the database has of a conversation with an answer that waits, in a store that has never heard of it. */
const stored = (change: Partial<ParkedRun> = {}): Rehydrate & { parked: ParkedRun } => {
  const [conversationId, runId, asked] = [newId(), newId(), newId()];
  const question: Message = { messageId: asked, parentId: null, role: 'user', text: 'hỏi', status: 'complete', createdAt: 1, author: USER };
  const run = { runId, parentId: asked, model: 'count', startedAt: 1_700_000_000_000 };
  const what = { epoch: 2, claims: 2, text: 'một ', partIds: ['p1'], parts: [thought, call], used: USED };
  return { conversationId, userId: USER, title: 'Cũ', messages: [question], hasMore: false, parked: { ...run, ...what, ...change } };
};
const refOf = ({ conversationId, parked }: ReturnType<typeof stored>) => ({ conversationId, runId: parked.runId });
const approved: Part = { ...call, state: 'approved', approval: { policy: 'ask', decision: 'approved', by: USER, at: 1 } };

export const comingBackContract = (current: Current): void => {
  const claim = (command: ReturnType<typeof stored>, owner = 'pod-z') =>
    current().log.claimRun({ ...refOf(command), owner, leaseMs: LEASE_MS, models: MODELS });
  const decide = (command: ReturnType<typeof stored>, expected = call) =>
    current().log.decidePart({ ...refOf(command), userId: USER, decision: 'approve', expected, part: { ...expected, ...approved } });

  test('W-17 the audit can be told before anybody lets go of the run', async () => {
    const { log } = current();
    const run = await startRun(log);
    await log.putPart({ ...run, part: { ...call, index: 0, at: 0, input: '' }, from: null });
    const before = await eventsOf(log, run.conversationId);
    const park = { ...run, partIds: ['p1'] };
    expect(await log.parkRun({ ...park, bytes: 0, tell: true })).toEqual({ outcome: 'told' });
    // It is still its owner's, and nobody has read of it.
    expect(await eventsOf(log, run.conversationId)).toEqual(before);
    expect(await append(log, run, 0, 'abc')).toMatchObject({ outcome: 'appended' });
    expect(await log.parkRun({ ...park, bytes: 3 })).toMatchObject({ outcome: 'parked' });
    expect((await snapshotOf(log, run.conversationId)).run).toMatchObject({ waiting: ['p1'] });
  });

  test('W-17 an answer that waits comes back with its conversation, whole, and readers are told', async () => {
    const { log, other } = current();
    const command = stored({ trimmed: { messages: 3, tokens: 40 }, requestedModel: 'story' });
    const { conversationId, parked } = command;
    const followed = await collect(other, conversationId);
    expect(await log.rehydrate(command)).toMatchObject({ outcome: 'rehydrated' });
    await waitFor(() => followed.hints.length === 1);
    await followed.close();
    const { run, messages, title } = await snapshotOf(log, conversationId);
    expect({ messages, title }).toEqual({ messages: command.messages, title: 'Cũ' });
    expect(run).toMatchObject({
      ...{ runId: parked.runId, parentId: parked.parentId, model: 'count', startedAt: parked.startedAt, epoch: 2, text: 'một ' },
      ...{ waiting: ['p1'], trimmed: { messages: 3, tokens: 40 }, requestedModel: 'story' },
    });
    expect(run!.parts).toMatchObject([
      { partId: 'p0', state: 'done', text: 'nghĩ' },
      { partId: 'p1', state: 'waiting', input: '{"n":"ế"}' },
    ]);
  });

  test('W-17 W-5 nobody holds what came back: a prompt is busy, no pod takes it, a stranger decides nothing', async () => {
    const { log } = current();
    const command = stored();
    await log.rehydrate(command);
    const { conversationId, parked } = command;
    const prompt = { conversationId, userId: USER, runId: newId(), model: 'count', title: '', message: { messageId: newId(), text: 'x' } };
    expect(await log.beginRun(prompt)).toEqual({ outcome: 'busy', runId: parked.runId });
    // W-4: the question that it answers, asked again, for the run that it had or for another; and the run alone.
    const [runId, message] = [parked.runId, { messageId: parked.parentId!, text: 'hỏi' }];
    for (const again of [{ runId, message }, { message }, { runId }])
      expect(await log.beginRun({ ...prompt, ...again })).toMatchObject({ outcome: 'duplicate', runId });
    await current().jump(LIMITS.copyMs, [refOf(command)]);
    expect(await claim(command)).toMatchObject({ outcome: 'owned' });
    const theirs = { ...refOf(command), userId: 'user-2', decision: 'approve' as const, expected: call, part: approved };
    expect(await log.decidePart(theirs)).toEqual({ outcome: 'forbidden' });
  });

  test('W-17 P-3 decided, it goes on under an epoch that no owner before had, with what it had cost, and ends', async () => {
    const { log } = current();
    const command = stored({ claims: 4 });
    await log.rehydrate(command);
    expect(await decide(command)).toMatchObject({ outcome: 'decided' });
    expect(await decide(command)).toEqual({ outcome: 'changed' });
    // An owner that lives may have gone on with it, and has a moment to say so.
    expect(await claim(command)).toMatchObject({ outcome: 'owned' });
    await current().jump(LIMITS.copyMs, [refOf(command)]);
    const taken = claimed(await claim(command));
    expect(taken).toMatchObject({
      epoch: 20,
      text: 'một ',
      doubt: 'stale',
      used: USED,
      parts: [thought, { state: 'approved' }],
    });
    expect(taken.messages.map(({ messageId }) => messageId)).toEqual([command.parked.parentId]);
    const run = { ...refOf(command), epoch: taken.epoch };
    await append(log, run, 6, 'hai');
    const parts = taken.parts.map((part) => ({ from: part.state, part: closePart(part, 'interrupted', 1) }));
    expect(await log.endRun(endOf(run, 'một hai', { parts }))).toMatchObject({ outcome: 'ended' });
    // Claimed once, its epochs rise by one again, and nothing of the copy is left.
    expect(await log.rehydrate(command)).toMatchObject({ outcome: 'exists' });
  });

  test('W-20 what came back can be cancelled', async () => {
    const { log } = current();
    const command = stored();
    await log.rehydrate(command);
    expect(await log.cancelRun({ ...refOf(command), userId: USER })).toEqual({ outcome: 'cancelling', owned: false });
    const parts = [thought, call].map((part) => ({ from: part.state, part: closePart(part, 'cancelled', 1) }));
    const end = endOf({ ...refOf(command), epoch: 0 }, 'một ', { epoch: null, reason: 'cancelled', parts });
    expect(await log.endRun(end)).toMatchObject({ outcome: 'ended' });
    expect((await snapshotOf(log, command.conversationId)).messages.at(-1)).toMatchObject({ status: 'cancelled' });
    expect(await log.rehydrate(command)).toMatchObject({ outcome: 'exists' });
  });

  test('W-19 what was approved counts as being called, and what is decided already is anybody’s', async () => {
    const { log } = current();
    const command = stored({ parts: [thought, approved] });
    await log.rehydrate(command);
    expect((await snapshotOf(log, command.conversationId)).run).toMatchObject({ parts: [thought, { state: 'running', attempt: 1 }] });
    expect((await log.findFreeRuns(1_000)).some(({ runId }) => runId === command.parked.runId)).toBe(true);
    await current().jump(LIMITS.copyMs, [refOf(command)]);
    expect(claimed(await claim(command)).parts[1]).toMatchObject({ state: 'running', attempt: 1 });
  });

  test('L-6 an owner that lives writes what it has over the copy, also a decided one, and not over a claimed one', async () => {
    const { log } = current();
    const owner = { owner: 'pod-a', epoch: 3 };
    const run = (command: ReturnType<typeof stored>) => ({ ...refOf(command), epoch: 3, messageId: command.parked.parentId! });
    const done: Part = { ...approved, state: 'done', attempt: 1, output: 'x' };
    const command = stored();
    await log.rehydrate(command);
    await decide(command);
    // To the owner the store has lost its claim.
    expect(await append(log, run(command), 6, 'hai')).toEqual({ outcome: 'gone' });
    const restore = (one: ReturnType<typeof stored>) =>
      log.restoreRun({ ...restoreOf(run(one), 'một hai', owner), parts: [thought, done] });
    expect(await restore(command)).toMatchObject({ outcome: 'restored' });
    expect((await snapshotOf(log, command.conversationId)).run).toMatchObject({
      epoch: 3,
      text: 'một hai',
      parts: [thought, { state: 'done' }],
    });
    expect((await snapshotOf(log, command.conversationId)).run).not.toHaveProperty('waiting');
    expect(await append(log, run(command), 9, '!')).toMatchObject({ outcome: 'appended' });

    const late = stored();
    await log.rehydrate(late);
    await decide(late);
    await current().jump(LIMITS.copyMs, [refOf(late)]);
    claimed(await claim(late));
    expect(await restore(late)).toEqual({ outcome: 'fenced' });
    expect(await append(log, run(late), 6, 'hai')).toEqual({ outcome: 'fenced' });
  });

  test('W-17 a copy that its living owner wrote over waits for nobody: when that owner dies, others go on', async () => {
    const { log } = current();
    const command = stored();
    await log.rehydrate(command);
    const run = { ...refOf(command), epoch: 3, messageId: command.parked.parentId! };
    expect(await log.restoreRun(restoreOf(run, 'một hai', { owner: 'pod-a', epoch: 3 }))).toMatchObject({ outcome: 'restored' });
    await current().jump(LEASE_MS * 2, [run]);
    const again = { ...refOf(command), owner: 'pod-z', leaseMs: LEASE_MS, models: MODELS };
    expect(await claimedSoon(log, again)).toMatchObject({ epoch: 4, text: 'một hai' });
  });

  test('W-19 a store that went back to before the decision takes the database’s word for it, of the same wait only', async () => {
    const { log } = current();
    const command = stored();
    await log.rehydrate(command);
    const decided = { ...command, parked: { ...command.parked, parts: [thought, approved], claims: 3 } };
    expect(await log.rehydrate({ ...decided, parked: { ...decided.parked, epoch: 1 } })).toEqual({ outcome: 'exists' });
    const hints: WorkHint[] = [];
    const work = await current().other.onWork((hint) => hints.push(hint));
    expect(await log.rehydrate(decided)).toMatchObject({ outcome: 'rehydrated' });
    // Pods need not look for it.
    await waitFor(() => hints.some((hint) => hint.kind === 'free' && hint.runId === command.parked.runId));
    await work.close();
    expect((await log.findFreeRuns(10_000)).map(({ runId }) => runId)).toContain(command.parked.runId);
    const { run } = await snapshotOf(log, command.conversationId);
    expect(run).toMatchObject({ parts: [thought, { state: 'running', attempt: 1 }] });
    expect(run).not.toHaveProperty('waiting');
    expect(await decide(command)).toEqual({ outcome: 'changed' });
    await current().jump(LIMITS.copyMs, [refOf(command)]);
    expect(claimed(await claim(command)).epoch).toBe(19);
    expect(await log.rehydrate(decided)).toEqual({ outcome: 'exists' });
  });

  test.each(['waits', 'is decided'])('W-19 a store that went back to an earlier question asks the later one, which %s', async (how) => {
    const { log } = current();
    const command = stored();
    await log.rehydrate(command);
    const done: Part = { ...approved, state: 'done', attempt: 1, output: 'x' };
    const asked: Part = { partId: 'p2', index: 2, at: 12, kind: 'question', state: 'waiting', text: 'Đâu?', step: 1 };
    const later = how === 'waits' ? asked : { ...asked, state: 'answered' as const, answer: 'Đây' };
    const parts = [thought, done, later];
    const next = { ...command, parked: { ...command.parked, epoch: 3, claims: 3, text: 'một hai ba', partIds: ['p2'], parts } };
    expect(await log.rehydrate(next)).toMatchObject({ outcome: 'rehydrated' });
    const { run } = await snapshotOf(log, command.conversationId);
    expect(run).toMatchObject({ text: 'một hai ba', epoch: 3, parts });
    expect(run!.waiting).toEqual(how === 'waits' ? ['p2'] : undefined);
    // What was carried out is not asked again, and the database's older word changes nothing.
    expect(await decide(command)).toEqual({ outcome: 'changed' });
    expect(await log.rehydrate(command)).toEqual({ outcome: 'exists' });
    if (how === 'waits') {
      const answer = { ...refOf(command), userId: USER, decision: 'answer' as const, expected: asked };
      const given = { ...asked, state: 'answered' as const, answer: 'Đây' };
      expect(await log.decidePart({ ...answer, part: given })).toMatchObject({ outcome: 'decided' });
    }
    await current().jump(LIMITS.copyMs, [refOf(command)]);
    expect(claimed(await claim(command))).toMatchObject({ epoch: 19, text: 'một hai ba', parts: [thought, done, { state: 'answered' }] });
  });

  test('W-17 it comes back to a conversation that is here without it, and over nothing that is here', async () => {
    const { log } = current();
    const command = stored();
    const { parked, ...before } = command;
    await log.rehydrate(before);
    const first = await snapshotOf(log, command.conversationId);
    expect(await log.rehydrate(command)).toMatchObject({ outcome: 'rehydrated' });
    const second = await snapshotOf(log, command.conversationId);
    expect(second.run).toMatchObject({ runId: parked.runId, waiting: ['p1'] });
    expect(second.logId).not.toBe(first.logId);
    // Of many that try at once, one puts it back.
    expect(await log.rehydrate(command)).toEqual({ outcome: 'exists' });
    await decide(command);
    expect(await log.rehydrate(command)).toEqual({ outcome: 'exists' });
    expect((await snapshotOf(log, command.conversationId)).run!.parts![1]).toMatchObject({ state: 'approved' });

    const ended = await wholeRun(log);
    const behind = stored({ runId: ended.runId, parentId: ended.messageId });
    expect(await log.rehydrate({ ...behind, conversationId: ended.conversationId })).toEqual({ outcome: 'exists' });
    expect((await snapshotOf(log, ended.conversationId)).run).toBeNull();
    expect(await log.deleteConversation({ conversationId: command.conversationId, userId: USER })).toMatchObject({ outcome: 'done' });
    expect(await log.rehydrate(command)).toEqual({ outcome: 'gone' });
  });
};
