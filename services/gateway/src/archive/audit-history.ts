import { RunnelError, type Message } from '@runnel/protocol';
import { ConversationPage, StoredPage } from '@runnel/protocol/http';
import type { AuditClient } from './audit-client.ts';
import { readAudit } from './audit-ask.ts';

export type HistoryResult =
  | { kind: 'page'; messages: Message[]; hasMore: boolean; lossy?: true }
  | { kind: 'none' }
  | { kind: 'forbidden' };

export interface HistoryQuery {
  conversationId: string;
  userId: string;
  /** A page of what came before this message; undefined: the newest page. */
  before?: string;
  limit: number;
}

/**
 * What a gateway asks of the audit service: everything the run log has forgotten (messages older than the newest 200,
 * conversations idle for more than a day). Every method rejects with RunnelError `unavailable` within the reader's deadline.
 */
export interface AuditHistory {
  readHistory(query: HistoryQuery): Promise<HistoryResult>;
  /** One message, with nothing of its thread; undefined: there is none of theirs. */
  readMessage(query: { conversationId: string; userId: string; messageId: string }): Promise<Message | undefined>;
  /** Newest first, after a conversation; with `all` also those that programs had and no list shows. */
  listConversations(query: {
    userId: string;
    after?: string;
    limit: number;
    only?: readonly string[];
    all?: true;
  }): Promise<ConversationPage>;
}

const queryOf = (query: Record<string, string | number | undefined>): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.toString();
};

/**
 * `GET /history/{id}?before=&limit=` → {messages (newest last), hasMore}, `GET /conversations?after=&limit=` →
 * {conversations, hasMore}; 404 where there is none, 403 where it is somebody else's.
 */
export const createAuditHistory = (reader: AuditClient): AuditHistory =>
  historyOf({
    async call(path, options) {
      const answer = await reader.call(path, options);
      // In one process (standalone) nobody has judged the status yet.
      if (answer.status >= 500) throw new RunnelError('unavailable', 'Older history cannot be read just now; try again soon.');
      return answer;
    },
  });

const historyOf = (audit: AuditClient): AuditHistory => ({
  async readHistory({ conversationId, userId, before, limit }) {
    const { status, body } = await audit.call(`/history/${conversationId}?${queryOf({ before, limit })}`, { userId });
    if (status === 403) return { kind: 'forbidden' };
    if (status !== 200) return { kind: 'none' };
    const { messages, hasMore } = readAudit(StoredPage, body);
    return { kind: 'page', messages, hasMore };
  },
  async readMessage({ conversationId, userId, messageId }) {
    const { status, body } = await audit.call(`/history/${conversationId}/thread/${messageId}`, { userId });
    return status === 200 ? readAudit(StoredPage, body).messages.at(-1) : undefined;
  },
  async listConversations({ userId, after, limit, only, all }) {
    const asked = queryOf({ after, limit, only: only?.join(','), ...(all && { all: 'true' }) });
    const { status, body } = await audit.call(`/conversations?${asked}`, { userId });
    if (status !== 200) return { conversations: [], hasMore: false };
    return readAudit(ConversationPage, body);
  },
});
