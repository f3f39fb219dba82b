import { toRunnelError } from '@runnel/protocol';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { i18n } from '../i18n.ts';
import { rowsOf } from '../lib/conversation/ages.ts';
import { eachOf } from '../lib/own/each.ts';
import { useConversations } from './conversations.ts';
import { useFolders } from './folders.ts';
import { useNotices } from './notices.ts';
import { useOwn } from './own.ts';
import { useRoute } from './route.ts';

/** Conversations that are chosen, and what is done to all of them. */
export const useSelection = defineStore('selection', () => {
  const conversations = useConversations();
  const folders = useFolders();
  const notices = useNotices();
  const own = useOwn();
  const route = useRoute();

  const on = ref(false);
  const ids = shallowRef<ReadonlySet<string>>(new Set());
  /** Without those that another device has deleted meanwhile. */
  const chosen = computed(() => conversations.items.filter(({ conversationId }) => ids.value.has(conversationId)));
  /** How many are done, while something is done to them. */
  const progress = ref<{ done: number; of: number } | null>(null);

  const begin = (conversationId?: string): void => {
    ids.value = new Set(conversationId === undefined ? [] : [conversationId]);
    on.value = true;
  };
  const toggle = (conversationId: string): void => {
    const next = new Set(ids.value);
    if (!next.delete(conversationId)) next.add(conversationId);
    ids.value = next;
  };
  /** What is to be seen: not what lies in folders that are closed. */
  const all = (): void => {
    const rows = rowsOf(conversations.items, Date.now(), folders.folders, folders.open);
    ids.value = new Set(rows.flatMap((row) => (row.kind === 'item' ? [row.item.conversationId] : [])));
  };
  const end = (): void => void ([on.value, ids.value] = [false, new Set()]);

  /** What fails stays chosen, and is said. */
  const each = async (which: readonly string[], work: (id: string) => Promise<void>): Promise<void> => {
    if (progress.value !== null || which.length === 0) return;
    progress.value = { done: 0, of: which.length };
    const onDone = (): void => void (progress.value = { done: progress.value!.done + 1, of: which.length });
    const failed = await eachOf(which, work, { onDone });
    progress.value = null;
    folders.loadSoon();
    if (failed.length === 0) return end();
    ids.value = new Set(failed);
    notices.say(i18n.global.t('choose.failed', { count: failed.length }, failed.length));
    // Perhaps because this server keeps no such thing.
    void own.read();
  };
  const leave = (id: string): void => void (route.conversationId === id && route.go(null, { replace: true }));
  const names = (): string[] => chosen.value.map(({ conversationId }) => conversationId);

  const remove = (): Promise<void> =>
    each(names(), async (id) => {
      await conversations.remove(id).catch((error: unknown) => {
        // Deleted on another device in this moment: that is what was wanted.
        if (toRunnelError(error).code !== 'not-found') throw error;
        conversations.forget(id);
      });
      leave(id);
    });
  const archive = (): Promise<void> =>
    each(names(), async (id) => {
      await conversations.archive(id);
      leave(id);
    });
  const move = (which: readonly string[], folder: string | null): Promise<void> => each(which, (id) => conversations.file(id, folder));

  /** All that is in a folder goes into one of another name. Rejects where it cannot be read. */
  const rename = async (folder: string, name: string): Promise<void> => {
    const inside = await folders.contentsOf(folder);
    folders.renamed(folder, name);
    await move(
      inside.map(({ conversationId }) => conversationId),
      name,
    );
  };

  return { on, ids, chosen, progress, begin, toggle, all, end, remove, archive, move, rename };
});
