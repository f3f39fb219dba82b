import { newId, type Message, type Role } from '@runnel/protocol';
import type { MemoryConversation, MemoryStore } from './store.ts';
import type { BeginRun, BeginRunResult } from '../run-log.ts';

/** What `begin-run.lua` does, in memory; step by step in the same order. */
export const beginRun = (store: MemoryStore, command: BeginRun): BeginRunResult => {
  store.sweep();
  const { conversationId, userId, runId, model, trace = '', making = 'proven' } = command;
  let { message, parentId: asked } = command;
  const existing = store.conversations.get(conversationId);
  if (store.whose.isTheirs(conversationId, userId, existing?.userId))
    return { outcome: 'forbidden', ...((!existing || existing.unproven) && { doubtful: true }) };
  if (!existing && making === 'no') return { outcome: 'none' };
  const seen = existing && ((message && existing.ids.get(message.messageId)) ?? existing.ids.get(runId));
  // A question that came back without its run is answered when it is asked again.
  const unanswered = existing && seen && message && !existing.active && seen.runId === message.messageId ? message.messageId : null;
  if (unanswered !== null && !existing!.ids.has(runId) && existing!.messages.has(unanswered)) [asked, message] = [unanswered, null];
  else if (seen) return { outcome: 'duplicate', ...seen };
  if (existing?.active) return { outcome: 'busy', runId: existing.active };
  const isLossy = existing && (existing.lossy !== null || existing.generation !== store.generation.n);
  if (isLossy && making === 'no') return { outcome: 'lossy' };

  let parentId = asked === undefined ? (existing?.leaf ?? null) : asked;
  const isOpen = !existing && making === 'unproven';
  if (parentId !== null && asked !== undefined && !isOpen && !existing?.ids.has(parentId)) return { outcome: 'not-found' };
  if (!message) {
    const question = parentId === null ? undefined : existing?.messages.get(parentId);
    if (question?.role !== 'user' || question.status === 'deleted') return { outcome: 'not-found' };
  }

  if (existing) store.recheck(existing);
  const conversation = existing ?? create(store, command, trace);
  // There may be earlier turns in the database.
  if (isOpen) Object.assign(conversation, { unproven: true, trimmed: true });
  const now = store.now();
  const said: string[] = [];
  const say = (messageId: string, role: Role, text: string): void => {
    const author = role === 'user' ? { author: userId } : {};
    const made: Message = { messageId, parentId, role, text: text.toWellFormed(), status: 'complete', createdAt: now, ...author };
    store.keep(conversation, made);
    store.emit(conversation, 'message', { message: made });
    store.audit(conversation, 'CHAT_MESSAGE', { message: made }, trace);
    parentId = messageId;
    said.push(messageId);
  };
  if (!existing && message) for (const turn of command.seed ?? []) say(turn.messageId, turn.role, turn.text);
  if (message) say(message.messageId, 'user', message.text);
  if (!existing) store.emit(conversation, 'title', { title: conversation.title });
  const offset = store.emit(conversation, 'run-started', { runId, parentId, model, epoch: 1, startedAt: now });
  store.audit(conversation, 'STREAM_STARTED', { runId, parentId, model, startedAt: now }, trace);

  for (const id of [runId, ...said, ...(unanswered === null ? [] : [unanswered])]) conversation.ids.set(id, { runId, offset });
  conversation.active = runId;
  conversation.leaf = parentId;
  store.putRun({
    conversationId,
    runId,
    status: 'running',
    parentId,
    model,
    startedAt: now,
    trace,
    request: command.request,
    text: '',
    bytes: 0,
    parts: [],
    step: 0,
    waiting: null,
    // A run of this name may have been in a conversation deleted minutes ago, and its owner may still write.
    epoch: store.runOf(conversationId, runId)?.epoch ?? 0,
    owner: null,
    expires: 0,
    leaseMs: 0,
    tries: 0,
    cancel: null,
    queuedAt: now,
  });
  store.touch(conversation);
  store.whose.hold(conversationId, userId);
  return { outcome: 'started', runId, offset };
};

const create = (store: MemoryStore, { conversationId, userId, title }: BeginRun, trace: string): MemoryConversation => {
  const conversation = store.create(conversationId, userId, title.toWellFormed(), newId());
  store.audit(conversation, 'SESSION_STARTED', { title: conversation.title }, trace);
  return conversation;
};
