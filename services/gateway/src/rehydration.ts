import { LRUCache } from 'lru-cache';
import { withDeadline } from '@runnel/kit';
import type { RunLog } from '@runnel/coordination';
import type { Message } from '@runnel/protocol';
import type { AuditReader } from './context.ts';

/** As many as the store keeps of a conversation. */
const NEWEST = 200;
/** How long a conversation that the database does not know counts as new. */
const ABSENT_MS = 5_000;
/** How long a conversation seen in the store needs no look before a prompt. */
const PRESENT_MS = 60_000;
/** A database that did not answer is not asked again for so long: new conversations must not wait for it (P-10). */
const PAUSE_MS = 2_000;

/** How long a reader of what may have lost its tail waits for the database. */
const LOSSY_PATIENCE_MS = 200;

interface StoredPage {
  messages: Message[];
  hasMore: boolean;
  title?: string;
}

/**
 * A run log in which conversations that only the database knows open and go on as if they had never left: whatever finds none
 * asks the audit service once (single flight, and a negative answer is remembered), puts it back by one script, and looks again.
 */
export const withRehydration = (runLog: RunLog, audit: AuditReader, now: () => number = () => performance.now()): RunLog => {
  const absent = new LRUCache<string, true>({ max: 10_000, ttl: ABSENT_MS });
  const present = new LRUCache<string, true>({ max: 10_000, ttl: PRESENT_MS });
  const asking = new Map<string, Promise<boolean>>();
  let pausedUntil = -Infinity;

  const ask = async (conversationId: string, userId: string): Promise<boolean> => {
    let answer: Awaited<ReturnType<AuditReader['call']>>;
    try {
      answer = await audit.call(`/history/${conversationId}?limit=${NEWEST}`, { userId });
    } catch {
      pausedUntil = now() + PAUSE_MS;
      return false;
    }
    // Not known, or somebody else's: neither opens.
    if (answer.status !== 200) {
      absent.set(`${userId} ${conversationId}`, true);
      return false;
    }
    const page = answer.body as StoredPage;
    const { messages, hasMore, title = '' } = page;
    const { outcome } = await runLog.rehydrate({ conversationId, userId, title, messages, hasMore });
    return outcome !== 'gone';
  };

  /** Whether looking again is worth it. */
  const bring = async (conversationId: string, userId: string): Promise<boolean> => {
    const key = `${userId} ${conversationId}`;
    if (now() < pausedUntil || absent.has(key)) return false;
    const joined = asking.get(key);
    if (joined) return joined;
    const asked = ask(conversationId, userId).finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  };

  const changing =
    <C extends { conversationId: string; userId: string }, R extends { outcome: string }>(change: (command: C) => Promise<R>) =>
    async (command: C): Promise<R> => {
      const result = await change(command);
      if (result.outcome !== 'not-found' || present.has(command.conversationId)) return result;
      return (await bring(command.conversationId, command.userId)) ? change(command) : result;
    };

  return {
    ...runLog,
    async readState(query) {
      const state = await runLog.readState(query);
      if (state.kind !== 'none') present.set(query.conversationId, true);
      if (query.userId === undefined) return state;
      // The store changed behind what it holds. A database that is slow to tell more adds it later, under another logId (W-13).
      if (state.kind === 'snapshot' && state.lossy) {
        const added = await withDeadline(bring(query.conversationId, query.userId), LOSSY_PATIENCE_MS, () => false);
        return added ? runLog.readState(query) : state;
      }
      if (state.kind !== 'none') return state;
      present.delete(query.conversationId);
      return (await bring(query.conversationId, query.userId)) ? runLog.readState(query) : state;
    },
    async beginRun(command) {
      const { conversationId, userId } = command;
      // A prompt makes a conversation that is not here, so it is looked for first.
      if (!present.has(conversationId) && !absent.has(`${userId} ${conversationId}`) && now() >= pausedUntil) {
        const { kind } = await runLog.readHistory({ conversationId, userId, limit: 1 });
        if (kind === 'none') await bring(conversationId, userId);
      }
      const result = await runLog.beginRun(command);
      if (result.outcome === 'started') present.set(conversationId, true);
      return result;
    },
    deleteMessage: changing((command) => runLog.deleteMessage(command)),
    async deleteConversation(command) {
      present.delete(command.conversationId);
      return changing(runLog.deleteConversation.bind(runLog))(command);
    },
    setTitle: changing((command) => runLog.setTitle(command)),
  };
};
