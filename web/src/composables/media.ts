import { computed, onScopeDispose, ref, type Ref } from 'vue';
import { useSettings } from '../stores/settings.ts';

/** Whether a media query holds, as long as the component lives. */
const useMedia = (query: string): Readonly<Ref<boolean>> => {
  const list = window.matchMedia(query);
  const matches = ref(list.matches);
  const update = (): void => void (matches.value = list.matches);
  list.addEventListener('change', update);
  onScopeDispose(() => list.removeEventListener('change', update));
  return matches;
};

/** Wide enough for the sidebar to stand beside the conversation. */
export const useWide = (): Readonly<Ref<boolean>> => useMedia('(min-width: 820px)');

/** Whether the page is dark just now: as chosen, or as the system. */
export const useDark = (): Readonly<Ref<boolean>> => {
  const settings = useSettings();
  const system = useMedia('(prefers-color-scheme: dark)');
  return computed(() => (settings.theme === 'system' ? system.value : settings.theme === 'dark'));
};
