import { LIMITS } from '../../src/limits.ts';
import { runKey, type RunRef } from '../../src/run-ref.ts';
import { newId, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import type { StoredMessage } from '../../src/run-log/run-log.ts';
import {
  append,
  claimed,
  claimedSoon,
  collect,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  OWNER,
  promptOf,
  restoreOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

const answer = (messageId: string, parentId: string | null, change: Partial<StoredMessage> = {}): StoredMessage => ({
  messageId,
  parentId,
  role: 'assistant',
  text: `text of ${messageId}`,
  status: 'complete',
  createdAt: 1,
  ...change,
});

/** The store's clock and the test's go on at about the same pace. */
const CLOCKS_MS = 100;

/** What happens to logs when another server answers, which may have lost their tails. */
export const changedStoreContract = (current: Current): void => {
  test('B5 W-13 a log begins anew under another logId before anybody reads it, once', async () => {
    const { log, other, changeStore } = current();
    const { conversationId } = await wholeRun(log, {}, 'abc');
    const before = await snapshotOf(log, conversationId);
    const followed = await collect(other, conversationId);
    await changeStore();
    // The channel was cut with the connection.
    await waitFor(() =>
      current()
        .log.publishHint(conversationId, '{"type":"typing"}')
        .then(() => followed.hints.length > 0),
    );
    const state = await log.readState({ conversationId, userId: USER, cursor: before });
    expect(state).toMatchObject({ kind: 'snapshot', title: 'A title', messages: before.messages, offset: 1, lossy: true });
    expect(state).not.toHaveProperty('behind');
    const after = await snapshotOf(other, conversationId);
    expect(after.logId).not.toBe(before.logId);
    expect(after.logId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    await waitFor(() => followed.entries.length === 1);
    expect(JSON.parse(followed.entries[0]!.json)).toMatchObject({ type: 'title', offset: 1, logId: after.logId, title: 'A title' });
    // From now on it is a log like any other.
    expect(await log.readState({ conversationId, cursor: after })).toEqual({ kind: 'tail', logId: after.logId, offset: 1, entries: [] });
    expect((await eventsOf(log, conversationId)).map(({ type }) => type)).toEqual(['title']);
    await followed.close();
  });

  test('B5 a deletion that the store lost and the database has heard of deletes the older copy, and nothing that was made since', async () => {
    const { log, changeStore } = current();
    const [dead, remade, other] = [await wholeRun(log, {}, 'a'), await wholeRun(log, {}, 'b'), await wholeRun(log, {}, 'c')];
    const logs = await Promise.all([dead, remade, other].map(async ({ conversationId }) => (await snapshotOf(log, conversationId)).logId!));
    const at = (await snapshotOf(log, other.conversationId)).messages[0]!.createdAt;
    const hear = ({ conversationId }: { conversationId: string }, logId: string, userId = USER) =>
      log.deleteConversation({ conversationId, userId, heard: { logId, at } });
    // A log that is not a copy is no older than what the database has heard.
    expect(await hear(dead, logs[0]!)).toEqual({ outcome: 'not-found' });
    await changeStore();
    for (const { conversationId } of [dead, remade, other]) await log.readState({ conversationId, userId: USER });
    await waitFor(() => Date.now() > at + 1);
    await startRun(log, { conversationId: remade.conversationId });
    expect(await hear(dead, logs[0]!, 'bob')).toEqual({ outcome: 'forbidden' });
    expect(await hear(remade, logs[1]!)).toEqual({ outcome: 'not-found' });
    expect(await hear(other, newId())).toEqual({ outcome: 'not-found' });
    expect(await hear(dead, logs[0]!)).toMatchObject({ outcome: 'done' });
    expect(await log.readState({ conversationId: dead.conversationId, userId: USER })).toEqual({ kind: 'none' });
    for (const { conversationId } of [remade, other]) expect((await snapshotOf(log, conversationId)).messages.length).toBeGreaterThan(1);
  });

  test('W-19 for two seconds after a change nobody takes an answer with parts that no pod holds: its owner may come back', async () => {
    const { log, changeStore } = current();
    const run = await startRun(log);
    const part: Part = { partId: 'p0', index: 0, at: 0, kind: 'question', state: 'waiting', text: 'Which?' };
    await log.putPart({ ...run, part, from: null });
    await log.parkRun({ ...run, partIds: ['p0'], bytes: 0 });
    const before = Date.now();
    await changeStore();
    const answered: Part = { ...part, state: 'answered', answer: 'x' };
    const decision = { ...run, userId: USER, decision: 'answer' as const, expected: part, part: answered };
    expect(await log.decidePart(decision)).toMatchObject({ outcome: 'decided' });
    const take = () => log.claimRun({ ...run, owner: 'pod-b', leaseMs: LEASE_MS, models: MODELS });
    expect(await take()).toMatchObject({ outcome: 'owned' });
    await waitFor(async () => (await take()).outcome === 'claimed', { everyMs: 50 });
    expect(Date.now() - before).toBeGreaterThanOrEqual(2_000);
  });

  test('B5 nobody who may not read it renames it, and what begins after the change keeps its name', async () => {
    const { log, changeStore } = current();
    const { conversationId } = await wholeRun(log, {}, 'abc');
    await changeStore();
    expect(await log.readState({ conversationId, userId: 'bob' })).toEqual({ kind: 'forbidden' });
    const fresh = await wholeRun(log, {}, 'new');
    const first = await snapshotOf(log, fresh.conversationId);
    expect(first).not.toHaveProperty('lossy');
    expect(first.offset).toBe(5);
    expect(await log.readState({ conversationId: newId() })).toEqual({ kind: 'none' });
  });

  test('B5 a page of history and a prompt that did not ask say that the database may know more', async () => {
    const { log, changeStore } = current();
    const { conversationId, messageId, runId } = await wholeRun(log, {}, 'abc');
    const page = () => log.readHistory({ conversationId, userId: USER, limit: 1 });
    const empty = () => log.readHistory({ conversationId, userId: USER, limit: 1, before: messageId });
    expect(await page()).not.toHaveProperty('lossy');
    await changeStore();
    for (let i = 0; i < 2; i++) {
      expect(await page()).toMatchObject({ kind: 'page', messages: [{ messageId: runId }], lossy: true });
      expect(await empty()).toMatchObject({ kind: 'page', messages: [], lossy: true });
      expect(await log.beginRun(promptOf({ conversationId, making: 'no' }))).toEqual({ outcome: 'lossy' });
      // Whoever reads the log renames it: the doubt stays.
      await log.readState({ conversationId });
    }
    expect(await log.beginRun(promptOf({ conversationId, runId, making: 'no' }))).toMatchObject({ outcome: 'duplicate', runId });
    expect(await log.beginRun(promptOf({ conversationId, making: 'unproven' }))).toMatchObject({ outcome: 'started' });
  });

  test.each([
    ['a prompt', 'message'],
    ['a title', 'title'],
    ['a deletion', 'message-deleted'],
  ])('B5 %s is the second event of the new log', async (change, type) => {
    const { log, changeStore } = current();
    const run = await wholeRun(log, {}, 'abc');
    const { conversationId } = run;
    const { logId } = await snapshotOf(log, conversationId);
    await changeStore();
    if (change === 'a prompt') await log.beginRun(promptOf({ conversationId }));
    else if (change === 'a title') await log.setTitle({ conversationId, userId: USER, title: 'B' });
    else await log.deleteMessage({ conversationId, userId: USER, messageId: run.runId });
    const after = await snapshotOf(log, conversationId);
    expect(after.logId).not.toBe(logId);
    const state = await log.readState({ conversationId, cursor: { logId: after.logId, offset: change === 'a deletion' ? 1 : 0 } });
    const events = state.kind === 'tail' ? state.entries.map(({ json }) => JSON.parse(json) as { type: string; offset: number }) : [];
    expect(events.find(({ offset }) => offset === 2)).toMatchObject({ type });
  });

  test('B5 P-1 a running answer goes on under the new logId: appends, the end, and nothing of its text is lost', async () => {
    const { log, changeStore } = current();
    const run = await startRun(log, {}, { leaseMs: 60_000 });
    const { conversationId } = run;
    await append(log, run, 0, 'abc');
    const { logId } = await snapshotOf(log, conversationId);
    await changeStore();
    expect(await append(log, run, 3, 'def')).toEqual({ outcome: 'appended', offset: 2 });
    expect(await log.renewLeases(OWNER, LEASE_MS, [run])).toEqual(new Map([[runKey(run), 'renewed']]));
    expect(await log.endRun(endOf(run, 'abcdef'))).toMatchObject({ outcome: 'ended', offset: 3 });
    const after = await snapshotOf(log, conversationId);
    expect(after.logId).not.toBe(logId);
    expect(after.messages.at(-1)).toMatchObject({ text: 'abcdef', status: 'complete' });
  });

  test('B5 the end is the second event when the answer was released before the change', async () => {
    const { log, changeStore } = current();
    const run = await startRun(log);
    await log.releaseRun(run);
    await changeStore();
    await waitFor(async () => (await log.claimRun({ ...run, owner: OWNER, leaseMs: LEASE_MS, models: MODELS })).outcome === 'claimed', {
      everyMs: 50,
    });
    expect((await eventsOf(log, run.conversationId)).map(({ type }) => type)).toEqual(['title', 'run-moved']);
  });

  test('B4 W-11 who was shown more than the store has is told so, until that is written again', async () => {
    const { log, changeStore } = current();
    const run = await startRun(log, {}, { leaseMs: 60_000 });
    const { conversationId } = run;
    const { logId, offset } = await snapshotOf(log, conversationId);
    const ahead = { logId, offset: offset + 1 };
    await changeStore();
    expect(await log.readState({ conversationId, cursor: { logId, offset } })).not.toHaveProperty('behind');
    expect(await log.readState({ conversationId, cursor: ahead })).toMatchObject({ kind: 'snapshot', lossy: true, behind: true });
    // Of a log that is nowhere: the store went back twice. A reader without a cursor was shown nothing.
    expect(await log.readState({ conversationId, cursor: { logId: 'other', offset: 1 } })).toHaveProperty('behind');
    expect(await log.readState({ conversationId })).not.toHaveProperty('behind');
    await log.restoreRun(restoreOf(run, 'as shown'));
    expect(await log.readState({ conversationId, cursor: ahead })).not.toHaveProperty('behind');
  });

  test('B4 P-4 a half answer that nobody came back to is free after four seconds, a prompt after one, and says that it may have ended; no text is thrown away for it', async () => {
    const { log, changeStore } = current();
    // A model that cannot continue would begin again.
    const run = await startRun(log, { model: 'story' });
    await append(log, run, 0, 'as far as it came');
    const queued = promptOf();
    await log.beginRun(queued);
    const from = performance.now();
    await changeStore();
    const take = { owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS };
    /** Resolves to how long after the change, at most, somebody could claim it: however late an answer is, none comes too soon. */
    const claim = async (ref: RunRef) => {
      const result = await claimedSoon(log, { ...ref, ...take });
      return { result, ms: performance.now() - from };
    };
    const [half, asked] = await Promise.all([claim(run), claim(queued)]);
    // Its owner has time to come back.
    expect(half.ms).toBeGreaterThan(LIMITS.ownerBackMs - CLOCKS_MS);
    expect(asked.ms).toBeGreaterThan(LIMITS.endToldMs - CLOCKS_MS);
    expect(half.result).toMatchObject({ doubt: 'lost', epoch: 2, text: 'as far as it came' });
    expect(asked.result).toMatchObject({ doubt: 'lost', epoch: 1 });
    // Begun since: nothing is in doubt.
    const fresh = promptOf();
    await log.beginRun(fresh);
    expect(claimed(await log.claimRun({ ...fresh, ...take }))).not.toHaveProperty('doubt');
  });

  test('B4 L-6 a restored run and a restored end are of the new generation', async () => {
    const { log, changeStore } = current();
    const run = await startRun(log, {}, { leaseMs: 60_000 });
    await changeStore();
    const restore = restoreOf(run, 'abcd');
    await log.restoreRun(restore);
    expect((await snapshotOf(log, run.conversationId)).logId).toBe(restore.newLogId);
    const lost = { ...restoreOf({ ...run, conversationId: newId() }, 'x'), ...endOf(run, 'x'), newLogId: newId() };
    const end = { ...lost, epoch: 1, conversationId: newId() };
    expect(await log.restoreEnd(end)).toMatchObject({ outcome: 'restored' });
    expect((await snapshotOf(log, end.conversationId)).logId).toBe(end.newLogId);
  });

  test('B5 what the database has more is added to what may have lost its tail, under a new logId, and to nothing else', async () => {
    const { log, changeStore } = current();
    const run = await wholeRun(log, {}, 'abc');
    const { conversationId } = run;
    const lost = [
      answer('m2', run.runId, { role: 'user' }),
      answer('r2', 'm2'),
      answer(run.runId, run.messageId, { status: 'deleted', text: '' }),
    ];
    const bring = { conversationId, userId: USER, title: 'A title', hasMore: false, messages: lost };
    expect(await log.rehydrate(bring)).toEqual({ outcome: 'exists' });
    await changeStore();
    expect(await log.rehydrate({ ...bring, userId: 'bob' })).toEqual({ outcome: 'forbidden' });
    const brought = await log.rehydrate(bring);
    expect(brought.outcome).toBe('rehydrated');
    const after = await snapshotOf(log, conversationId);
    expect(after).toMatchObject({ ...(brought.outcome === 'rehydrated' && { logId: brought.logId }), offset: 1 });
    expect(after.messages.map(({ messageId, text, status }) => [messageId, text, status])).toEqual([
      [run.messageId, 'count 3', 'complete'],
      [run.runId, '', 'deleted'],
      ['m2', 'text of m2', 'complete'],
      ['r2', 'text of r2', 'complete'],
    ]);
    // Nothing is added twice, and the next question hangs below the last answer.
    expect(await log.rehydrate(bring)).toEqual({ outcome: 'exists' });
    expect((await snapshotOf(log, conversationId)).logId).toBe(after.logId);
    await log.beginRun(promptOf({ conversationId }));
    expect((await snapshotOf(log, conversationId)).messages.at(-1)).toMatchObject({ parentId: 'r2' });
  });

  test('B5 a running answer keeps its place when the database adds what came before it', async () => {
    const { log, changeStore } = current();
    const run = await startRun(log, {}, { leaseMs: 60_000 });
    const { conversationId } = run;
    await changeStore();
    await log.renewLeases(OWNER, 60_000, [run]);
    const lost = {
      conversationId,
      userId: USER,
      title: 'T',
      hasMore: false,
      messages: [answer('r0', null), answer(run.runId, run.messageId)],
    };
    expect(await log.rehydrate(lost)).toMatchObject({ outcome: 'rehydrated' });
    expect(await append(log, run, 0, 'abc')).toMatchObject({ outcome: 'appended' });
    const state = await snapshotOf(log, conversationId);
    expect(state.run).toMatchObject({ runId: run.runId, text: 'abc' });
    expect(state.messages.map(({ messageId }) => messageId)).toEqual([run.messageId, 'r0']);
  });

  test('a client is told that the store changed', async () => {
    const { log, changeStore } = current();
    let changes = 0;
    await log.ping();
    log.onStoreChange(() => changes++);
    await changeStore();
    await waitFor(() => changes > 0);
  });
};
