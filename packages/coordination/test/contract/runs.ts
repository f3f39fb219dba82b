import { newId, type ChunkEvent } from '@runnel/protocol';
import { expect, test } from 'vitest';
import {
  append,
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  OWNER,
  promptOf,
  SHORT_LEASE_MS,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';
import { waitFor } from '../../testing/wait.ts';

/** Every way a text is hard to carry: Vietnamese, beyond the BMP, quotes, controls, separators, what JSON escapes. */
const HARD = 'Xin chào tiếng Việt 😀👩‍👩‍👧 "quoted" \\ back / slash \u0000\u0001\u001f\u007f \u2028\u2029 \n\r\t </script> %s {}';

export const runsContract = (current: Current): void => {
  test('L-2 begin-run makes message, title and run-started in one step', async () => {
    const { log } = current();
    const prompt = promptOf();
    const { conversationId, runId, message } = prompt;
    expect(await log.beginRun(prompt)).toEqual({ outcome: 'started', runId, offset: 3 });
    const events = await eventsOf(log, conversationId);
    const { logId } = await snapshotOf(log, conversationId);
    expect(events.map((event) => [event.type, event.offset, event.logId])).toEqual([
      ['message', 1, logId],
      ['title', 2, undefined],
      ['run-started', 3, undefined],
    ]);
    expect(events[0]).toMatchObject({ message: { ...message, parentId: null, role: 'user', status: 'complete', author: USER } });
    expect(events[2]).toMatchObject({ runId, parentId: message.messageId, model: 'count', epoch: 1 });
  });

  test('W-4 a prompt sent again answers with the run it made, also when that has ended', async () => {
    const { log } = current();
    const prompt = promptOf();
    const { conversationId, runId } = prompt;
    await log.beginRun(prompt);
    const again = { ...prompt, runId: newId() };
    expect(await log.beginRun(again)).toEqual({ outcome: 'duplicate', runId, offset: 3 });
    expect(await log.beginRun({ ...promptOf({ conversationId }), runId })).toEqual({ outcome: 'duplicate', runId, offset: 3 });
    const { epoch } = claimed(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
    await log.endRun(endOf({ conversationId, runId, epoch }, ''));
    expect(await log.beginRun(again)).toEqual({ outcome: 'duplicate', runId, offset: 3 });
    expect(await eventsOf(log, conversationId)).toHaveLength(4);
  });

  test('W-4 a run that takes the id of a message is a repetition of that message', async () => {
    const { log } = current();
    const run = await wholeRun(log);
    const { conversationId, messageId, runId } = run;
    expect(await log.beginRun(promptOf({ conversationId, runId: messageId }))).toMatchObject({ outcome: 'duplicate', runId });
    await expect(log.beginRun(promptOf({ runId: 'same', message: { messageId: 'same', text: 'x' } }))).rejects.toMatchObject({
      code: 'bad-frame',
    });
  });

  test('W-5 one run at a time in a conversation', async () => {
    const { log } = current();
    const { conversationId, runId } = await startRun(log);
    expect(await log.beginRun(promptOf({ conversationId }))).toEqual({ outcome: 'busy', runId });
  });

  test('a conversation belongs to the user that began it', async () => {
    const { log } = current();
    const { conversationId, runId, messageId } = await wholeRun(log);
    const userId = 'somebody-else';
    const title = 'Mine now';
    expect(await log.beginRun(promptOf({ conversationId, userId }))).toEqual({ outcome: 'forbidden' });
    expect(await log.cancelRun({ conversationId, runId, userId })).toEqual({ outcome: 'forbidden' });
    expect(await log.readState({ conversationId, userId })).toEqual({ kind: 'forbidden' });
    expect(await log.readHistory({ conversationId, userId, limit: 10 })).toEqual({ kind: 'forbidden' });
    expect(await log.deleteMessage({ conversationId, userId, messageId })).toEqual({ outcome: 'forbidden' });
    expect(await log.deleteConversation({ conversationId, userId })).toEqual({ outcome: 'forbidden' });
    expect(await log.setTitle({ conversationId, userId, title })).toEqual({ outcome: 'forbidden' });
    expect((await snapshotOf(log, conversationId)).title).toBe('A title');
  });

  test('a run id of another conversation reaches nothing of it', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'secret');
    const mine = await log.beginRun(promptOf({ userId: 'somebody-else', runId: run.runId }));
    expect(mine).toMatchObject({ outcome: 'started' });
    expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('secret');
  });

  test('a prompt hangs under the newest leaf, a named parent or the root; an unknown parent is not found', async () => {
    const { log } = current();
    const first = await wholeRun(log);
    const { conversationId } = first;
    const parentOf = async (parentId?: string | null): Promise<string | null> => {
      const run = await wholeRun(log, { conversationId, ...(parentId !== undefined && { parentId }) });
      return (await snapshotOf(log, conversationId)).messages.find((message) => message.messageId === run.messageId)!.parentId;
    };
    expect(await parentOf()).toBe(first.runId);
    expect(await parentOf(first.messageId)).toBe(first.messageId);
    expect(await parentOf(null)).toBe(null);
    expect(await log.beginRun(promptOf({ conversationId, parentId: 'nobody' }))).toEqual({ outcome: 'not-found' });
    expect(await log.beginRun(promptOf({ parentId: 'nobody' }))).toEqual({ outcome: 'not-found' });
  });

  test('regenerate answers a user message once more, and nothing else', async () => {
    const { log } = current();
    const first = await wholeRun(log);
    const { conversationId } = first;
    const again = (parentId: string, change = {}) => log.beginRun({ ...promptOf({ conversationId }), ...change, message: null, parentId });
    expect(await again(first.runId)).toEqual({ outcome: 'not-found' });
    expect(await again('nobody')).toEqual({ outcome: 'not-found' });
    expect(await again(first.messageId, { conversationId: newId() })).toEqual({ outcome: 'not-found' });
    const before = (await snapshotOf(log, conversationId)).offset;
    expect(await again(first.messageId)).toMatchObject({ outcome: 'started', offset: before + 1 });
    expect((await snapshotOf(log, conversationId)).run).toMatchObject({ parentId: first.messageId });
  });

  test('a new conversation may begin with earlier turns, each the parent of the next', async () => {
    const { log } = current();
    const seed = [
      { messageId: newId(), role: 'system' as const, text: 'Be brief.' },
      { messageId: newId(), role: 'user' as const, text: HARD },
      { messageId: newId(), role: 'assistant' as const, text: '' },
    ];
    const prompt = promptOf({ seed });
    expect(await log.beginRun(prompt)).toMatchObject({ outcome: 'started', offset: 6 });
    const { messages } = await snapshotOf(log, prompt.conversationId);
    const chain = [...seed.map((turn) => turn.messageId), prompt.message.messageId];
    expect(messages.map((message) => message.messageId)).toEqual(chain);
    expect(messages.map((message) => message.parentId)).toEqual([null, ...chain.slice(0, -1)]);
    expect(messages.map((message) => message.text)).toEqual(['Be brief.', HARD, '', 'count 3']);
    expect(await log.beginRun(prompt)).toMatchObject({ outcome: 'duplicate', runId: prompt.runId });
  });

  test('claim-run gives the pod all it needs to answer', async () => {
    const { log } = current();
    const first = await wholeRun(log, {}, 'first answer');
    const { conversationId } = first;
    const prompt = promptOf({
      conversationId,
      message: { messageId: newId(), text: HARD },
      trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    await log.beginRun(prompt);
    const { logId } = await snapshotOf(log, conversationId);
    const run = claimed(await log.claimRun({ conversationId, runId: prompt.runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
    expect(run).toMatchObject({
      epoch: 1,
      logId,
      text: '',
      userId: USER,
      title: 'A title',
      cancelled: null,
      trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    expect(run.run).toMatchObject({ runId: prompt.runId, parentId: prompt.message.messageId, model: 'count' });
    expect(run.messages.map((message) => message.text)).toEqual(['count 3', 'first answer', HARD]);
  });

  test('claim-run leaves the other branches of the tree out', async () => {
    const { log } = current();
    const first = await wholeRun(log, {}, 'old branch');
    const { conversationId } = first;
    const prompt = promptOf({ conversationId, parentId: null, message: { messageId: newId(), text: 'edited' } });
    await log.beginRun(prompt);
    const run = claimed(await log.claimRun({ conversationId, runId: prompt.runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
    expect(run.messages.map((message) => message.text)).toEqual(['edited']);
  });

  test('claim-run refuses what is owned, unsuited or gone', async () => {
    const { log } = current();
    const claim = { owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS };
    const { conversationId, runId, epoch } = await startRun(log);
    expect(await log.claimRun({ conversationId, runId, ...claim })).toMatchObject({ outcome: 'owned' });
    expect(await log.claimRun({ conversationId, runId: newId(), ...claim })).toEqual({ outcome: 'gone' });
    expect(await log.claimRun({ conversationId: newId(), runId, ...claim })).toEqual({ outcome: 'gone' });
    await log.endRun(endOf({ conversationId, runId, epoch }, ''));
    expect(await log.claimRun({ conversationId, runId, ...claim })).toEqual({ outcome: 'gone' });
    const prompt = promptOf({ model: 'constructor' });
    await log.beginRun(prompt);
    expect(await log.claimRun({ ...claim, conversationId: prompt.conversationId, runId: prompt.runId })).toEqual({ outcome: 'unsuited' });
  });

  test('P-4 a take-over goes on from the last byte, or starts again where the model cannot', async () => {
    const { log } = current();
    for (const [model, text, restarted] of [
      ['count', 'đã có ', false],
      ['story', '', true],
    ] as const) {
      const { conversationId, runId, ...run } = await startRun(log, { model }, { leaseMs: SHORT_LEASE_MS });
      await append(log, { conversationId, runId, ...run }, 0, 'đã có ');
      const claim = { conversationId, runId, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS };
      await waitFor(async () => {
        const result = await log.claimRun(claim);
        if (result.outcome === 'claimed') expect(result).toMatchObject({ epoch: 2, text });
        return result.outcome === 'claimed';
      });
      const moved = (await eventsOf(log, conversationId)).at(-1);
      expect(moved).toMatchObject({ type: 'run-moved', runId, epoch: 2, bytes: Buffer.byteLength(text), restarted });
      expect((await snapshotOf(log, conversationId)).run).toMatchObject({ epoch: 2, text });
    }
  });

  test('W-9 a chunk carries the byte it stands at, and any text as it is', async () => {
    const { log } = current();
    const run = await startRun(log);
    const texts = [HARD, '😀', 'ế', ' end'];
    let at = 0;
    for (const text of texts) {
      expect(await append(log, run, at, text)).toMatchObject({ outcome: 'appended' });
      at += Buffer.byteLength(text);
    }
    const events = await eventsOf(log, run.conversationId);
    const chunks = events.filter((event): event is ChunkEvent => event.type === 'chunk');
    expect(chunks.map((chunk) => chunk.text)).toEqual(texts);
    expect(chunks.map((chunk) => chunk.at)).toEqual(texts.map((_, index) => Buffer.byteLength(texts.slice(0, index).join(''))));
    expect((await snapshotOf(log, run.conversationId)).run?.text).toBe(texts.join(''));
    await log.endRun(endOf(run, texts.join('')));
    expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).toMatchObject({ text: texts.join(''), status: 'complete' });
  });

  test('L-1 an append whose answer was lost is a duplicate, and changes nothing', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'một ');
    const before = await snapshotOf(log, run.conversationId);
    expect(await append(log, run, 0, 'một ')).toEqual({ outcome: 'duplicate' });
    expect(await append(log, run, 0, 'mộ')).toEqual({ outcome: 'duplicate' });
    expect(await snapshotOf(log, run.conversationId)).toEqual(before);
  });

  test('L-1 an append that does not fit is a gap', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'một ');
    const bytes = Buffer.byteLength('một ');
    expect(await append(log, run, bytes + 1, 'x')).toEqual({ outcome: 'gap', bytes });
    expect(await append(log, run, 0, 'hai ')).toEqual({ outcome: 'gap', bytes });
    expect(await append(log, run, 0, 'một hai')).toEqual({ outcome: 'gap', bytes });
  });

  test('an append to a run that has ended is closed, to one that never was gone', async () => {
    const { log } = current();
    const run = await wholeRun(log, {}, 'abc');
    expect(await append(log, run, 3, 'd')).toEqual({ outcome: 'closed' });
    expect(await append(log, { ...run, runId: newId() }, 0, 'd')).toEqual({ outcome: 'gone' });
    expect(await append(log, { ...run, conversationId: newId() }, 0, 'd')).toEqual({ outcome: 'gone' });
  });

  test('P-2 a run ends once, with its message in the history (W-11)', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'abc');
    const usage = { promptTokens: 3, completionTokens: 4 };
    const end = endOf(run, 'abc', { usage });
    expect(await log.endRun(end)).toMatchObject({ outcome: 'ended', offset: 5 });
    expect(await log.endRun(end)).toEqual({ outcome: 'closed' });
    expect(await log.endRun({ ...end, epoch: null })).toEqual({ outcome: 'closed' });
    const events = await eventsOf(log, run.conversationId);
    expect(events.filter((event) => event.type === 'run-ended')).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: 'run-ended', runId: run.runId, reason: 'complete', bytes: 3, sha256: end.sha256, usage });
    const { messages, run: running } = await snapshotOf(log, run.conversationId);
    expect(running).toBeNull();
    expect(messages.at(-1)).toMatchObject({
      messageId: run.runId,
      parentId: run.messageId,
      role: 'assistant',
      text: 'abc',
      status: 'complete',
      model: 'count',
    });
  });

  test('end-run compares lengths and owners', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'abc');
    expect(await log.endRun(endOf(run, 'ab'))).toEqual({ outcome: 'gap', bytes: 3 });
    expect(await log.endRun(endOf({ ...run, epoch: 0 }, 'abc'))).toEqual({ outcome: 'fenced' });
    expect(await log.endRun(endOf(run, 'abc', { epoch: null }))).toEqual({ outcome: 'fenced' });
    expect(await log.endRun(endOf({ ...run, runId: newId() }, 'abc'))).toEqual({ outcome: 'gone' });
  });

  test('a failed run keeps its text and says why', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'half');
    const error = { code: 'model-failed' as const, message: 'The "model" failed.' };
    await log.endRun(endOf(run, 'half', { reason: 'failed', error }));
    expect((await eventsOf(log, run.conversationId)).at(-1)).toMatchObject({ reason: 'failed', error });
    expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).toMatchObject({ status: 'failed', text: 'half' });
  });
};
