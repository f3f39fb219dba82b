import type { ConversationSummary } from '@runnel/client';
import type { ListEvent } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import { changedElsewhere, missingNow, seenAfter, type ListMark, type Seen } from '../lib/conversation/list-marks.ts';
import { openTabs } from '../lib/session/tabs.ts';

const PAGE = 40;
const ARCHIVE_PAGE = 200;
/** Hints that tell no more than that something changed are gathered for about so long (ms). */
const READ_MS = 200;
/** Marks for what other devices do; of these words no list has to be read. */
const HEARD = { answering: 'answering', waiting: 'waiting', answered: 'new', changed: null, deleted: null } as const;

const placed = ({ folder: _, ...item }: ConversationSummary, folder: string | null): ConversationSummary => ({
  ...item,
  ...(folder !== null && { folder }),
});

/** The reader's conversations, newest first. What this page does shows at once; the server's list is read again after. */
export const useConversations = defineStore('conversations', () => {
  const client = useClient();
  const items = shallowRef<readonly ConversationSummary[]>([]);
  const hasMore = ref(false);
  const state = ref<'loading' | 'ready' | 'failed'>('loading');
  /** Those that pages of the list have brought: only after them the next one is asked for. */
  const paged = new Set<string>();
  /** Deleted here while a list that still had them may be on its way. */
  const gone = new Set<string>();

  /** Marks beside the titles. */
  const marks = shallowRef<ReadonlyMap<string, ListMark>>(new Map());
  let seen: Seen = new Map();
  /** What is open; it needs no mark. */
  let current: string | null = null;

  const mark = (conversationId: string, what: ListMark | null): void => {
    if ((marks.value.get(conversationId) ?? null) === what) return;
    const next = new Map(marks.value);
    if (what === null || (what === 'new' && conversationId === current)) next.delete(conversationId);
    else next.set(conversationId, what);
    marks.value = next;
  };
  const look = (conversationId: string | null): void => {
    current = conversationId;
    if (conversationId !== null && marks.value.get(conversationId) === 'new') mark(conversationId, null);
  };
  const tabs = openTabs(
    () => client.connection.get().userId,
    (news) => {
      if (news.kind === 'gone') forget(news.conversationId);
      else if (news.kind === 'touched') put(news);
      else mark(news.conversationId, news.state === 'ended' ? 'new' : news.state);
    },
  );
  onScopeDispose(tabs.close);

  /** What the server tells of other devices, and of this one: doing it twice changes nothing. */
  const hear = ({ change, name, title }: ListEvent): void => {
    if (name === undefined || !(change in HEARD)) return readSoon();
    if (change === 'deleted') return forget(name);
    const known = find(name);
    if (change === 'changed') return known && title !== undefined ? retitle(name, title) : readSoon();
    put({ conversationId: name, title: title ?? known?.title ?? '', updatedAt: Date.now() });
    mark(name, HEARD[change as keyof typeof HEARD]);
  };
  const readSoon = (): void => {
    // Several changes at once are one reading; and the pages of one person do not come together.
    reading ??= setTimeout(() => ((reading = undefined), void load()), READ_MS * (0.5 + Math.random()));
  };
  let reading: ReturnType<typeof setTimeout> | undefined;
  const unhear = client.onList(hear);
  onScopeDispose(() => {
    unhear();
    clearTimeout(reading);
  });

  const sorted = computed(() => items.value.toSorted((a, b) => b.updatedAt - a.updatedAt));
  const find = (id: string): ConversationSummary | undefined => items.value.find((item) => item.conversationId === id);

  const merge = (page: readonly ConversationSummary[]): void => {
    const ids = new Set(page.map((item) => item.conversationId));
    items.value = [...page, ...items.value.filter((item) => !ids.has(item.conversationId))].filter(
      (item) => !gone.has(item.conversationId),
    );
  };

  const put = ({ conversationId, title, updatedAt }: ConversationSummary): void => {
    seen = new Map(seen).set(conversationId, null);
    merge([{ ...find(conversationId), conversationId, title, updatedAt }]);
  };

  const load = async (after?: string): Promise<void> => {
    try {
      const page = await client.listConversations({ limit: PAGE, pinned: 'first', ...(after !== undefined && { after }) });
      if (after === undefined) {
        // The first list is what there was before the reader came.
        if (state.value === 'ready') for (const id of changedElsewhere(seen, page.conversations, current)) mark(id, 'new');
        for (const id of missingNow(seen, page.conversations, page.hasMore))
          items.value = items.value.filter((item) => item.conversationId !== id);
        seen = seenAfter(seen, page.conversations);
        // All that is pinned is on the first page.
        items.value = items.value.map(({ pinned: _, ...item }) => item);
      }
      merge(page.conversations);
      for (const { conversationId } of page.conversations) paged.add(conversationId);
      if (after !== undefined || state.value !== 'ready') hasMore.value = page.hasMore;
      state.value = 'ready';
    } catch {
      if (state.value === 'loading') state.value = 'failed';
    }
  };

  /** What this device has kept of the list, until the server's own comes. */
  const remember = (kept: readonly ConversationSummary[]): void => {
    if (state.value === 'ready') return;
    seen = seenAfter(seen, kept);
    merge(kept);
  };

  const loadMore = async (): Promise<void> =>
    load(sorted.value.findLast((item) => !item.pinned && paged.has(item.conversationId))?.conversationId);

  /** Something happened in a conversation: it moves to the top, with its title where that is known. */
  const touch = (conversationId: string, title?: string): void => {
    const item = { conversationId, title: title ?? find(conversationId)?.title ?? '', updatedAt: Date.now() };
    put(item);
    tabs.tell({ kind: 'touched', ...item });
  };

  /** An answer began, waits for somebody or ended there, as this page saw it. */
  const run = (conversationId: string, now: 'answering' | 'waiting' | 'ended'): void => {
    // Told once: what is followed elsewhere says so with each word.
    if (marks.value.get(conversationId) === now) return;
    mark(conversationId, now === 'ended' ? 'new' : now);
    tabs.tell({ kind: 'run', conversationId, state: now });
  };

  const retitle = (conversationId: string, title: string): void => {
    const known = find(conversationId);
    if (known && known.title !== title) merge([{ ...known, title }]);
  };

  /** It is gone, by somebody else's hand or on another device. */
  const forget = (conversationId: string): void => {
    gone.add(conversationId);
    merge([]);
  };

  const rename = async (conversationId: string, title: string): Promise<void> => {
    const before = find(conversationId)?.title ?? '';
    retitle(conversationId, title);
    await client.rename(conversationId, title).catch((error: unknown) => {
      retitle(conversationId, before);
      throw error;
    });
  };

  /** Pinned, or not any more. */
  const pin = async (conversationId: string, pinned: boolean): Promise<void> => {
    await client.place(conversationId, { pinned });
    const { pinned: _, ...item } = find(conversationId) ?? { conversationId, title: '', updatedAt: Date.now() };
    merge([{ ...item, ...(pinned && { pinned: true as const }) }]);
  };
  /** Into a folder; null: into none. */
  const file = async (conversationId: string, folder: string | null): Promise<void> => {
    await client.place(conversationId, { folder });
    const known = find(conversationId);
    if (known) merge([placed(known, folder)]);
  };
  /** All that a folder has, as the server says. */
  const takeFolder = (name: string, all: readonly ConversationSummary[]): void => {
    const there = new Set(all.map(({ conversationId }) => conversationId));
    items.value = items.value.map((item) => (item.folder === name && !there.has(item.conversationId) ? placed(item, null) : item));
    seen = seenAfter(seen, all);
    merge(all.map((item) => ({ ...find(item.conversationId), ...item })));
  };
  /** Out of the list; opening its address still shows it. */
  const archive = async (conversationId: string): Promise<void> => {
    await client.place(conversationId, { archived: true });
    items.value = items.value.filter((item) => item.conversationId !== conversationId);
    seen = new Map([...seen].filter(([id]) => id !== conversationId));
  };
  /** What is in the archive, newest first: as much as a page of the server has. */
  const archived = async (): Promise<ConversationSummary[]> =>
    (await client.listConversations({ limit: ARCHIVE_PAGE, archived: 'true' })).conversations;
  /** Out of the archive, into the list. */
  const restore = async ({ archived: _, ...item }: ConversationSummary): Promise<void> => {
    await client.place(item.conversationId, { archived: false });
    merge([item]);
  };

  const remove = async (conversationId: string): Promise<void> => {
    const item = find(conversationId);
    forget(conversationId);
    tabs.tell({ kind: 'gone', conversationId });
    await client.deleteConversation(conversationId).catch((error: unknown) => {
      gone.delete(conversationId);
      // That one alone: others may have been deleted meanwhile.
      if (item) merge([item]);
      throw error;
    });
  };

  return {
    ...{ items: sorted, hasMore, state, marks, find, load, run, look },
    ...{
      loadMore,
      remember,
      touch,
      retitle,
      rename,
      pin,
      file,
      takeFolder,
      archive,
      archived,
      restore,
      remove,
      forget,
      isGone: (id: string) => gone.has(id),
    },
  };
});
