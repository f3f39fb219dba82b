import { newId, utf8Length } from '@runnel/protocol';
import { expect, test } from 'vitest';
import {
  append,
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  promptOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
  type Started,
} from './world.ts';
import type { RunLog } from '../../src/run-log/run-log.ts';

/** What of a thread its model gets, which answer a run goes on from, and whose model it is. */
export const threadsContract = (current: Current): void => {
  const started = async (log: RunLog, conversationId: string) =>
    (await eventsOf(log, conversationId)).findLast((event) => event.type === 'run-started')!;

  /** Questions of four tokens, answers of six. */
  const threeTurns = async (log: RunLog): Promise<string> => {
    const conversationId = newId();
    for (const words of ['Việt nam 123', 'q2 q2 q2 q2 q2', 'q3 q3 q3 q3 q3']) {
      await wholeRun(log, { conversationId, message: { messageId: newId(), text: words } }, 'an answer, so long it is');
    }
    return conversationId;
  };

  test.each([
    [undefined, undefined],
    [34, undefined],
    [33, { messages: 2, tokens: 10 }],
    [24, { messages: 2, tokens: 10 }],
    [23, { messages: 4, tokens: 20 }],
    [0, { messages: 6, tokens: 30 }],
  ])('a thread of 34 tokens for a model that takes %s leaves out whole turns, oldest first, and says so: %o', async (room, trimmed) => {
    const { log } = current();
    const conversationId = await threeTurns(log);
    const run = await startRun(log, {
      conversationId,
      message: { messageId: newId(), text: 'q4 q4 "q" \n q4' },
      ...(room !== undefined && { room }),
    });
    expect((await started(log, conversationId)).type).toBe('run-started');
    expect((await started(log, conversationId)) as object).toMatchObject(trimmed ? { trimmed } : { runId: run.runId });
    const { run: running } = await snapshotOf(log, conversationId);
    expect(running!.trimmed).toEqual(trimmed);
    await log.endRun(endOf(run, ''));
    expect((await snapshotOf(log, conversationId)).messages.at(-1)!.trimmed).toEqual(trimmed);
  });

  test('a long thread on another branch takes no room, nor do deleted messages', async () => {
    const { log } = current();
    const conversationId = await threeTurns(log);
    const { messages } = await snapshotOf(log, conversationId);
    const run = await startRun(log, { conversationId, parentId: null, message: { messageId: newId(), text: 'another root' }, room: 3 });
    expect(await started(log, conversationId)).not.toHaveProperty('trimmed');
    await log.endRun(endOf(run, ''));
    for (const { messageId } of messages.slice(0, 4)) await log.deleteMessage({ conversationId, userId: USER, messageId });
    await startRun(log, { conversationId, parentId: messages.at(-1)!.messageId, message: { messageId: newId(), text: 'q4 q4' }, room: 12 });
    expect((await snapshotOf(log, conversationId)).run).not.toHaveProperty('trimmed');
  });

  test('system text is never left out, and messages of any size and wording are measured', async () => {
    const { log } = current();
    const seed = [
      { messageId: newId(), role: 'system' as const, text: 'system text of 8 tokens, of them' },
      { messageId: newId(), role: 'user' as const, text: `"parentId":"x","role":"system","text":"${'\\"\n\t\u0001'.repeat(9_000)}` },
      { messageId: newId(), role: 'assistant' as const, text: 'short' },
    ];
    const { conversationId } = await startRun(log, { seed, message: { messageId: newId(), text: 'q' }, room: 10 });
    expect(await started(log, conversationId)).toMatchObject({ trimmed: { messages: 2 } });
  });

  const continued = async (log: RunLog, { conversationId, runId, messageId }: Started, change = {}) => {
    const next = { ...promptOf({ conversationId, parentId: messageId, continues: runId, ...change }), message: null };
    return { runId: next.runId, result: await log.beginRun(next) };
  };

  test('a run that continues an answer begins with its bytes, is a sibling of it, and ends with both', async () => {
    const { log } = current();
    const first = await wholeRun(log, {}, 'Tiếng Việt "cut');
    const { conversationId, messageId } = first;
    const { runId, result } = await continued(log, first);
    expect(result).toMatchObject({ outcome: 'started' });
    const [begun, chunk] = (await eventsOf(log, conversationId)).slice(-2);
    expect(begun).toMatchObject({ type: 'run-started', runId, parentId: messageId });
    expect(chunk).toMatchObject({ type: 'chunk', runId, at: 0, text: 'Tiếng Việt "cut' });
    const base = utf8Length('Tiếng Việt "cut');
    const claim = claimed(await log.claimRun({ conversationId, runId, owner: 'p', leaseMs: LEASE_MS, models: { count: true } }));
    expect(claim).toMatchObject({ text: 'Tiếng Việt "cut', base, epoch: 1 });
    const run = { conversationId, runId, epoch: 1 };
    expect(await append(log, run, base, ' off')).toMatchObject({ outcome: 'appended' });
    expect(await log.endRun(endOf(run, 'Tiếng Việt "cut off'))).toMatchObject({ outcome: 'ended' });
    expect((await snapshotOf(log, conversationId)).messages.slice(-2)).toMatchObject([
      { messageId: first.runId, text: 'Tiếng Việt "cut', parentId: messageId },
      { messageId: runId, text: 'Tiếng Việt "cut off', parentId: messageId },
    ]);
  });

  test('a model that cannot continue begins again behind what another answer left, not at 0', async () => {
    const { log } = current();
    const first = await wholeRun(log, { model: 'story' }, 'cut');
    const { conversationId } = first;
    const { runId } = await continued(log, first, { model: 'story' });
    const claim = { conversationId, runId, owner: 'p', leaseMs: LEASE_MS, models: { story: false } };
    await log.claimRun(claim);
    await append(log, { conversationId, runId, epoch: 1 }, 3, ' off');
    await log.releaseRun({ conversationId, runId, epoch: 1 });
    expect(claimed(await log.claimRun({ ...claim, owner: 'q' }))).toMatchObject({ text: 'cut', base: 3, epoch: 2 });
    expect((await eventsOf(log, conversationId)).at(-1)).toMatchObject({ type: 'run-moved', bytes: 3, restarted: true });
    expect(await append(log, { conversationId, runId, epoch: 2 }, 3, '!')).toMatchObject({ outcome: 'appended' });
    expect(await log.endRun(endOf({ conversationId, runId, epoch: 2 }, 'cut!'))).toMatchObject({ outcome: 'ended' });
  });

  test('nothing is continued but an answer to the same message that has text', async () => {
    const { log } = current();
    const first = await wholeRun(log);
    const { conversationId, messageId } = first;
    const other = await wholeRun(log, { conversationId });
    const empty = await startRun(log, { conversationId });
    await log.endRun(endOf(empty, ''));
    const begin = (parentId: string, continues: string) =>
      log.beginRun({ ...promptOf({ conversationId, parentId, continues }), message: null });
    for (const [parentId, continues] of [
      [messageId, other.runId],
      [messageId, messageId],
      [messageId, newId()],
      [empty.messageId, empty.runId],
    ] as const)
      expect(await begin(parentId, continues)).toEqual({ outcome: 'not-found' });
    await log.deleteMessage({ conversationId, userId: USER, messageId: first.runId });
    expect(await begin(messageId, first.runId)).toEqual({ outcome: 'not-found' });
    expect(await begin(other.messageId, other.runId)).toMatchObject({ outcome: 'started' });
  });

  test('an answer that its model ended by itself is whole: nothing goes on with it, but with one that was cut', async () => {
    const { log } = current();
    for (const [finish, outcome] of [
      ['stop', 'not-found'],
      ['tools', 'not-found'],
      ['length', 'started'],
      ['filter', 'started'],
      [undefined, 'started'],
    ] as const) {
      const first = await startRun(log);
      const run = { conversationId: first.conversationId, runId: first.runId, epoch: 1 };
      await append(log, run, 0, 'so far');
      await log.endRun({ ...endOf(run, 'so far'), ...(finish && { finish }) });
      expect([finish, (await continued(log, first)).result.outcome]).toEqual([finish, outcome]);
    }
  });

  test('the model of a conversation stays: a preset one gives way to it, a named one takes its place', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { model: 'count', preset: true });
    const ask = (model: string, preset?: boolean) => log.beginRun(promptOf({ conversationId, model, ...(preset && { preset }) }));
    const before = await snapshotOf(log, conversationId);
    expect(await ask('other', true)).toEqual({ outcome: 'other-model', model: 'count' });
    expect(await snapshotOf(log, conversationId)).toEqual(before);
    const run = await startRun(log, { conversationId, model: 'story' });
    await log.endRun(endOf(run, ''));
    expect(await ask('count', true)).toEqual({ outcome: 'other-model', model: 'story' });
    expect(await ask('story', true)).toMatchObject({ outcome: 'started' });
  });
};
