import type { Store } from '@runnel/client';
import { onScopeDispose, shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue';

/** Runs `task` before the next paint; at once where nothing is painted, so that a hidden tab or a server does not fall behind. */
const beforePaint = (task: () => void): (() => void) => {
  if (typeof document === 'undefined' || document.hidden) {
    task();
    return () => {};
  }
  const frame = requestAnimationFrame(task);
  return () => cancelAnimationFrame(frame);
};

/**
 * A client's store as a ref. However many events a frame brings, the page is drawn once for it.
 * The store may change or be absent; the ref follows.
 */
export const useStoreRef = <T>(source: MaybeRefOrGetter<Store<T> | null>): Readonly<ShallowRef<T | null>> => {
  const value = shallowRef<T | null>(null);
  let cancel: (() => void) | null = null;
  watch(
    () => toValue(source),
    (store, _previous, onCleanup) => {
      value.value = store?.get() ?? null;
      if (!store) return;
      const show = (): void => {
        cancel = null;
        value.value = store.get();
      };
      const unsubscribe = store.subscribe(() => (cancel ??= beforePaint(show)));
      onCleanup(() => {
        unsubscribe();
        cancel?.();
        cancel = null;
      });
    },
    { immediate: true, flush: 'sync' },
  );
  onScopeDispose(() => cancel?.());
  return value;
};
