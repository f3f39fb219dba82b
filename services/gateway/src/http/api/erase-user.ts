import type { Static } from 'typebox';
import { delay } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { ForgetAnswer, type Forget } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { readAudit } from '../../archive/audit-ask.ts';
import { createAuditHistory } from '../../archive/audit-history.ts';
import { everyConversation } from '../../archive/history-source.ts';

/** Conversations whose names are held at a time; whoever has more is asked again. */
const AT_ONCE = 10_000;
/** The audit reads of the last deletion a moment later; a call waits so long for it. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 50;

export interface Erased {
  conversations: number;
  forgotten: boolean;
}

/** Whether nobody knows the user any more; what is under way is waited for. */
const forgotten = async ({ audit }: GatewayContext, user: string): Promise<boolean> => {
  // Without an audit service nothing else was kept.
  if (audit === null) return true;
  for (const until = performance.now() + PATIENCE_MS; ;) {
    const { status, body } = await audit.call('/forget', { method: 'POST', body: { user } satisfies Static<typeof Forget> });
    if (status !== 200) throw new RunnelError('unavailable', 'The conversations are gone, and the trail still has the name: ask again.');
    if (readAudit(ForgetAnswer, body).forgotten) return true;
    if (performance.now() >= until) return false;
    await delay(LOOK_MS);
  }
};

/**
 * Deletes every conversation of a user the way they would have done it, so that each deletion is in the trail and reaches
 * Redis, database and, through the events, whatever is rebuilt from Kafka; then what is kept by their name. Repeating it is safe.
 * Resolves to how many went, and whether no store names the user any more.
 *
 * @throws RunnelError `unavailable` when a store is down: some conversations may be gone by then
 */
export const eraseUser = async (context: GatewayContext, userId: string, admin: string): Promise<Erased> => {
  // First, so that nothing of theirs goes on writing.
  await context.runLog.endGrantsOf(userId);
  const conversations = await deleteAll(context, userId, admin);
  await context.files?.erase(userId);
  await context.runLog.forgetPerson(userId);
  await context.runLog.forgetRecords(userId);
  const isForgotten = await forgotten(context, userId);
  // A page that was open may have brought some back meanwhile from the database.
  await context.runLog.forgetRecords(userId);
  return { conversations, forgotten: isForgotten };
};

const deleteAll = async ({ runLog, audit, commands }: GatewayContext, userId: string, deletedBy: string): Promise<number> => {
  // Without an audit service the store has all there is.
  const history = audit && createAuditHistory(audit);
  const erased = new Set<string>();
  for (;;) {
    const ids: string[] = [];
    for await (const { conversationId } of everyConversation(runLog, history, userId, AT_ONCE)) ids.push(conversationId);
    // The database hears of a deletion a moment later, so what was erased already may still be listed.
    const left = ids.filter((conversationId) => !erased.has(conversationId));
    if (left.length === 0) return erased.size;
    for (const conversationId of left) {
      await commands.deleteConversation({ userId }, { conversationId, forget: true, deletedBy }).catch((error: unknown) => {
        if (!(error instanceof RunnelError) || error.code !== 'not-found') throw error;
      });
      erased.add(conversationId);
    }
  }
};
