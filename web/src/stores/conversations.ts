import type { ConversationSummary } from '@runnel/client';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';

const PAGE = 40;

/** The reader's conversations, newest first. What this page does shows at once; the server's list is read again after. */
export const useConversations = defineStore('conversations', () => {
  const client = useClient();
  const items = shallowRef<readonly ConversationSummary[]>([]);
  const hasMore = ref(false);
  const state = ref<'loading' | 'ready' | 'failed'>('loading');
  /** Deleted here while a list that still had them may be on its way. */
  const gone = new Set<string>();

  const sorted = computed(() => items.value.toSorted((a, b) => b.updatedAt - a.updatedAt));
  const find = (id: string): ConversationSummary | undefined => items.value.find((item) => item.conversationId === id);

  const merge = (page: readonly ConversationSummary[]): void => {
    const ids = new Set(page.map((item) => item.conversationId));
    items.value = [...page, ...items.value.filter((item) => !ids.has(item.conversationId))].filter(
      (item) => !gone.has(item.conversationId),
    );
  };

  const load = async (after?: string): Promise<void> => {
    try {
      const page = await client.listConversations({ limit: PAGE, ...(after !== undefined && { after }) });
      merge(page.conversations);
      if (after !== undefined || state.value !== 'ready') hasMore.value = page.hasMore;
      state.value = 'ready';
    } catch {
      if (state.value === 'loading') state.value = 'failed';
    }
  };

  const loadMore = async (): Promise<void> => load(sorted.value.at(-1)?.conversationId);

  /** Something happened in a conversation: it moves to the top, with its title where that is known. */
  const touch = (conversationId: string, title?: string): void => {
    const known = find(conversationId);
    merge([{ conversationId, title: title ?? known?.title ?? '', updatedAt: Date.now() }]);
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

  const remove = async (conversationId: string): Promise<void> => {
    const before = items.value;
    forget(conversationId);
    await client.deleteConversation(conversationId).catch((error: unknown) => {
      gone.delete(conversationId);
      items.value = before;
      throw error;
    });
  };

  return {
    items: sorted,
    hasMore,
    state,
    find,
    load,
    loadMore,
    touch,
    retitle,
    rename,
    remove,
    forget,
    isGone: (id: string) => gone.has(id),
  };
});
