import { newId } from '@runnel/protocol';
import { forkedMessages } from '../messages.ts';
import { RESET_TYPE, type ForkConversation, type ForkResult } from '../run-log/run-log.ts';
import type { MemoryStore } from './store.ts';

/** What `fork-conversation.lua` does, in memory; step by step in the same order. */
export const forkConversation = (store: MemoryStore, command: ForkConversation): ForkResult => {
  const { conversationId, userId, title, from, making = 'proven', system = '', model = '' } = command;
  const messages = forkedMessages(command.messages);
  const existing = store.conversations.get(conversationId);
  if (store.whose.isTheirs(conversationId, userId, existing?.userId))
    return { outcome: 'forbidden', ...((!existing || existing.unproven) && { doubtful: true }) };
  if (existing) return { outcome: existing.ids.has(messages.at(-1)!.message.messageId) ? 'duplicate' : 'exists' };
  if (store.isDeleted(conversationId, userId)) return { outcome: 'gone' };
  if (making === 'no') return { outcome: 'none' };
  const conversation = store.create(conversationId, userId, title.toWellFormed(), newId());
  if (making === 'unproven') Object.assign(conversation, { unproven: true, trimmed: true });
  store.audit(conversation, 'SESSION_STARTED', { title: conversation.title, forkedFrom: from });
  for (const { message, madeRun, told } of messages) {
    store.keep(conversation, message);
    conversation.ids.set(message.messageId, { runId: madeRun, offset: 0 });
    conversation.leaf = message.messageId;
    store.audit(conversation, 'CHAT_MESSAGE', { message: told });
  }
  for (const { message, facts } of messages)
    for (const fact of facts) store.audit(conversation, 'PART_CHANGED', { runId: message.messageId, ...fact });
  if (system !== '') conversation.system = system.toWellFormed();
  if (model !== '') Object.assign(conversation, { model, preset: true });
  const own = { ...(system !== '' && { text: system.toWellFormed() }), ...(model !== '' && { model }) };
  if (Object.keys(own).length > 0) store.audit(conversation, 'PRESET_CHANGED', own);
  store.touch(conversation);
  store.whose.hold(conversationId, userId);
  store.publish(conversationId, JSON.stringify({ type: RESET_TYPE, conversationId }));
  return { outcome: 'forked' };
};
