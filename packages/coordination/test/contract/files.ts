import { newId, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import {
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  promptOf,
  restoreOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

const SHA = 'a'.repeat(64);
const fileOf = (change: Partial<Part> = {}): Part => ({
  ...{ partId: newId(), index: 0, at: 0, kind: 'file', state: 'done' },
  ...{ fileId: newId(), name: 'Bảng "1".csv', mediaType: 'text/csv', bytes: 12, sha256: SHA, tokens: 3 },
  ...change,
});
const picture = (change: Partial<Part> = {}): Part => {
  const { tokens: _, ...file } = fileOf({ name: 'a.png', mediaType: 'image/png', width: 4, height: 3, ...change });
  return file;
};
const asking = (...parts: Part[]) => ({ messageId: newId(), text: 'what is this?', parts });

/** Files that a person's message brings along. */
export const filesContract = (current: Current): void => {
  test('L-2 the files of a prompt are parts of its message: in the log, in a snapshot, in pages and for the model, in their order', async () => {
    const { log } = current();
    const parts = [picture(), fileOf({ index: 1 })];
    const run = await startRun(log, { message: asking(...parts) });
    const { conversationId } = run;
    const events = await eventsOf(log, conversationId);
    expect(events.find(({ type }) => type === 'message')).toMatchObject({ message: { role: 'user', parts } });
    expect((await snapshotOf(log, conversationId)).messages[0]).toMatchObject({ parts });
    expect(await log.readHistory({ conversationId, userId: USER, limit: 9 })).toMatchObject({ messages: [{ parts }] });
    await log.releaseRun(run);
    const claim = claimed(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }));
    expect(claim.messages[0]!.parts).toEqual(parts);
  });

  test('W-4 a prompt with files that is sent again is the one it was', async () => {
    const { log } = current();
    const prompt = promptOf({ message: asking(fileOf()) });
    const first = await log.beginRun(prompt);
    expect(await log.beginRun({ ...prompt, message: { ...prompt.message, parts: [] } })).toEqual({ ...first, outcome: 'duplicate' });
    expect((await snapshotOf(log, prompt.conversationId)).messages[0]!.parts).toHaveLength(1);
  });

  test.each([
    ['a picture', [picture()], { blind: true }, 'blind'],
    ['a picture behind a text', [fileOf(), picture({ index: 1 })], { blind: true }, 'blind'],
    ['more text than the model takes', [fileOf({ tokens: 101 })], { room: 100 }, 'room'],
    ['pictures that are more than it takes', [picture(), picture({ index: 1 })], { room: 1_999 }, 'room'],
  ])('a model is not asked about %s that it cannot take, and nothing is begun', async (_, parts, limits, why) => {
    const { log } = current();
    const prompt = promptOf({ message: asking(...parts), ...limits });
    expect(await log.beginRun(prompt)).toEqual({ outcome: 'unfit', why });
    expect(await log.readState({ conversationId: prompt.conversationId })).toEqual({ kind: 'none' });
    expect(await log.beginRun({ ...prompt, blind: false, room: 2_000 })).toMatchObject({ outcome: 'started' });
  });

  test('a question with a picture is not answered once more by a model that sees nothing; a vector graphic is text', async () => {
    const { log } = current();
    const run = await wholeRun(log, { message: asking(picture()) });
    const again = { conversationId: run.conversationId, userId: USER, model: 'count', title: '', message: null, parentId: run.messageId };
    expect(await log.beginRun({ ...again, runId: newId(), blind: true })).toEqual({ outcome: 'unfit', why: 'blind' });
    expect(await log.beginRun({ ...again, runId: newId() })).toMatchObject({ outcome: 'started' });
    const vector = promptOf({ message: asking(fileOf({ mediaType: 'image/svg+xml' })), blind: true });
    expect(await log.beginRun(vector)).toMatchObject({ outcome: 'started' });
  });

  test.each([
    [2_014, undefined],
    [1_009, { messages: 2, tokens: 1_010 }],
  ])('files count where a thread is cut to %s tokens: %o', async (room, trimmed) => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { message: asking(picture()) }, 'w'.repeat(24));
    await startRun(log, { conversationId, message: asking(picture()), room });
    expect((await snapshotOf(log, conversationId)).run!.trimmed).toEqual(trimmed);
  });

  test.each([
    ['a picture', [picture()], 5, { messages: 1, tokens: 1_000 }],
    ['a file in which nothing is', [fileOf({ tokens: 0 })], 0, { messages: 1, tokens: 0 }],
    ['nothing', [], 0, undefined],
  ])('a question without words that brought %s counts where a thread is cut as what it brought', async (_, parts, room, trimmed) => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { message: { ...asking(...parts), text: '' } }, '');
    await startRun(log, { conversationId, message: { messageId: newId(), text: 'a' }, room });
    expect((await snapshotOf(log, conversationId)).run!.trimmed).toEqual(trimmed);
  });

  test('L-6 an owner that writes a lost log again brings the files of its question back', async () => {
    const { log } = current();
    const parts = [fileOf()];
    const run = await startRun(log, { message: asking(...parts) });
    const claim = restoreOf(run, 'abc');
    await log.deleteConversation({ conversationId: run.conversationId, userId: USER });
    const lost = { ...run, conversationId: newId() };
    const messages = [{ ...claim.messages[0]!, parts }];
    expect(await log.restoreRun({ ...claim, ...lost, messages, newLogId: newId() })).toMatchObject({ outcome: 'restored' });
    expect((await snapshotOf(log, lost.conversationId)).messages[0]).toMatchObject({ parts });
    await log.endRun(endOf(lost, 'abc'));
  });

  test('what is deleted has no files any more', async () => {
    const { log } = current();
    const { conversationId, messageId } = await wholeRun(log, { message: asking(fileOf()) });
    await log.deleteMessage({ conversationId, messageId, userId: USER });
    expect((await snapshotOf(log, conversationId)).messages[0]).not.toHaveProperty('parts');
  });
};
