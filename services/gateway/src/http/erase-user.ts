import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../context.ts';
import { createAuditHistory } from './audit-history.ts';
import { listConversations } from './history-source.ts';

const PAGE = 200;

/**
 * Deletes every conversation of a user the way they would have done it, so that each deletion is in the trail and reaches
 * Redis, database and, through the events, whatever is rebuilt from Kafka. Repeating it is safe. Resolves to how many went.
 *
 * @throws RunnelError `unavailable` when a store is down: some conversations may be gone by then
 */
export const eraseUser = async ({ runLog, audit, commands }: GatewayContext, userId: string): Promise<number> => {
  // Without an audit service the store has all there is.
  const history = audit && createAuditHistory(audit);
  const erased = new Set<string>();
  for (;;) {
    // Asked first and alone: a list that lacks the database's part would look complete.
    await history?.listConversations({ userId, limit: 1 });
    const ids = new Set<string>();
    for (let after: string | undefined; ids.size < PAGE * 50;) {
      const { conversations, hasMore } = await listConversations(runLog, history, {
        userId,
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      for (const { conversationId } of conversations) ids.add(conversationId);
      after = conversations.at(-1)?.conversationId;
      if (!hasMore || after === undefined) break;
    }
    // The database hears of a deletion a moment later, so what was erased already may still be listed.
    const left = [...ids].filter((conversationId) => !erased.has(conversationId));
    if (left.length === 0) return erased.size;
    for (const conversationId of left) {
      await commands.deleteConversation({ userId }, { conversationId, forget: true }).catch((error: unknown) => {
        if (!(error instanceof RunnelError) || error.code !== 'not-found') throw error;
      });
      erased.add(conversationId);
    }
  }
};
