import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import {
  append,
  collect,
  endOf,
  eventsOf,
  listedFirst,
  listOf,
  promptOf,
  snapshotOf,
  startListed,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

export const readingContract = (current: Current): void => {
  test('W-7 a known cursor gets exactly what it missed', async () => {
    const { log } = current();
    const run = await startRun(log);
    const { conversationId } = run;
    const { logId, offset } = await snapshotOf(log, conversationId);
    await append(log, run, 0, 'a');
    await append(log, run, 1, 'b');
    const all = await eventsOf(log, conversationId);
    for (let seen = 0; seen <= all.length; seen++) {
      const state = await log.readState({ conversationId, userId: USER, cursor: { logId, offset: seen } });
      expect(state).toMatchObject({ kind: 'tail', logId, offset: offset + 2 });
      expect(state.kind === 'tail' && state.entries.map((entry) => entry.offset)).toEqual(all.slice(seen).map((event) => event.offset));
    }
  });

  test('W-7 what no tail can answer is a snapshot; what is not there is none', async () => {
    const { log } = current();
    const run = await startRun(log);
    const { conversationId } = run;
    const { logId, offset } = await snapshotOf(log, conversationId);
    expect(await log.readState({ conversationId, cursor: { logId: newId(), offset } })).toMatchObject({ kind: 'snapshot' });
    expect(await log.readState({ conversationId, cursor: { logId, offset: offset + 1 } })).toMatchObject({ kind: 'snapshot' });
    for (let at = 0; at < 257 - offset; at++) await append(log, run, at, 'x');
    expect(await log.readState({ conversationId, cursor: { logId, offset: 1 } })).toMatchObject({ kind: 'tail' });
    expect(await log.readState({ conversationId, cursor: { logId, offset: 0 } })).toMatchObject({ kind: 'snapshot', offset: 257 });
    expect(await log.readState({ conversationId: newId() })).toEqual({ kind: 'none' });
  });

  test('W-7 a far reach gets every event that the log still has, and a snapshot for what it has not', async () => {
    const { log } = current();
    const run = await startRun(log);
    const { conversationId } = run;
    const { logId } = await snapshotOf(log, conversationId);
    const far = (offset: number, id = logId) =>
      log.readState({ conversationId, userId: USER, cursor: { logId: id, offset }, reach: 'far' as const });
    const piece = 'x'.repeat(2_000);
    for (let at = 0; at < 300; at++) await append(log, run, at * piece.length, piece);
    const tail = await far(0);
    expect(tail).toMatchObject({ kind: 'tail', logId, offset: 303 });
    expect(tail.kind === 'tail' && tail.entries.map(({ offset }) => offset)).toEqual(Array.from({ length: 303 }, (_, index) => index + 1));
    expect(await far(302)).toMatchObject({ kind: 'tail', entries: [{ offset: 303 }] });
    expect(await far(304)).toMatchObject({ kind: 'snapshot', offset: 303 });
    expect(await far(0, newId())).toMatchObject({ kind: 'snapshot', offset: 303 });
    expect(await log.readState({ conversationId, userId: 'somebody', cursor: { logId, offset: 0 }, reach: 'far' })).toEqual({
      kind: 'forbidden',
    });
    for (let at = 0; at < 800; at++) await append(log, run, 300 * piece.length + at, 'y');
    expect(await far(0)).toMatchObject({ kind: 'snapshot', offset: 1_103 });
  });

  test('W-7 P-8 a tail of more than 512 KiB is a snapshot instead: catching up never looks like being slow', async () => {
    const { log } = current();
    const run = await startRun(log);
    const { conversationId } = run;
    const { logId, offset } = await snapshotOf(log, conversationId);
    const cursor = { logId, offset };
    const piece = 'x'.repeat(100_000);
    for (let at = 0; at < 5; at++) await append(log, run, at * piece.length, piece);
    expect(await log.readState({ conversationId, cursor })).toMatchObject({ kind: 'tail', offset: offset + 5 });
    await append(log, run, 5 * piece.length, piece);
    expect(await log.readState({ conversationId, cursor })).toMatchObject({ kind: 'snapshot', offset: offset + 6 });
  });

  test('W-12 a snapshot holds the newest 50 in order of creation; the history keeps 200', async () => {
    const { log } = current();
    const seed = Array.from({ length: 197 }, (_, index) => ({ messageId: newId(), role: 'user' as const, text: `${index}` }));
    const first = promptOf();
    const earlier = seed.map((turn, index) => ({
      ...turn,
      parentId: seed[index - 1]?.messageId ?? null,
      status: 'complete' as const,
      createdAt: index,
    }));
    await log.rehydrate({ conversationId: first.conversationId, userId: USER, title: 'A title', messages: earlier, hasMore: false });
    await log.beginRun(first);
    const { conversationId } = first;
    const texts = async (): Promise<string[]> => (await snapshotOf(log, conversationId)).messages.map((message) => message.text);
    expect(await texts()).toEqual([...seed.slice(-49).map((turn) => turn.text), 'count 3']);
    expect((await snapshotOf(log, conversationId)).hasMore).toBe(true);

    const page = (before: string | undefined, limit: number) =>
      log.readHistory({ conversationId, userId: USER, limit, ...(before && { before }) });
    expect(await page(undefined, 2)).toMatchObject({ kind: 'page', hasMore: true, messages: [{ text: '196' }, { text: 'count 3' }] });
    expect(await page(seed[2]!.messageId, 5)).toMatchObject({ kind: 'page', hasMore: false, messages: [{ text: '0' }, { text: '1' }] });
    expect(await page(seed[0]!.messageId, 5)).toEqual({ kind: 'page', hasMore: false, messages: [] });
    expect(await page(newId(), 5)).toEqual({ kind: 'page', hasMore: false, messages: [] });

    await log.cancelRun({ conversationId, runId: first.runId, userId: USER });
    await log.endRun({ ...endOf({ conversationId, runId: first.runId, epoch: 1 }, ''), epoch: null, reason: 'cancelled' });
    await wholeRun(log, { conversationId });
    // 201 messages: the oldest lives in the database only, and pages say so.
    expect(await page(seed[2]!.messageId, 5)).toMatchObject({ hasMore: true, messages: [{ text: '1' }] });
    expect(await page(seed[0]!.messageId, 5)).toEqual({ kind: 'page', hasMore: true, messages: [] });
    expect(await log.readHistory({ conversationId: newId(), userId: USER, limit: 5 })).toEqual({ kind: 'none' });
    // Its name is still known: an edit may hang under it.
    expect(await log.beginRun(promptOf({ conversationId, parentId: seed[0]!.messageId }))).toMatchObject({ outcome: 'started' });
  });

  test('L-3 what is published is what is stored, byte for byte and in order', async () => {
    const { log, other } = current();
    const run = await startRun(log);
    const { conversationId } = run;
    const { logId, offset } = await snapshotOf(log, conversationId);
    const followed = await collect(other, conversationId);
    const same = await collect(other, conversationId);
    let at = 0;
    for (const text of ['Xin ', 'chào ', '😀 "', '\u2028']) {
      await append(log, run, at, text);
      at += Buffer.byteLength(text);
    }
    await log.endRun(endOf(run, 'Xin chào 😀 "\u2028'));
    await log.setTitle({ conversationId, userId: USER, title: 'Tiêu đề "mới"' });
    const tail = await log.readState({ conversationId, cursor: { logId, offset } });
    const stored = tail.kind === 'tail' ? tail.entries : [];
    expect(stored).toHaveLength(6);
    await waitFor(() => followed.entries.length === 6 && same.entries.length === 6);
    expect(followed.entries).toEqual(stored);
    expect(same.entries).toEqual(stored);
    for (const { json, offset: position } of stored) {
      expect(
        json.startsWith(
          `{"type":"${(JSON.parse(json) as { type: string }).type}","conversationId":"${conversationId}","offset":${position},`,
        ),
      ).toBe(true);
    }
    await followed.close();
    await append(log, await startRun(log, { conversationId }), 0, 'more');
    await waitFor(() => same.entries.length === 9);
    expect(followed.entries).toHaveLength(6);
    await same.close();
  });

  test('a hint reaches followers and is not of the log', async () => {
    const { log, other } = current();
    const { conversationId } = await startRun(log);
    const followed = await collect(other, conversationId);
    const hint = JSON.stringify({ type: 'typing', conversationId, userId: USER, active: true });
    await log.publishHint(conversationId, hint);
    await waitFor(() => followed.hints.length === 1);
    expect(followed.hints).toEqual([hint]);
    expect((await snapshotOf(log, conversationId)).offset).toBe(3);
    await followed.close();
  });

  test('a user sees the conversations changed last first, page by page', async () => {
    const { log } = current();
    const userId = `{reader}/${newId()}`;
    const ids: string[] = [];
    const list = async (query: { after?: string; limit: number }): Promise<string[]> =>
      (await log.listConversations({ userId, ...query })).conversations.map((conversation) => conversation.conversationId);
    for (const title of ['one', 'two', 'three']) {
      ids.unshift((await startRun(log, { userId, title })).conversationId);
      await listedFirst(log, userId, ids[0]!);
    }
    expect(await list({ limit: 10 })).toEqual(ids);
    const first = await log.listConversations({ userId, limit: 2 });
    expect(first).toMatchObject({ hasMore: true, conversations: [{ title: 'three' }, { title: 'two' }] });
    expect(await log.listConversations({ userId, limit: 2, after: ids[1]! })).toMatchObject({
      hasMore: false,
      conversations: [{ title: 'one' }],
    });
    // One that has gone from the list since: the first page would come again and again.
    expect(await list({ limit: 2, after: newId() })).toEqual([]);
    await log.setTitle({ conversationId: ids[2]!, userId, title: 'renamed' });
    await waitFor(async () => (await list({ limit: 10 }))[0] === ids[2]);
    expect((await log.listConversations({ userId, limit: 1 })).conversations[0]).toMatchObject({ title: 'renamed' });
    await log.deleteConversation({ conversationId: ids[0]!, userId });
    await waitFor(async () => !(await list({ limit: 10 })).includes(ids[0]!));
    expect(await log.listConversations({ userId: newId(), limit: 5 })).toEqual({ conversations: [], hasMore: false });
  });

  test('an answer that ended moves its conversation to the front, and nothing back into the list', async () => {
    const { log } = current();
    const userId = newId();
    const list = () => listOf(log, userId, 10);
    const [first, second] = [await startListed(log, userId), await startListed(log, userId)];
    await log.endRun(endOf(first, ''));
    await waitFor(async () => (await list()).join() === [first.conversationId, second.conversationId].join());
    const third = await startListed(log, userId);
    await log.deleteConversation({ conversationId: third.conversationId, userId });
    await waitFor(async () => (await list()).length === 2);
    await log.endRun(endOf(third, ''));
    await log.endRun(endOf(second, ''));
    await waitFor(async () => (await list()).join() === [second.conversationId, first.conversationId].join());
  });
};
