import { LRUCache } from 'lru-cache';
import type { Subscription } from '@runnel/coordination';
import type { HistoryQuery, HistoryResult } from './audit-history.ts';

const MAX_CONVERSATIONS = 500;
const TTL_MS = 2 * 60_000;
/** Pages of one conversation; a reader who scrolls further back reads the store again. */
const MAX_PAGES = 8;
/** A page with more text than that is not kept: all pages together stay within the memory of a pod, and a long answer is read again. */
const MAX_KEPT_CHARS = 32 * 1024;

export interface HistoryCacheDeps {
  /** L2 and beyond. */
  read(query: HistoryQuery): Promise<HistoryResult>;
  /** Calls `changed` for everything that may change a page, and when the channel was interrupted. Resolves once it stands. */
  follow(conversationId: string, changed: () => void): Promise<Subscription>;
  /** Where a page came from, for a counter. */
  onRead?(level: 'memory' | 'joined' | 'store'): void;
  maxConversations?: number;
  ttlMs?: number;
}

export interface HistoryCache {
  read(query: HistoryQuery): Promise<HistoryResult>;
  close(): Promise<void>;
}

interface Entry {
  followed: Promise<Subscription>;
  pages: Map<string, HistoryResult>;
  reading: Map<string, Promise<HistoryResult>>;
  /** Counts changes: a page read across one is handed out but not kept. */
  generation: number;
}

const charsOf = (messages: readonly { text: string }[]): number => messages.reduce((sum, { text }) => sum + text.length, 0);

const pageKey = ({ userId, before, limit }: HistoryQuery): string => `${before ?? ''} ${limit} ${userId}`;

/**
 * L1 of history: pages of the conversations read last, coherent because the gateway follows every conversation it caches
 * (subscribed before the page is read) and forgets the pages at the first event. Concurrent readers share one read.
 */
export const createHistoryCache = (deps: HistoryCacheDeps): HistoryCache => {
  const { read, follow, onRead, maxConversations = MAX_CONVERSATIONS, ttlMs = TTL_MS } = deps;
  const releasing = new Set<Promise<unknown>>();
  const entries = new LRUCache<string, Entry>({
    max: maxConversations,
    ttl: ttlMs,
    // A forgotten conversation must not stay subscribed.
    ttlAutopurge: true,
    dispose: (entry) => {
      const released: Promise<unknown> = release(entry).finally(() => releasing.delete(released));
      releasing.add(released);
    },
  });

  const invalidate = (entry: Entry): void => {
    entry.generation++;
    entry.pages.clear();
    // Who asks after the change must not join a read that began before it.
    entry.reading.clear();
  };

  const release = async (entry: Entry): Promise<void> => {
    invalidate(entry);
    // A subscription that failed, or fails to close, has nothing to give back.
    await entry.followed.then((subscription) => subscription.close()).catch(() => undefined);
  };

  const open = (conversationId: string): Entry => {
    const entry: Entry = {
      followed: follow(conversationId, () => invalidate(entry)),
      pages: new Map(),
      reading: new Map(),
      generation: 0,
    };
    entry.followed.catch(() => {
      if (entries.peek(conversationId) === entry) entries.delete(conversationId);
    });
    entries.set(conversationId, entry);
    return entry;
  };

  const load = async (entry: Entry, query: HistoryQuery): Promise<HistoryResult> => {
    await entry.followed;
    const { generation } = entry;
    const result = await read(query);
    const current = entry.generation === generation && entries.peek(query.conversationId) === entry;
    // What may lack its end is looked for again by the next reader.
    if (current && result.kind === 'page' && !result.lossy && entry.pages.size < MAX_PAGES && charsOf(result.messages) <= MAX_KEPT_CHARS)
      entry.pages.set(pageKey(query), result);
    return result;
  };

  return {
    async read(query) {
      const entry = entries.get(query.conversationId) ?? open(query.conversationId);
      const key = pageKey(query);
      const page = entry.pages.get(key);
      if (page) {
        onRead?.('memory');
        return page;
      }
      const joined = entry.reading.get(key);
      if (joined) {
        onRead?.('joined');
        return joined;
      }
      onRead?.('store');
      const reading = load(entry, query).finally(() => {
        if (entry.reading.get(key) === reading) entry.reading.delete(key);
      });
      entry.reading.set(key, reading);
      return reading;
    },
    async close() {
      entries.clear();
      await Promise.all(releasing);
    },
  };
};
