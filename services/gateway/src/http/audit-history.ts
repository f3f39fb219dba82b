import type { ConversationSummary } from '@runnel/coordination';
import { RunnelError, type Message } from '@runnel/protocol';
import type { AuditReader } from '../context.ts';

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

export interface ConversationPage {
  conversations: ConversationSummary[];
  hasMore: boolean;
}

/**
 * What a gateway asks of the audit service: everything the run log has forgotten (messages older than the newest 200,
 * conversations idle for more than a day). Every method rejects with RunnelError `unavailable` within the reader's deadline.
 */
export interface AuditHistory {
  readHistory(query: HistoryQuery): Promise<HistoryResult>;
  /** Newest first, after a conversation. */
  listConversations(query: { userId: string; after?: string; limit: number }): Promise<ConversationPage>;
}

const queryOf = (query: Record<string, string | number | undefined>): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.toString();
};

const pageOf = <K extends string, T>(body: unknown, key: K): { items: T[]; hasMore: boolean } => {
  const page = body as Record<string, unknown> | null;
  const items = page?.[key];
  if (!Array.isArray(items)) throw new RunnelError('unavailable', 'The audit service gave no page.');
  return { items: items as T[], hasMore: page?.['hasMore'] === true };
};

/**
 * `GET /history/{id}?before=&limit=` → {messages (newest last), hasMore}, `GET /conversations?after=&limit=` →
 * {conversations, hasMore}; 404 where there is none, 403 where it is somebody else's.
 */
export const createAuditHistory = (reader: AuditReader): AuditHistory =>
  historyOf({
    async call(path, options) {
      const answer = await reader.call(path, options);
      // In one process (standalone) nobody has judged the status yet.
      if (answer.status >= 500) throw new RunnelError('unavailable', 'Older history cannot be read just now; try again soon.');
      return answer;
    },
  });

const historyOf = (audit: AuditReader): AuditHistory => ({
  async readHistory({ conversationId, userId, before, limit }) {
    const { status, body } = await audit.call(`/history/${conversationId}?${queryOf({ before, limit })}`, { userId });
    if (status === 403) return { kind: 'forbidden' };
    if (status !== 200) return { kind: 'none' };
    const { items, hasMore } = pageOf<'messages', Message>(body, 'messages');
    return { kind: 'page', messages: items, hasMore };
  },
  async listConversations({ userId, after, limit }) {
    const { status, body } = await audit.call(`/conversations?${queryOf({ after, limit })}`, { userId });
    if (status !== 200) return { conversations: [], hasMore: false };
    const { items, hasMore } = pageOf<'conversations', ConversationSummary>(body, 'conversations');
    return { conversations: items, hasMore };
  },
});
