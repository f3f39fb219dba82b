import { createMemoryRunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import type { Message } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TestOwner } from '../../testing/test-owner.ts';
import { withRehydration } from './rehydration.ts';

const asked = { conversationId: 'c', userId: 'ann' };
const said = (messageId: string, createdAt: number): Message => ({
  ...{ messageId, parentId: null, role: 'user' as const, text: messageId, status: 'complete' as const, createdAt, author: 'ann' },
});

/**
 * Ann asks, deletes the conversation and makes it again under its id; then the store goes back to a copy of before. The database has heard of
 * everything. `after`: a question of the new conversation is in the store again, written by a pod that remembers it. `other`: the copy is of another
 * log than the one that was deleted last. `running`: an answer runs in the copy. `remade`: else she only deleted it.
 */
const story = fc.record({
  before: fc.integer({ min: 1, max: 3 }),
  again: fc.integer({ min: 0, max: 3 }),
  after: fc.boolean(),
  other: fc.boolean(),
  running: fc.boolean(),
  remade: fc.boolean(),
  way: fc.constantFrom('state', 'history', 'prompt', 'title'),
});

test('B5 deleted, or made again under its id, and the store goes back behind that: nothing that was deleted stands, whoever comes first', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ before, again, after, other, running, remade, way }) => {
      let now = 1_000_000;
      const inner = new MemoryStore(() => now, 100);
      const store = createMemoryRunLog({ store: inner });
      const owner = new TestOwner(store);
      const ask = async (messageId: string, isAnswered: boolean): Promise<void> => {
        now += 10;
        const run = { ...asked, runId: `r-${messageId}`, model: 'default', title: 'Old', message: { messageId, text: messageId } };
        expect(await store.beginRun(run)).toMatchObject({ outcome: 'started' });
        if (!isAnswered) return;
        await owner.claim(run);
        await owner.say(run.runId, 'an answer');
        expect(await owner.end(run.runId)).toBe('ended');
      };
      for (let i = 0; i < before; i++) await ask(`old-${i}`, !running || after || i < before - 1);
      const state = await store.readState(asked);
      const logId = state.kind === 'snapshot' ? state.logId! : '';
      now += 10;
      const deleted = { logId: other ? 'another' : logId, at: now };
      now += 10;
      const messages = Array.from({ length: remade ? again : 0 }, (_, i) => said(`new-${i}`, now + i));
      inner.raise();
      if (after) await ask('new-restored', false);
      const page = { messages, hasMore: false, title: 'New', deleted };
      const runLog = withRehydration(store, {
        call: async () => (remade ? { status: 200, body: page } : { status: 404, body: { deleted } }),
      });

      const prompt = { ...asked, runId: 'r-next', model: 'default', title: 'Next', message: { messageId: 'next', text: 'next' } };
      const ways = {
        state: () => runLog.readState(asked),
        history: () => runLog.readHistory({ ...asked, limit: 100 }),
        prompt: () => runLog.beginRun(prompt),
        title: () => runLog.setTitle({ ...asked, title: 'Mine' }),
      };
      await ways[way]();
      const read = await runLog.readState(asked);
      const shown = read.kind === 'snapshot' ? read.messages.map(({ messageId }) => messageId) : [];
      const isDead = !other && !after;
      // What cannot be told from the new conversation stays: nothing is taken away that may be somebody's word.
      expect(shown.some((id) => id.startsWith('old-') || id.startsWith('r-old-'))).toBe(!isDead);
      for (const { messageId } of messages) expect(shown).toContain(messageId);
      if (after) expect(shown).toContain('new-restored');
      if (isDead) expect(await store.readState({ ...asked, userId: 'bob' })).toMatchObject({ kind: 'forbidden' });
    }),
    { numRuns: 100 },
  );
});
