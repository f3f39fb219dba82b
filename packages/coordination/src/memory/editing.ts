import { withoutText } from '@runnel/protocol';
import { RESET_TYPE, type ChangeResult, type Preset, type ProposeTitle, type ProposeTitleResult, type RunLog } from '../run-log/run-log.ts';
import { repeats } from '../messages.ts';
import type { MemoryConversation, MemoryStore } from './store.ts';

interface Change {
  conversationId: string;
  userId: string;
}

const own = (store: MemoryStore, { conversationId, userId }: Change): MemoryConversation | 'not-found' | 'forbidden' => {
  const conversation = store.conversations.get(conversationId);
  if (!conversation) return 'not-found';
  return conversation.userId === userId ? conversation : 'forbidden';
};

export const setTitle = (store: MemoryStore, command: Change & { title: string }): ChangeResult => {
  const conversation = own(store, command);
  if (typeof conversation === 'string') return { outcome: conversation };
  store.recheck(conversation);
  const title = command.title.toWellFormed();
  Object.assign(conversation, { title, untitled: false, titled: 'person' });
  const offset = store.emit(conversation, 'title', { title });
  store.audit(conversation, 'TITLE_CHANGED', { title });
  store.touch(conversation);
  return { outcome: 'done', offset };
};

export const proposeTitle = (store: MemoryStore, command: ProposeTitle): ProposeTitleResult => {
  const conversation = own(store, command);
  if (typeof conversation === 'string') return { outcome: 'gone' };
  const { generation, lossy, untitled, unproven, messages, titled } = conversation;
  if (generation !== store.generation.n || lossy !== null || untitled || unproven) return { outcome: 'doubtful' };
  const { promptId, runId, expected, model } = command;
  const madeOf = [promptId, runId];
  if (madeOf.some((id) => (messages.get(id)?.status ?? 'deleted') === 'deleted')) return { outcome: 'gone' };
  if (titled || conversation.title !== expected.toWellFormed()) return { outcome: 'kept' };
  const title = command.title.toWellFormed();
  Object.assign(conversation, { title, titled: { madeOf, title } });
  const offset = store.emit(conversation, 'title', { title });
  store.audit(conversation, 'TITLE_CHANGED', { title, model });
  store.touch(conversation);
  return { outcome: 'named', offset };
};

/** Whether a model made the title of that message. A title that came since is not. */
const isMadeOf = ({ titled, title }: MemoryConversation, messageId: string): boolean =>
  typeof titled === 'object' && titled.title === title && titled.madeOf.includes(messageId);

/** True when the database's title is newer than one from when a run began. */
export const adoptTitle = (conversation: MemoryConversation, stored: string): boolean => {
  const title = stored.toWellFormed();
  const isNewer = title !== '' && conversation.untitled === true && conversation.title !== title;
  if (title !== '') conversation.untitled = false;
  if (isNewer) conversation.title = title;
  return isNewer;
};

export const setPreset = (store: MemoryStore, command: Change & Preset): ChangeResult => {
  const conversation = own(store, command);
  if (typeof conversation === 'string') return { outcome: conversation };
  store.recheck(conversation);
  const { system, model } = command;
  for (const [name, value] of Object.entries({ system, model })) {
    if (value === '') delete conversation[name as 'system'];
    else if (value !== undefined) conversation[name as 'system'] = value.toWellFormed();
  }
  if (model) conversation.preset = true;
  const told = { ...(system !== undefined && { text: system.toWellFormed() }), ...(model !== undefined && { model }) };
  store.audit(conversation, 'PRESET_CHANGED', told);
  store.touch(conversation);
  return { outcome: 'done', offset: conversation.offset };
};

export const deleteMessage = (store: MemoryStore, command: Parameters<RunLog['deleteMessage']>[0]): ChangeResult => {
  const conversation = own(store, command);
  if (typeof conversation === 'string') return { outcome: conversation };
  const { messageId, stored } = command;
  if (conversation.active === messageId) return { outcome: 'busy', runId: messageId };
  const message = conversation.messages.get(messageId);
  const isOlder = conversation.trimmed && !message;
  if (isOlder && stored === 'ask') return { outcome: 'not-found', older: true };
  const found = isOlder && typeof stored === 'object' ? stored : null;
  if (!conversation.ids.has(messageId) && !found) return { outcome: 'not-found' };
  const words = message?.text ?? found?.text ?? '';
  if (message?.status === 'deleted') return { outcome: 'done', offset: conversation.offset };
  if (message) conversation.messages.set(messageId, withoutText(message));
  const run = store.runOf(conversation.conversationId, messageId);
  if (run) Object.assign(run, { text: '', bytes: 0, parts: [] });
  // A running answer may have the words above it.
  const running = isOlder && conversation.active !== null && store.runOf(conversation.conversationId, conversation.active);
  if (running) running.thread = running.thread?.map((turn) => (turn.messageId === messageId ? withoutText(turn) : turn));
  store.recheck(conversation);
  const offset = store.emit(conversation, 'message-deleted', { messageId });
  conversation.log = conversation.log.slice(-1);
  store.wake({ kind: 'deleted', conversationId: conversation.conversationId, messageId });
  store.audit(conversation, 'MESSAGE_DELETED', { messageId });
  const untitled = repeats(conversation.title, words) || isMadeOf(conversation, messageId);
  if (untitled) Object.assign(conversation, { title: '', untitled: false, titled: undefined });
  const last = untitled ? store.emit(conversation, 'title', { title: '' }) : offset;
  if (untitled) store.audit(conversation, 'TITLE_CHANGED', { title: '' });
  if (untitled) store.touch(conversation);
  else store.keepLonger(conversation);
  return { outcome: 'done', offset: last };
};

/** An older copy of another log, or one that went on since, was made again by its owner: it stays. */
const isDeadCopy = ({ before, messages }: MemoryConversation, { logId, at }: { logId: string; at: number }): boolean =>
  before?.logId === logId && ![...messages.values()].some(({ role, createdAt }) => role === 'user' && createdAt > at);

/** Whose deletion it is when nothing of its owner stays. */
const EVERYBODY = null;

export const deleteConversation = (store: MemoryStore, command: Parameters<RunLog['deleteConversation']>[0]): ChangeResult => {
  const conversation = own(store, command);
  if (typeof conversation === 'string') return { outcome: conversation };
  if (command.heard && !isDeadCopy(conversation, command.heard)) return { outcome: 'not-found' };
  const { conversationId, userId, offset } = conversation;
  if (command.heard?.remade) {
    closeDeleted(store, conversation);
    store.whose.hold(conversationId, userId);
    store.publish(conversationId, JSON.stringify({ type: RESET_TYPE, conversationId }));
    return { outcome: 'done', offset };
  }
  const { forget = false, deletedBy = userId } = command;
  store.audit(conversation, 'SESSION_DELETED', { ...(!command.heard && { deletedBy }), ...(forget && { erased: true }) });
  closeDeleted(store, conversation);
  store.noteDeleted(conversationId, forget ? EVERYBODY : userId);
  if (forget) store.whose.free(conversationId);
  else store.whose.hold(conversationId, userId);
  store.publish(conversationId, JSON.stringify({ type: RESET_TYPE, conversationId }));
  store.wake({ kind: 'deleted', conversationId });
  return { outcome: 'done', offset };
};

/** The conversation goes; a running answer is closed and can not be restored by its owner. */
export const closeDeleted = (store: MemoryStore, { conversationId, active }: MemoryConversation): void => {
  for (const run of store.runs.values()) {
    if (run.conversationId !== conversationId) continue;
    Object.assign(run, { text: '', bytes: 0, parts: [], waiting: null, thread: undefined });
    if (run.runId !== active) continue;
    Object.assign(run, { status: 'deleted', owner: null, queuedAt: null, cancel: null });
    store.forgetLater(run);
  }
  store.conversations.delete(conversationId);
};
