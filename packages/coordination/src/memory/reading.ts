import { isListed, type Cursor } from '@runnel/protocol';
import { LIMITS, PAGE_BYTES, TAIL_LIMITS } from '../limits.ts';
import type { MemoryConversation, MemoryStore } from './store.ts';
import type { ConversationSummary, LogEntry, ReadState, ReadStateQuery, RunLog, StoredMessage } from '../run-log/run-log.ts';

/** The newest of them that have room in `PAGE_BYTES`: always the last, however large. */
const fitting = (messages: StoredMessage[]): StoredMessage[] => {
  let bytes = 0;
  let first = messages.length;
  while (first > 0) {
    bytes += Buffer.byteLength(JSON.stringify(messages[first - 1]));
    if (first < messages.length && bytes > PAGE_BYTES) break;
    first--;
  }
  return messages.slice(first);
};

/** Whether a cursor is further than the store was when it changed. */
const knewMore = (cursor: Cursor | null, logId: string, before: Cursor, sinceMs: number): boolean => {
  if (cursor === null || cursor.logId === logId) return false;
  return cursor.logId === before.logId ? cursor.offset > before.offset : sinceMs < LIMITS.newerMs;
};

/** Events that a reader who comes back may be handed. */
const logOf = (store: MemoryStore, conversation: MemoryConversation): readonly LogEntry[] => {
  if (conversation.active === null && store.now() - conversation.touchedAt >= LIMITS.quietLogMs) conversation.log = [];
  return conversation.log;
};

export const readState = (store: MemoryStore, { conversationId, userId, cursor, reach = 'near' }: ReadStateQuery): ReadState => {
  const conversation = store.conversations.get(conversationId);
  if (userId && store.whose.isTheirs(conversationId, userId, conversation?.userId))
    return { kind: 'forbidden', ...((!conversation || conversation.unproven) && { doubtful: true }) };
  if (!conversation) return { kind: 'none' };
  store.recheck(conversation);
  const { logId, offset, title, active } = conversation;
  const missed = offset - (cursor?.offset ?? 0);
  if (cursor?.logId === logId && missed >= 0 && missed <= TAIL_LIMITS[reach].events) {
    const entries = missed === 0 ? [] : logOf(store, conversation).slice(-missed);
    const bytes = entries.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
    if (entries.length === missed && bytes <= TAIL_LIMITS[reach].bytes) return { kind: 'tail', logId, offset, entries };
  }
  const messages = fitting([...conversation.messages.values()].slice(-LIMITS.pageMessages));
  const { before } = conversation;
  const isBehind = before !== null && knewMore(cursor ?? null, logId, before, store.now() - (conversation.lossy ?? -Infinity));
  const run = active === null ? undefined : store.runOf(conversationId, active);
  return {
    kind: 'snapshot',
    logId,
    offset,
    title,
    messages,
    run: run
      ? {
          runId: run.runId,
          parentId: run.parentId,
          model: run.model,
          epoch: Math.max(1, run.epoch),
          text: run.text,
          startedAt: run.startedAt,
          ...(run.trimmed && { trimmed: run.trimmed }),
          ...(run.requestedModel !== undefined && { requestedModel: run.requestedModel }),
          ...(run.parts.length > 0 && { parts: [...run.parts] }),
          ...(run.waiting && { waiting: run.waiting }),
        }
      : null,
    ...(conversation.unproven && { unproven: true as const }),
    ...((conversation.lossy !== null || isBehind) && { lossy: true as const }),
    ...(isBehind && { behind: true as const }),
    hasMore: conversation.trimmed || conversation.messages.size > messages.length,
  };
};

type History = Awaited<ReturnType<RunLog['readHistory']>>;

export const readHistory = (
  store: MemoryStore,
  { conversationId, userId, before, limit }: Parameters<RunLog['readHistory']>[0],
): History => {
  const conversation = store.conversations.get(conversationId);
  if (!conversation) return { kind: 'none', ...(store.isDeleted(conversationId, userId) && { deleted: true }) };
  if (conversation.userId !== userId) return { kind: 'forbidden' };
  const all: StoredMessage[] = [...conversation.messages.values()];
  const last = before === undefined ? all.length : all.findIndex((message) => message.messageId === before);
  const first = Math.max(0, last - limit);
  const wanted = last <= 0 ? [] : all.slice(first, last);
  const messages = fitting(wanted);
  const cut = messages.length < wanted.length;
  const { generation, lossy, unproven } = conversation;
  const isDoubtful = generation !== store.generation.n || lossy !== null || unproven;
  const hasMore = conversation.trimmed || first > 0 || cut;
  return { kind: 'page', messages, hasMore, ...(cut && { cut }), ...(isDoubtful && { lossy: true as const }) };
};

export const listConversations = (
  store: MemoryStore,
  { userId, after, limit, only }: Parameters<RunLog['listConversations']>[0],
): { conversations: ConversationSummary[]; hasMore: boolean } => {
  const isAsked = (id: string): boolean => isListed(id) && (only === undefined || only.includes(id));
  const own = [...store.conversations.values()].filter((c) => c.userId === userId && isAsked(c.conversationId));
  const listed = own
    .reverse()
    .sort((a, b) => b.changedAt - a.changedAt)
    .slice(0, LIMITS.listed);
  const index = after === undefined ? 0 : listed.findIndex((conversation) => conversation.conversationId === after) + 1;
  if (after !== undefined && index === 0) return { conversations: [], hasMore: false };
  const conversations = listed.slice(index, index + limit).map(({ conversationId, title, changedAt, active, system, model }) => ({
    ...{ conversationId, title, updatedAt: changedAt },
    ...(active !== null && store.runOf(conversationId, active)?.waiting && { waiting: true as const }),
    ...(system && { system }),
    ...(model && { model }),
  }));
  return { conversations, hasMore: listed.length > index + conversations.length };
};
