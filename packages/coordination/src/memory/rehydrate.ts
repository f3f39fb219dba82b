import { newId } from '@runnel/protocol';
import { LIMITS } from '../limits.ts';
import { adoptTitle } from './editing.ts';
import { answersOf } from '../messages.ts';
import { putBack } from './put-back.ts';
import type { MemoryConversation, MemoryStore } from './store.ts';
import { RESET_TYPE, type Preset, type Rehydrate, type RehydrateResult, type StoredMessage } from '../run-log/run-log.ts';

/** What `rehydrate.lua` does, in memory: how a conversation opens after a restart of `npm start`. */
export const rehydrate = (store: MemoryStore, command: Rehydrate): RehydrateResult => {
  const { conversationId, userId, title, messages, hasMore, system, model, parked } = command;
  const existing = store.conversations.get(conversationId);
  if (existing) return existing.userId === userId ? merge(store, existing, command) : { outcome: 'forbidden' };
  if (store.isDeleted(conversationId, userId)) return { outcome: 'gone' };
  const conversation = store.create(conversationId, userId, title.toWellFormed(), newId());
  Object.assign(conversation, { trimmed: hasMore, ...(system && { system }), ...(model && { model, preset: true }) });
  for (const { message, madeRun } of answersOf(messages, parked)) {
    store.keep(conversation, message);
    conversation.ids.set(message.messageId, { runId: madeRun, offset: 0 });
    conversation.leaf = message.messageId;
  }
  const cameBack = parked !== undefined && putBack(store, conversation, parked);
  tell(store, conversation, messages.length, cameBack ? parked : undefined);
  store.touch(conversation);
  store.whose.hold(conversationId, userId);
  store.publish(conversationId, JSON.stringify({ type: RESET_TYPE, conversationId }));
  return { outcome: 'rehydrated', logId: conversation.logId };
};

const own = (conversation: MemoryConversation, { system, model }: Preset): void => {
  conversation.system ??= system!;
  conversation.model ??= model!;
  if (model) conversation.preset = true;
};

const tell = (store: MemoryStore, conversation: MemoryConversation, count: number, parked: Rehydrate['parked']): void =>
  store.audit(conversation, 'RECOVERY_ATTEMPT', { kind: 'rehydrate', count, ...(parked && { runId: parked.runId }) });

/** To a conversation that may have lost its tail with the store's it adds what the database has more, under a new logId. */
const merge = (
  store: MemoryStore,
  conversation: MemoryConversation,
  { messages, parked, title, ...preset }: Rehydrate,
): RehydrateResult => {
  store.recheck(conversation);
  const { lossy, ids } = conversation;
  const lacks = (message: StoredMessage): boolean => {
    const kept = conversation.messages.get(message.messageId);
    return kept ? kept.status !== 'deleted' && message.status === 'deleted' : !ids.has(message.messageId);
  };
  if (lossy !== null) own(conversation, preset);
  const missing = lossy === null ? [] : answersOf(messages, parked).filter(({ message }) => lacks(message));
  if (lossy !== null && store.now() - lossy > LIMITS.lastLookMs) conversation.lossy = null;
  // Also where nothing else is missing: the database may have heard of it after the rest was put back.
  const cameBack = parked !== undefined && putBack(store, conversation, parked);
  const isUntitled = adoptTitle(conversation, title);
  if (missing.length === 0 && !isUntitled && !cameBack) return { outcome: 'exists' };
  Object.assign(conversation, { logId: newId(), offset: 0, auditSequence: 0, log: [] });
  // What runs in an older copy may have ended: who was shown that waits for it.
  if (conversation.active === null) conversation.before = null;
  for (const { message, madeRun } of missing) {
    if (conversation.messages.has(message.messageId)) conversation.messages.set(message.messageId, message);
    else {
      store.keep(conversation, message);
      ids.set(message.messageId, { runId: madeRun, offset: 0 });
      if (conversation.active === null) conversation.leaf = message.messageId;
    }
  }
  store.emit(conversation, 'title', { title: conversation.title });
  tell(store, conversation, missing.length, cameBack ? parked : undefined);
  store.touch(conversation);
  return { outcome: 'rehydrated', logId: conversation.logId };
};
