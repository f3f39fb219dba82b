import { newId } from '@runnel/protocol';
import { answersOf } from './messages.ts';
import type { MemoryStore } from './memory-store.ts';
import { RESET_TYPE, type Rehydrate, type RehydrateResult } from './run-log.ts';

/** What `rehydrate.lua` does, in memory: how a conversation opens after a restart of `npm start`. */
export const rehydrate = (store: MemoryStore, { conversationId, userId, title, messages, hasMore }: Rehydrate): RehydrateResult => {
  const existing = store.conversations.get(conversationId);
  if (existing) return { outcome: existing.userId === userId ? 'exists' : 'forbidden' };
  if (store.isDeleted(conversationId)) return { outcome: 'gone' };
  const conversation = store.create(conversationId, userId, title.toWellFormed(), newId());
  conversation.trimmed = hasMore;
  for (const { message, madeRun } of answersOf(messages)) {
    store.keep(conversation, message);
    conversation.ids.set(message.messageId, { runId: madeRun, offset: 0 });
    conversation.leaf = message.messageId;
  }
  store.audit(conversation, 'RECOVERY_ATTEMPT', { kind: 'rehydrate', count: messages.length });
  store.touch(conversation);
  store.whose.hold(conversationId, userId);
  store.publish(conversationId, JSON.stringify({ type: RESET_TYPE, conversationId }));
  return { outcome: 'rehydrated', logId: conversation.logId };
};
