import { answerOf, runOfMessages } from '../messages.ts';
import { endOfParts } from '../parts.ts';
import { ENDED } from './runs.ts';
import type { MemoryStore } from './store.ts';
import type { RestoreEnd, RestoreEndResult } from '../run-log/run-log.ts';

/** What `restore-end.lua` does, in memory; step by step in the same order. */
export const restoreEnd = (store: MemoryStore, command: RestoreEnd): RestoreEndResult => {
  const {
    conversationId,
    epoch,
    newLogId,
    userId,
    title,
    run: restored,
    messages,
    text: _text,
    parts: ending,
    firstWordMs: _first,
    ...facts
  } = command;
  const { sum } = endOfParts(ending);
  const ended = { ...facts, ...(sum && { parts: sum }) };
  const { runId, parentId, model, startedAt } = restored;
  const existing = store.conversations.get(conversationId);
  const known = store.runOf(conversationId, runId);
  const text = command.text.toWellFormed();
  if (existing && existing.userId !== userId) return { outcome: 'closed' };
  if (!existing && (known?.status === 'deleted' || store.isDeleted(conversationId))) return { outcome: 'closed' };
  if (existing && known?.status !== 'running' && existing.createdAt > startedAt) return { outcome: 'closed' };
  if ((known && known.status !== 'running') || existing?.messages.has(runId)) return { outcome: 'stands' };
  if (existing && !known && existing.ids.has(runId)) return { outcome: 'stands' };
  if (existing?.active && existing.active !== runId) return { outcome: 'busy' };

  const conversation = existing ?? store.create(conversationId, userId, title, newLogId);
  if (!existing) Object.assign(conversation, { trimmed: true, untitled: true, createdAt: startedAt });
  Object.assign(conversation, {
    logId: newLogId,
    offset: 0,
    auditSequence: 0,
    log: [],
    generation: store.generation.n,
    before: null,
    lossy: store.now(),
  });
  for (const { message, madeRun } of runOfMessages(messages, restored)) {
    if (conversation.ids.has(message.messageId)) continue;
    conversation.ids.set(message.messageId, { runId: madeRun, offset: 0 });
    store.keep(conversation, message);
    store.emit(conversation, 'message', { message });
  }
  store.keep(conversation, answerOf(restored, text, command));
  const fields = { ...ended, endedAt: store.now() };
  const offset = store.emit(conversation, 'run-ended', fields);
  conversation.ids.set(runId, { runId, offset });
  conversation.leaf = runId;
  conversation.active = null;
  const trace = known?.trace ?? '';
  store.audit(conversation, ENDED[ended.reason], { parentId, model, epoch, startedAt, restored: true, ...fields, text }, trace);
  const record = { conversationId, runId, status: ended.reason, parentId, model, startedAt, trace };
  const nobody = { owner: null, expires: 0, leaseMs: 0, tries: 0, cancel: null, queuedAt: null };
  const run = {
    ...record,
    ...nobody,
    text: '',
    bytes: 0,
    parts: [],
    step: 0,
    waiting: null,
    epoch: Math.max(known?.epoch ?? 0, epoch),
  };
  store.putRun(run);
  store.forgetLater(run);
  store.touch(conversation);
  store.whose.hold(conversationId, userId);
  return { outcome: 'restored', logId: newLogId };
};
