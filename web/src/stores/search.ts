import type { FoundMessage } from '@runnel/client';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';

/** Typing pauses this long before the server is asked. */
const PAUSE_MS = 200;
const PAGE = 20;

/** Full-text search over all of the reader's conversations. The newest question counts: an older one's answer is dropped. */
export const useSearch = defineStore('search', () => {
  const client = useClient();
  const text = ref('');
  const found = shallowRef<readonly FoundMessage[]>([]);
  const next = ref<string | null>(null);
  const state = ref<'idle' | 'searching' | 'ready' | 'failed'>('idle');
  const words = computed(() => text.value.trim());
  let asking: AbortController | null = null;

  const ask = async (after?: string): Promise<void> => {
    asking?.abort();
    const { signal } = (asking = new AbortController());
    state.value = 'searching';
    try {
      const page = await client.archive.search(words.value, { limit: PAGE, ...(after !== undefined && { after }) }, signal);
      if (signal.aborted) return;
      found.value = after === undefined ? page.found : [...found.value, ...page.found];
      next.value = page.next;
      state.value = 'ready';
    } catch {
      if (!signal.aborted) state.value = 'failed';
    }
  };
  const more = async (): Promise<void> => void (next.value !== null && (await ask(next.value)));

  watch(words, (now, _before, onCleanup) => {
    asking?.abort();
    next.value = null;
    if (now === '') {
      state.value = 'idle';
      found.value = [];
      return;
    }
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    onCleanup(() => clearTimeout(timer));
  });

  return { text, words, found, next, state, ask, more };
});
