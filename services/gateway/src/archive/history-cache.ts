import { LRUCache } from 'lru-cache';
import { sizeOf, type Subscription } from '@runnel/coordination';
import type { Message } from '@runnel/protocol';
import type { HistoryQuery, HistoryResult } from './audit-history.ts';

const MAX_CONVERSATIONS = 500;
const TTL_MS = 2 * 60_000;
/** Pages of one conversation; a reader who scrolls further back reads the store again. */
const MAX_PAGES = 8;
/** So much text of a page is kept without a look at the others: all of them together stay within the memory of a pod. */
const MAX_KEPT = 32 * 1024;
/** Larger pages together, on the whole node: the longest answer, read again and again, is read from the store once. */
const MAX_LARGE = 9 * 1024 * 1024;

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

type Page = Extract<HistoryResult, { kind: 'page' }>;

const sizesOf = (messages: readonly Message[]): number => messages.reduce((sum, message) => sum + sizeOf(message), 0);

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

  const large = new LRUCache<Page, { pages: Entry['pages']; key: string }>({
    maxSize: MAX_LARGE,
    dispose: ({ pages, key }, page) => {
      if (pages.get(key) === page) pages.delete(key);
    },
  });
  const keep = ({ pages }: Entry, key: string, page: Page): void => {
    const size = sizesOf(page.messages);
    if (pages.size >= MAX_PAGES || size > MAX_LARGE) return;
    pages.set(key, page);
    if (size > MAX_KEPT) large.set(page, { pages, key }, { size });
  };

  const invalidate = (entry: Entry): void => {
    entry.generation++;
    for (const page of entry.pages.values()) if (page.kind === 'page') large.delete(page);
    entry.pages.clear();
    // A reader that asks after the change must not share a read that began before it.
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
    // Do not keep a page that may lack an answer's end: the next reader asks again.
    if (current && result.kind === 'page' && !result.lossy) keep(entry, pageKey(query), result);
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
