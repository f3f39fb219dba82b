import type { SavedPrompt } from '@runnel/client';
import { toRunnelError } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { onScopeDispose, ref, shallowRef } from 'vue';

/** The reader's own prompts, read when they are wanted and again when another device changed one. */
export const usePrompts = defineStore('prompts', () => {
  const client = useClient();
  const items = shallowRef<readonly SavedPrompt[]>([]);
  const limit = ref(0);
  const state = ref<'none' | 'loading' | 'ready' | 'failed'>('none');
  /** The last reading failed: what is shown is how they were. */
  const stale = ref(false);
  let readings = 0;

  const load = async (): Promise<void> => {
    const mine = ++readings;
    if (state.value !== 'ready') state.value = 'loading';
    try {
      const found = await client.person.prompts();
      // A change that was made meanwhile is newer than this list.
      if (mine !== readings) return;
      items.value = found.prompts;
      limit.value = found.limit;
      state.value = 'ready';
      stale.value = false;
    } catch (error) {
      if (mine !== readings) return;
      stale.value = true;
      if (state.value !== 'ready') state.value = 'failed';
      // A server of an earlier release is told by who asked.
      if (toRunnelError(error).code === 'not-found') throw error;
    }
  };
  const put = (changed: SavedPrompt | null, name: string): void => {
    readings++;
    const others = items.value.filter((prompt) => prompt.name !== name && prompt.name !== changed?.name);
    items.value = (changed === null ? others : [...others, changed]).toSorted((a, b) => a.name.localeCompare(b.name));
  };
  /** Under another name: the one before goes when the new one is kept. */
  const keep = async (name: string, text: string, before: string | null): Promise<void> => {
    const kept = await client.person.keepPrompt(name, text);
    put(kept, kept.name);
    if (before !== null && before !== kept.name) await remove(before);
  };
  const remove = async (name: string): Promise<void> => {
    await client.person.deletePrompt(name);
    put(null, name);
  };

  onScopeDispose(
    client.onList(({ change }) => {
      if ((change === 'prompt' || change === 'missed') && state.value !== 'none') void load().catch(() => undefined);
    }),
  );
  return { items, limit, state, stale, load, keep, remove };
});
