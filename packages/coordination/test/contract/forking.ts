import { newId, type Message, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import { collect, promptOf, snapshotOf, startRun, USER, type Current } from './world.ts';

const FILE: Part = {
  ...{ partId: 'f1', index: 0, at: 0, kind: 'file', state: 'done' },
  ...{ fileId: 'f', name: 'ảnh', mediaType: 'image/png', bytes: 3, sha256: 'a'.repeat(64) },
};
const THOUGHT: Part = { partId: 't1', index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'nghĩ '.repeat(5_000) };

/** A question with a file and an answer with a thought longer than a message shows, so often. */
export const branch = (turns = 1): Message[] => {
  const messages: Message[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const parentId = messages.at(-1)?.messageId ?? null;
    const asked = newId();
    const [files, thoughts] = [{ parts: [{ ...FILE, partId: newId() }] }, { parts: [{ ...THOUGHT, partId: newId() }] }];
    messages.push(
      { messageId: asked, parentId, role: 'user', text: 'hỏi "\u2028', status: 'complete', createdAt: 1 + turn, author: USER, ...files },
      {
        ...{ messageId: newId(), parentId: asked, role: 'assistant', text: 'đáp', status: 'complete', model: 'count', createdAt: 2 + turn },
        receipt: { sha256: 'b'.repeat(64), bytes: 5, durationMs: 7, nodes: ['pod-a'] },
        ...thoughts,
      },
    );
  }
  return messages;
};
const forkOf = (messages = branch()) => ({
  conversationId: newId(),
  userId: USER,
  title: 'Nhánh',
  from: { conversationId: newId(), messageId: messages.at(-1)!.messageId },
  messages,
});

export const forkingContract = (current: Current): void => {
  test('a branch is a conversation of its own, with names, times, parts and proofs as they were, and goes on', async () => {
    const { log, other } = current();
    const command = forkOf();
    const { conversationId, messages } = command;
    const followed = await collect(other, conversationId);
    expect(await log.forkConversation(command)).toEqual({ outcome: 'forked' });
    await waitFor(() => followed.hints.length === 1);
    await followed.close();
    const shown = await snapshotOf(log, conversationId);
    expect(shown).toMatchObject({ offset: 0, title: 'Nhánh', run: null, hasMore: false });
    expect(shown.messages.map(({ parts: _, ...message }) => message)).toEqual(messages.map(({ parts: _, ...message }) => message));
    expect(shown.messages[0]!.parts).toMatchObject([{ kind: 'file', fileId: 'f', name: 'ảnh' }]);
    expect(shown.messages[1]!.parts).toMatchObject([{ kind: 'reasoning', truncated: true, bytes: Buffer.byteLength(THOUGHT.text!) }]);

    // W-4: what was asked in the branch is not asked again.
    const again = { messageId: messages[0]!.messageId, text: 'hỏi' };
    expect(await log.beginRun(promptOf({ conversationId, message: again }))).toMatchObject({
      outcome: 'duplicate',
      runId: messages[1]!.messageId,
    });
    await startRun(log, { conversationId });
    const { messages: after } = await snapshotOf(log, conversationId);
    expect(after.at(-1)!.parentId).toBe(messages[1]!.messageId);
  });

  test('of many that try at once one makes it; another id of the person is not written over', async () => {
    const { log, other } = current();
    const command = forkOf();
    const outcomes = await Promise.all([log, other, log, other].map(async (one) => (await one.forkConversation(command)).outcome));
    expect(outcomes.toSorted()).toEqual(['duplicate', 'duplicate', 'duplicate', 'forked']);
    const before = await snapshotOf(log, command.conversationId);
    expect(await log.forkConversation({ ...forkOf(), conversationId: command.conversationId })).toEqual({ outcome: 'exists' });
    expect(await snapshotOf(log, command.conversationId)).toEqual(before);
  });

  test('S-1 nobody forks into what is another’s, also when it is gone', async () => {
    const { log } = current();
    const command = forkOf();
    expect(await log.forkConversation({ ...command, making: 'no' })).toEqual({ outcome: 'none' });
    expect(await log.forkConversation(command)).toEqual({ outcome: 'forked' });
    expect(await log.forkConversation({ ...command, userId: 'user-2' })).toEqual({ outcome: 'forbidden' });
    await log.deleteConversation({ conversationId: command.conversationId, userId: USER });
    expect(await log.forkConversation({ ...command, userId: 'user-2' })).toMatchObject({ outcome: 'forbidden' });
  });

  test('B13 one that was made while the database could not be asked is unproven, and may have more there', async () => {
    const { log } = current();
    const command = { ...forkOf(), making: 'unproven' as const };
    expect(await log.forkConversation(command)).toEqual({ outcome: 'forked' });
    expect(await snapshotOf(log, command.conversationId)).toMatchObject({ unproven: true, hasMore: true });
    const proven = forkOf();
    await log.forkConversation(proven);
    expect((await snapshotOf(log, proven.conversationId)).unproven ?? false).toBe(false);
  });

  test('a command that comes again after the deletion brings nothing back', async () => {
    const { log } = current();
    const command = forkOf();
    await log.forkConversation(command);
    await log.deleteConversation({ conversationId: command.conversationId, userId: USER });
    expect(await log.forkConversation(command)).toEqual({ outcome: 'gone' });
    expect(await log.readState({ conversationId: command.conversationId })).toEqual({ kind: 'none' });
  });

  test('a long branch keeps its newest messages here, and says that there are more', async () => {
    const { log } = current();
    const command = forkOf(branch(110));
    expect(await log.forkConversation(command)).toEqual({ outcome: 'forked' });
    const page = await log.readHistory({ ...command, limit: 200 });
    const ids = command.messages.map(({ messageId }) => messageId);
    expect(page).toMatchObject({ kind: 'page', hasMore: true });
    const shown = page.kind === 'page' ? page.messages.map(({ messageId }) => messageId) : [];
    expect(shown).toEqual(ids.slice(-shown.length));
    expect(await snapshotOf(log, command.conversationId)).toMatchObject({ hasMore: true });
  });

  test.each([
    ['nothing', []],
    ['no root', branch(2).slice(1)],
    ['a gap', branch(3).toSpliced(2, 1)],
    ['too many', branch(251)],
  ])('a torn branch is refused: %s', async (_, messages) => {
    const { log } = current();
    const command = { ...forkOf(), messages };
    await expect(log.forkConversation(command)).rejects.toMatchObject({ code: 'bad-frame' });
    expect(await log.readState({ conversationId: command.conversationId })).toEqual({ kind: 'none' });
  });
};
