import { filesWeight, fitThread, newId, tokensOf, type Message, type Role } from '@runnel/protocol';
import { ownFields, pathTo } from '../messages.ts';
import { filesOf } from '../parts.ts';
import { LIMITS } from '../limits.ts';
import type { MemoryConversation, MemoryStore } from './store.ts';
import { DEFAULT_MODEL, type BeginRun, type BeginRunResult } from '../run-log/run-log.ts';

/** An answer that its model ended by itself: there is nothing to go on with. Of one without a word (an older pod's) nobody knows. */
const isWhole = ({ status, finish }: Message): boolean => status === 'complete' && (finish === 'stop' || finish === 'tools');

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
  if (unanswered !== null && !existing!.ids.has(runId) && existing!.messages.get(unanswered)?.role === 'user')
    [asked, message] = [unanswered, null];
  else if (seen) return { outcome: 'duplicate', ...seen };
  if (existing?.active) return { outcome: 'busy', runId: existing.active };
  const isLossy = existing && (existing.lossy !== null || existing.generation !== store.generation.n);
  if (isLossy && making === 'no') return { outcome: 'lossy' };

  let parentId = asked === undefined ? (existing?.leaf ?? null) : asked;
  const { continues, preset, room, blind, thread = [] } = command;
  if (thread === 'ask' && existing?.trimmed && !existing.unproven) {
    const missing = beyond(existing, continues ?? parentId, LIMITS.threadMessages + (continues === undefined ? 0 : 1));
    if (missing !== null) return { outcome: 'older', messageId: missing };
  }
  const missed = thread === 'ask' ? [] : thread.filter(({ messageId }) => !existing?.messages.has(messageId)).map(ownFields);
  const kept = new Map([...missed.map((turn) => [turn.messageId, turn] as const), ...(existing?.messages ?? [])]);
  const isOpen = !existing && making === 'unproven';
  if (parentId !== null && asked !== undefined && !isOpen && !existing?.ids.has(parentId) && !kept.has(parentId))
    return { outcome: 'not-found' };
  let brought = message?.parts;
  if (!message) {
    const question = !existing || parentId === null ? undefined : kept.get(parentId);
    if (question?.role !== 'user' || question.status === 'deleted') return { outcome: 'not-found' };
    brought = question.parts;
  }

  const earlier = !existing || continues === undefined ? undefined : kept.get(continues);
  const isOfParent = earlier?.role === 'assistant' && earlier.parentId === parentId;
  const canContinue = isOfParent && earlier.text !== '' && earlier.status !== 'deleted' && !isWhole(earlier);
  if (continues !== undefined && !canContinue) return { outcome: 'not-found' };
  const begun = earlier?.text ?? '';
  if (preset && existing?.model !== undefined && existing.model !== model) return { outcome: 'other-model', model: existing.model };
  const { tokens: weight, isSeen } = filesWeight(brought);
  if (isSeen && blind) return { outcome: 'unfit', why: 'blind' };
  if (room !== undefined && weight > room) return { outcome: 'unfit', why: 'room' };

  if (existing) store.recheck(existing);
  const conversation = existing ?? create(store, command, trace);
  // There may be earlier turns in the database.
  if (isOpen) Object.assign(conversation, { unproven: true, trimmed: true });
  const now = store.now();
  const said: string[] = [];
  const say = (messageId: string, role: Role, text: string, files: ReturnType<typeof filesOf> = []): void => {
    const author = role === 'user' ? { author: userId } : {};
    const made: Message = { messageId, parentId, role, text: text.toWellFormed(), status: 'complete', createdAt: now, ...author };
    const shown = files.length === 0 ? made : { ...made, parts: files.map(({ part }) => part) };
    store.keep(conversation, shown);
    store.emit(conversation, 'message', { message: shown });
    store.audit(conversation, 'CHAT_MESSAGE', { message: made }, trace);
    for (const { facts } of files) store.audit(conversation, 'PART_CHANGED', { runId: messageId, ...facts }, trace);
    parentId = messageId;
    said.push(messageId);
  };
  if (!existing && message) for (const turn of command.seed ?? []) say(turn.messageId, turn.role, turn.text);
  // The oldest message makes room for the new one; it may be of the thread.
  const [eldest] = message && missed.length > 0 && conversation.messages.size >= LIMITS.messages ? conversation.messages.values() : [];
  if (eldest) missed.push(eldest);
  if (message) say(message.messageId, 'user', message.text, filesOf(message));
  if (!existing) store.emit(conversation, 'title', { title: conversation.title });
  const path = pathTo([...missed, ...conversation.messages.values()], parentId);
  const own = room === undefined ? 0 : room - tokensOf(conversation.system ?? '');
  const trimmed = room === undefined ? null : fitThread(path, own).trimmed;
  const started = { runId, parentId, model, ...(trimmed && { trimmed }) };
  const offset = store.emit(conversation, 'run-started', { ...started, epoch: 1, startedAt: now });
  store.audit(conversation, 'STREAM_STARTED', { ...started, ...(continues !== undefined && { continues }), startedAt: now }, trace);
  if (existing?.preset && !preset && model !== existing.model) store.audit(conversation, 'PRESET_CHANGED', { model }, trace);
  if (begun !== '') store.emit(conversation, 'chunk', { runId, at: 0, t: now, text: begun });

  for (const id of [runId, ...said, ...(unanswered === null ? [] : [unanswered])]) conversation.ids.set(id, { runId, offset });
  conversation.active = runId;
  conversation.leaf = parentId;
  if (model !== DEFAULT_MODEL) conversation.model = model;
  store.putRun({
    conversationId,
    runId,
    status: 'running',
    parentId,
    model,
    startedAt: now,
    trace,
    request: command.request,
    text: begun,
    bytes: Buffer.byteLength(begun),
    ...(begun !== '' && { base: Buffer.byteLength(begun) }),
    ...(trimmed && { trimmed }),
    ...(missed.length > 0 && { thread: missed }),
    parts: [],
    step: Buffer.byteLength(begun),
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

/** The first of a message and its ancestors that is not here. */
const beyond = ({ messages }: MemoryConversation, messageId: string | null, most: number): string | null => {
  let id = messageId;
  for (let turn = 0; id !== null && turn < most; turn++) {
    const message = messages.get(id);
    if (!message) return id;
    id = message.parentId;
  }
  return null;
};

const create = (store: MemoryStore, { conversationId, userId, title }: BeginRun, trace: string): MemoryConversation => {
  const conversation = store.create(conversationId, userId, title.toWellFormed(), newId());
  store.audit(conversation, 'SESSION_STARTED', { title: conversation.title }, trace);
  return conversation;
};
