import { defineStore } from 'pinia';
import { ref } from 'vue';

/** What stands over the page when asked for by a key. */
export const useOverlays = defineStore('overlays', () => {
  const open = ref<'palette' | 'keys' | 'account' | 'settings' | 'prompts' | null>(null);
  /** The list of conversations is wanted, with its search. */
  const wantsSearch = ref(0);
  return { open, wantsSearch };
});
