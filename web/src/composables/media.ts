import { onScopeDispose, ref, type Ref } from 'vue';

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
