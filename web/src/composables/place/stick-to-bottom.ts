import { nextTick, onMounted, onScopeDispose, ref, watch, type Ref } from 'vue';

/** Nearer to the end than this (px) counts as being there. */
const NEAR = 40;

export interface Sticky {
  /** The reader is at the newest message, and stays there while it grows. */
  atBottom: Readonly<Ref<boolean>>;
  toBottom: (options?: { smooth?: boolean }) => void;
  /** Shows a part of the content in the middle, and stays there. */
  toMiddle: (part: Element | Range) => void;
  /** Shows a part so far (px) below the upper edge, and stays there. */
  toPlace: (part: Element, offset: number) => void;
}

/**
 * Follows growing content as long as the reader is at its end, and lets go at the first scroll upwards. Scrolling is told from
 * growing by direction: content that grows never moves `scrollTop` up.
 *
 * @param first names what stands first in the content; another one means that content was put above
 */
export const useStickToBottom = (
  scroller: Ref<HTMLElement | null>,
  content: Ref<HTMLElement | null>,
  first: () => string | undefined,
): Sticky => {
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

  const toPlace = (part: Element | Range, offset: number, at = part.getBoundingClientRect().top): void => {
    const element = scroller.value;
    if (!element) return;
    atBottom.value = false;
    element.scrollTop += at - element.getBoundingClientRect().top - offset;
    top = element.scrollTop;
  };

  const toMiddle: Sticky['toMiddle'] = (part) => {
    const element = scroller.value;
    if (!element) return;
    const { top: at, height } = part.getBoundingClientRect();
    toPlace(part, (element.clientHeight - Math.min(height, element.clientHeight)) / 2, at);
  };

  const onScroll = (): void => {
    const element = scroller.value;
    if (!element) return;
    const away = distance(element);
    // Content that shrinks moves the place up as well, and leaves it at the end.
    if (element.scrollTop < top && away >= 1) atBottom.value = false;
    else if (away < 1 || (away <= NEAR && element.scrollTop > top)) atBottom.value = true;
    top = element.scrollTop;
  };

  // Seen from below, what is on the screen keeps its place when content comes above it. Measured at the last moment before
  // the page changes: the reader may have scrolled on while it was loading.
  watch(first, () => {
    const element = scroller.value;
    if (!element) return;
    const fromBelow = element.scrollHeight - element.scrollTop;
    void nextTick(() => {
      if (!atBottom.value) element.scrollTop = top = element.scrollHeight - fromBelow;
    });
  });

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

  return { atBottom, toBottom, toMiddle, toPlace };
};
