import { nextTick, onMounted, onScopeDispose, ref, watch, type Ref } from 'vue';

/** Nearer to the end than this (px) counts as being there. */
const NEAR = 40;

export interface Sticky {
  /** The reader is at the newest message, and stays there while it grows. */
  atBottom: Readonly<Ref<boolean>>;
  toBottom: (options?: { smooth?: boolean }) => void;
  /** Runs a change that puts content above what is on the screen, which then stays where it was. */
  keepPlace: (change: () => Promise<void>) => Promise<void>;
}

/**
 * Follows growing content as long as the reader is at its end, and lets go at the first scroll upwards. Scrolling is told from
 * growing by direction: content that grows never moves `scrollTop` up.
 */
export const useStickToBottom = (scroller: Ref<HTMLElement | null>, content: Ref<HTMLElement | null>): Sticky => {
  const atBottom = ref(true);
  let top = 0;

  const distance = (element: HTMLElement): number => element.scrollHeight - element.scrollTop - element.clientHeight;

  const toBottom: Sticky['toBottom'] = ({ smooth = false } = {}) => {
    const element = scroller.value;
    if (!element) return;
    atBottom.value = true;
    element.scrollTo({ top: element.scrollHeight, behavior: smooth ? 'smooth' : 'instant' });
    top = element.scrollTop;
  };

  const onScroll = (): void => {
    const element = scroller.value;
    if (!element) return;
    const near = distance(element) <= NEAR;
    if (element.scrollTop < top - 1 && !near) atBottom.value = false;
    else if (near) atBottom.value = true;
    top = element.scrollTop;
  };

  const keepPlace: Sticky['keepPlace'] = async (change) => {
    const element = scroller.value;
    const before = element ? element.scrollHeight - element.scrollTop : 0;
    await change();
    await nextTick();
    if (element && !atBottom.value) element.scrollTop = top = element.scrollHeight - before;
  };

  const observer = new ResizeObserver(() => {
    if (atBottom.value) toBottom();
  });
  watch(
    [scroller, content],
    ([box, inner], _before, onCleanup) => {
      for (const element of [box, inner]) if (element) observer.observe(element);
      box?.addEventListener('scroll', onScroll, { passive: true });
      onCleanup(() => {
        observer.disconnect();
        box?.removeEventListener('scroll', onScroll);
      });
    },
    { flush: 'post', immediate: true },
  );
  onMounted(() => toBottom());
  onScopeDispose(() => observer.disconnect());

  return { atBottom, toBottom, keepPlace };
};
