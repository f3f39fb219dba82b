import { computed, shallowRef, watch, type ComputedRef } from 'vue';
import { useNow } from './now.ts';

/** Shorter pauses are how models write. */
const PATIENCE_S = 2;

/** For how many seconds nothing has come, from the second one on; null: something just did, or nothing is expected. */
export const useSilence = (expects: () => boolean, news: () => unknown): ComputedRef<number | null> => {
  const since = shallowRef(Date.now());
  watch([news, expects], () => (since.value = Date.now()));
  const now = useNow(expects, 1_000);
  return computed(() => {
    const seconds = Math.floor((now.value - since.value) / 1_000);
    return expects() && seconds >= PATIENCE_S ? seconds : null;
  });
};
