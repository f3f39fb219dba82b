import { newId } from '@runnel/protocol';
import { adoptTitle, closeDeleted } from './editing.ts';
import { LIMITS } from '../limits.ts';
import type { MemoryStore } from './store.ts';
import { answersOf } from '../messages.ts';
import type { ExpelResult, MergeStoredResult, StoreProofs } from '../proofs.ts';
import { RESET_TYPE, type Rehydrate } from '../run-log/run-log.ts';

/** What `merge-stored.lua` does, in memory. */
export const mergeStored = (store: MemoryStore, command: Rehydrate): MergeStoredResult => {
  const { conversationId, userId, title, messages, hasMore, system, model } = command;
  const conversation = store.conversations.get(conversationId);
  if (!conversation) return { outcome: 'gone' };
  if (conversation.userId !== userId) return { outcome: 'forbidden' };
  const lacking = answersOf(messages).filter(({ message }) => !conversation.ids.has(message.messageId));
  const { unproven } = conversation;
  const isUntitled = adoptTitle(conversation, title);
  if (lacking.length === 0 && !unproven && !isUntitled) return { outcome: 'proven' };
  store.whose.hold(conversationId, userId);
  if (unproven && system) conversation.system ??= system;
  if (unproven && model && conversation.model === undefined) Object.assign(conversation, { model, preset: true });
  for (const { message, madeRun } of lacking) conversation.ids.set(message.messageId, { runId: madeRun, offset: 0 });
  const all = [...lacking.map(({ message }) => [message.messageId, message] as const), ...conversation.messages];
  conversation.messages = new Map(all.slice(-LIMITS.messages));
  if (all.length > LIMITS.messages || hasMore) conversation.trimmed = true;
  else if (unproven) conversation.trimmed = false;
  conversation.unproven = false;
  if (lacking.length === 0 && !isUntitled) return { outcome: 'proven' };
  Object.assign(conversation, { logId: newId(), offset: 0, auditSequence: 0, log: [] });
  if (conversation.titled !== 'person') conversation.title = title.toWellFormed();
  store.emit(conversation, 'title', { title: conversation.title });
  store.audit(conversation, 'RECOVERY_ATTEMPT', { kind: 'merge', count: lacking.length });
  store.keepLonger(conversation);
  return { outcome: 'merged', logId: conversation.logId };
};

/** What `expel.lua` does, in memory. */
export const expel = (store: MemoryStore, command: Parameters<StoreProofs['expel']>[0]): ExpelResult => {
  const conversation = store.conversations.get(command.conversationId);
  const isMeant =
    conversation?.unproven && ('intruder' in command ? conversation.userId === command.intruder : conversation.userId !== command.rightful);
  if (!conversation || !isMeant) return { outcome: 'gone' };
  const { conversationId, userId } = conversation;
  closeDeleted(store, conversation);
  store.whose.free(conversationId);
  store.publish(conversationId, JSON.stringify({ type: RESET_TYPE, conversationId }));
  return { outcome: 'expelled', userId };
};
