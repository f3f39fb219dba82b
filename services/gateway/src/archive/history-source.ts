import type { ConversationReader } from '@runnel/coordination';
import type { ConversationPage, ConversationSummary } from '@runnel/protocol/http';
import { findMessage } from './find-message.ts';
import type { AuditHistory, HistoryQuery, HistoryResult } from './audit-history.ts';

/**
 * A page from the run log, filled up or replaced from the audit service where the run log's memory ends. The audit service
 * being down only shortens what it would have added: `hasMore` stays true then, so that a reader asks again. None: of a message that nobody has, too,
 * since an empty page would be taken for the beginning of the conversation.
 */
export const readHistory = async (runLog: ConversationReader, audit: AuditHistory | null, query: HistoryQuery): Promise<HistoryResult> => {
  const page = await readPage(runLog, audit, query);
  const { before, ...place } = query;
  if (page.kind !== 'page' || page.messages.length > 0 || before === undefined || page.lossy) return page;
  const isKnown = (await findMessage(runLog, place, before)) ?? (await audit?.readMessage({ ...place, messageId: before }));
  return isKnown ? page : { kind: 'none' };
};

const readPage = async (runLog: ConversationReader, audit: AuditHistory | null, query: HistoryQuery): Promise<HistoryResult> => {
  const stored = await runLog.readHistory(query);
  // A page that is full in bytes is no sign that the store ends there.
  if (!audit || stored.kind === 'forbidden' || (stored.kind === 'page' && stored.cut)) return stored;
  // Do not ask the database: it may still have what the owner deleted, and the page would be cached for minutes.
  if (stored.kind === 'none' && stored.deleted) return { kind: 'none' };
  // The store has no such conversation, or `before` names a message older than all it keeps.
  if (stored.kind === 'none' || stored.messages.length === 0) {
    const older = await audit.readHistory(query);
    return older.kind === 'none' ? stored : older;
  }
  const missing = query.limit - stored.messages.length;
  if (missing <= 0 || !stored.hasMore) return stored;
  const before = stored.messages[0]!.messageId;
  try {
    const older = await audit.readHistory({ ...query, before, limit: missing });
    if (older.kind !== 'page') return stored;
    return { ...stored, messages: [...older.messages, ...stored.messages], hasMore: older.hasMore };
  } catch {
    return { ...stored, hasMore: true };
  }
};

/** The user's conversations of both, newest first, each once; the run log's word counts where both know one. */
export const listConversations = async (
  runLog: ConversationReader,
  audit: AuditHistory | null,
  query: { userId: string; after?: string; limit: number },
): Promise<ConversationPage> => {
  const stored = await runLog.listConversations(query);
  // A page that ends where the store's list ends is not the last one.
  if (!audit || stored.hasMore) return stored;
  try {
    const older = await audit.listConversations(query);
    const known = new Set(stored.conversations.map((conversation) => conversation.conversationId));
    const all = [...stored.conversations, ...older.conversations.filter((conversation) => !known.has(conversation.conversationId))];
    all.sort((a, b) => b.updatedAt - a.updatedAt);
    return { conversations: all.slice(0, query.limit), hasMore: older.hasMore || all.length > query.limit };
  } catch {
    return stored;
  }
};

/** Those of these that exist, newest first; the run log's word counts where both know one. While the database is away, those the store has. */
export const conversationsAmong = async (
  runLog: ConversationReader,
  audit: AuditHistory | null,
  userId: string,
  only: readonly string[],
): Promise<ConversationSummary[]> => {
  const limit = only.length;
  if (limit === 0) return [];
  const { conversations } = await runLog.listConversations({ userId, limit, only });
  const known = new Set(conversations.map(({ conversationId }) => conversationId));
  const lacking = only.filter((id) => !known.has(id));
  if (!audit || lacking.length === 0) return conversations;
  const older = await audit.listConversations({ userId, limit, only: lacking }).catch(() => ({ conversations: [] }));
  // An audit service of an earlier release gives a page of all.
  const asked = new Set(lacking);
  return [...conversations, ...older.conversations.filter(({ conversationId }) => asked.has(conversationId))];
};

const PAGE = 200;

type Listed = ConversationPage['conversations'][number];

async function* walk(read: (query: { limit: number; after?: string }) => Promise<ConversationPage>): AsyncGenerator<Listed, undefined> {
  for (let after: string | undefined; ;) {
    const { conversations, hasMore } = await read({ limit: PAGE, ...(after !== undefined && { after }) });
    yield* conversations;
    after = conversations.at(-1)?.conversationId;
    if (!hasMore || after === undefined) return;
  }
}

/**
 * All conversations of a person, also those of programs that no list shows, newest first, each once, at most `most`. Each store goes on by its
 * own last one: of two lists made into one the last may be one that the other does not have.
 *
 * @throws RunnelError `unavailable`: a list that lacks the database's part would look complete
 */
export async function* everyConversation(
  runLog: ConversationReader,
  audit: AuditHistory | null,
  userId: string,
  most = Infinity,
): AsyncGenerator<Listed> {
  // Asked first and alone.
  await audit?.listConversations({ userId, limit: 1 });
  const here = walk((query) => runLog.listConversations({ userId, ...query }));
  const stored = audit && walk((query) => audit.listConversations({ userId, all: true, ...query }));
  const next = async (from: AsyncGenerator<Listed, undefined> | null): Promise<Listed | undefined> => (await from?.next())?.value;
  const seen = new Set<string>();
  for (let [a, b] = [await next(here), await next(stored)]; seen.size < most;) {
    const isHere = a !== undefined && a.updatedAt >= (b?.updatedAt ?? -Infinity);
    const one = isHere ? a : b;
    if (one === undefined) return;
    if (!seen.has(one.conversationId)) {
      seen.add(one.conversationId);
      yield one;
    }
    if (isHere) a = await next(here);
    else b = await next(stored);
  }
}
