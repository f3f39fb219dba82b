import { onScopeDispose, ref, watch, type Ref } from 'vue';

/** The height of an element (px), as it changes; 0 where there is none. */
export const useHeight = (element: () => HTMLElement | null): Readonly<Ref<number>> => {
  const height = ref(0);
  const observer = new ResizeObserver(([entry]) => (height.value = entry?.borderBoxSize[0]?.blockSize ?? 0));
  watch(
    element,
    (now) => {
      observer.disconnect();
      height.value = now?.offsetHeight ?? 0;
      if (now) observer.observe(now);
    },
    { flush: 'post', immediate: true },
  );
  onScopeDispose(() => observer.disconnect());
  return height;
};
