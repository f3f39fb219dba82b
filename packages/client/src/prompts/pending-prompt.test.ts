import { emptyConversation, type ConversationState } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { fateOf, shownFateOf, withoutShown, type PendingPrompt } from './pending-prompt.ts';
import { message } from '../../testing/wire.ts';

const prompt = (change: Partial<PendingPrompt> = {}): PendingPrompt => ({
  ...{ messageId: 'u1', conversationId: 'c1', runId: 'a1', text: 'x', status: 'sent', error: null, offset: 3, createdAt: 0 },
  ...change,
});
const at = (change: Partial<ConversationState> = {}): ConversationState => ({
  ...emptyConversation('c1'),
  ...{ logId: 'l1', offset: 5 },
  ...change,
});
const held = { messages: [message('u1')] };
const answer = { ...message('a1'), role: 'assistant' as const, parentId: 'u1' };
const running = { runId: 'a1', parentId: 'u1', model: 'm', epoch: 1, text: '', startedAt: 0, bytes: 0, moves: 0 };

test.each([
  ['it is in the log', 'shown', prompt(), at(held)],
  ['the event came before its ok', 'shown', prompt({ status: 'sending' }), at(held)],
  ['its place is still to come', 'open', prompt({ offset: 6 }), at()],
  ['there is no log yet', 'open', prompt({ offset: 0 }), at({ logId: null, offset: 0 })],
  ['nothing was answered yet', 'open', prompt({ status: 'sending' }), at()],
  ['it stands above what is held', 'passed', prompt(), at({ hasMore: true })],
  ['the log is past its place without it', 'lost', prompt(), at()],
  ['it was told twice that it is there', 'passed', prompt({ again: 'l1' }), at()],
  ['it was asked again in an earlier log', 'lost', prompt({ again: 'l0' }), at()],
  ['its question is there and it goes out again', 'open', prompt({ again: 'l1', status: 'queued' }), at(held)],
])('B2 what a conversation says of a prompt: %s', (_, fate, given, conversation) => {
  expect(fateOf(given, conversation)).toBe(fate);
  const isHidden = conversation.messages.length > 0 || fate === 'passed';
  expect(withoutShown([given], conversation)).toHaveLength(isHidden ? 0 : 1);
});

test.each([
  ['nothing changed', 'kept', at(held)],
  ['nothing changed, and it stands above what is held', 'kept', at({ hasMore: true })],
  ['the log has another name and all of it', 'moved', at({ ...held, logId: 'l2', run: running })],
  ['another log has neither', 'lost', at({ logId: 'l2' })],
  ['another log has its question, and no run', 'lost', at({ ...held, logId: 'l2' })],
  ['another log has its question, and another run', 'lost', at({ ...held, logId: 'l2', run: { ...running, runId: 'a9' } })],
  ['there is no log', 'gone', at({ logId: null, offset: 0 })],
  ['it was answered', 'over', at({ messages: [message('u1'), answer] })],
  ['another log has its answer', 'over', at({ logId: 'l2', messages: [answer] })],
  ['somebody asked for another answer, which is there', 'over', at({ messages: [message('u1'), { ...answer, messageId: 'a2' }] })],
  ['it was deleted', 'over', at({ messages: [{ ...message('u1'), text: '', status: 'deleted' }] })],
])('B2 what becomes of a prompt that was shown: %s', (_, fate, conversation) => {
  expect(shownFateOf({ messageId: 'u1', runId: 'a1', logId: 'l1' }, conversation)).toBe(fate);
});
