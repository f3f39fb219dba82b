import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { PAGE_BYTES } from '../../src/limits.ts';
import type { StoredMessage } from '../../src/run-log/run-log.ts';
import { append, promptOf, snapshotOf, startRun, wholeRun, USER, type Current } from './world.ts';

const sizeOf = (messages: readonly StoredMessage[]): number =>
  messages.reduce((sum, message) => sum + Buffer.byteLength(JSON.stringify(message)), 0);

export const pagesContract = (current: Current): void => {
  test('S-6 snapshots and pages are bounded in bytes, and every message is read by paging on', async () => {
    const { log } = current();
    const seed = Array.from({ length: 40 }, (_, index) => ({
      messageId: newId(),
      role: 'user' as const,
      // From nothing to what is larger than a page alone, in three-byte characters.
      text: '漢'.repeat(index % 13 === 7 ? 200_000 : index * 800),
    }));
    const prompt = promptOf({ seed });
    await log.beginRun(prompt);
    const { conversationId } = prompt;
    const snapshot = await snapshotOf(log, conversationId);
    expect(snapshot.hasMore).toBe(true);
    expect(sizeOf(snapshot.messages)).toBeLessThanOrEqual(PAGE_BYTES);
    expect(snapshot.messages.at(-1)!.messageId).toBe(prompt.message.messageId);

    const read: string[] = [];
    let before: string | undefined;
    for (let pages = 0; pages < 60; pages++) {
      const page = await log.readHistory({ conversationId, userId: USER, limit: 50, ...(before !== undefined && { before }) });
      if (page.kind !== 'page') throw new Error(page.kind);
      expect(page.messages.length === 1 || sizeOf(page.messages) <= PAGE_BYTES).toBe(true);
      read.unshift(...page.messages.map(({ messageId }) => messageId));
      before = page.messages[0]!.messageId;
      if (!page.hasMore) break;
      expect(page.cut).toBe(true);
    }
    expect(read).toEqual([...seed.map(({ messageId }) => messageId), prompt.message.messageId]);
  });

  test('S-2 W-11 what a prompt begins with is the beginning of a new conversation, and is said in no other', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log);
    const before = await snapshotOf(log, conversationId);
    const next = promptOf({ conversationId, seed: [{ messageId: newId(), role: 'user', text: 'never said here' }] });
    expect(await log.beginRun(next)).toMatchObject({ outcome: 'started' });
    const { messages } = await snapshotOf(log, conversationId);
    const ids = [...before.messages, next.message].map(({ messageId }) => messageId);
    expect(messages.map(({ messageId }) => messageId)).toEqual(ids);
  });

  test('S-6 W-11 an answer larger than a page is in the snapshot, alone', async () => {
    const { log } = current();
    const text = 'x'.repeat(PAGE_BYTES + 1000);
    const run = await wholeRun(log, {}, text);
    const snapshot = await snapshotOf(log, run.conversationId);
    expect(snapshot).toMatchObject({ hasMore: true, messages: [{ messageId: run.runId, text }] });
  });

  test('S-6 the text of a running answer is whole in the snapshot, however long', async () => {
    const { log } = current();
    const run = await startRun(log);
    const piece = 'y'.repeat(300_000);
    for (let at = 0; at < 4; at++) await append(log, run, at * piece.length, piece);
    const snapshot = await snapshotOf(log, run.conversationId);
    expect(snapshot.run?.text).toBe(piece.repeat(4));
    expect(snapshot.messages).toHaveLength(1);
  });
};
