import { computed, nextTick, onMounted, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue';
import type { Entry } from '../../lib/conversation/entries.ts';
import { messageRows, type MessageRow } from '../../lib/conversation/rows.ts';
import type { Step } from '../../lib/conversation/tree.ts';

/** Shorter conversations are drawn whole. */
const FROM = 60;
/** The newest are always drawn: there the answers grow. */
const NEWEST = 8;
/** So far (px) above and below the window messages are drawn. */
const MARGIN = 1_500;

/**
 * Of a long conversation only what is near the window is drawn; the rest is there as text, as tall as it was. What is on the screen keeps its
 * place when something above it is drawn for the first time and is taller than was thought.
 *
 * @param wanted messages that somebody came for
 */
export const useResting = (
  scroller: Ref<HTMLElement | null>,
  content: Ref<HTMLElement | null>,
  steps: () => readonly Step<Entry>[],
  wanted: () => readonly (string | null | undefined)[],
): { rows: ComputedRef<readonly MessageRow[]>; settle: () => Promise<void> } => {
  const near = shallowRef<ReadonlySet<string>>(new Set());
  const heights = new Map<string, number>();
  const all = ref(false);
  const active = computed(() => steps().length >= FROM && !all.value);
  const rows = computed(() => {
    const asked = new Set(wanted());
    const isAwake = (id: string, fromEnd: number): boolean => fromEnd <= NEWEST || near.value.has(id) || asked.has(id);
    return messageRows(steps(), active.value ? isAwake : () => true, heights);
  });

  const elements = (): HTMLElement[] => [
    ...(content.value?.querySelectorAll<HTMLElement>(':scope > [data-message], :scope > [data-rest]') ?? []),
  ];
  const idsOf = ({ dataset }: HTMLElement): string[] => (dataset['rest'] ?? dataset['message'] ?? '').split(' ');

  /** Looks at what is near the window, once for each frame. */
  const look = (): void => {
    const box = scroller.value;
    if (!box || !active.value) return;
    const edge = box.getBoundingClientRect().top;
    const found = new Set<string>();
    const all = elements().map((element) => ({ element, at: element.getBoundingClientRect().top - edge }));
    let anchor: { element: HTMLElement; at: number } | null = null;
    for (const [i, { element, at }] of all.entries()) {
      // With the space to the next one.
      const end = all[i + 1]?.at ?? at + element.offsetHeight;
      const { message } = element.dataset;
      if (message) heights.set(message, end - at);
      if (end > -MARGIN && at < box.clientHeight + MARGIN) for (const id of idsOf(element)) found.add(id);
      if (message && end > 0) anchor ??= { element, at };
    }
    if (found.size === near.value.size && [...found].every((id) => near.value.has(id))) return;
    near.value = found;
    if (!anchor) return void nextTick(look);
    const kept = { ...anchor, scrollTop: box.scrollTop };
    void nextTick(() => {
      const moved = kept.element.getBoundingClientRect().top - box.getBoundingClientRect().top - kept.at;
      // Somebody went to another place meanwhile (a found message is 18,000 px away), or what stood there is gone.
      if (!kept.element.isConnected || Math.abs(box.scrollTop - kept.scrollTop) > box.clientHeight) return look();
      if (Math.abs(moved) >= 1) box.scrollTop += moved;
      look();
    });
  };
  let frame = 0;
  const later = (): void => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      look();
    });
  };

  const onPrint = (now: boolean) => (): void => void (all.value = now);
  const [before, after] = [onPrint(true), onPrint(false)];
  watch(
    scroller,
    (box, _before, onCleanup) => {
      box?.addEventListener('scroll', later, { passive: true });
      onCleanup(() => box?.removeEventListener('scroll', later));
    },
    { immediate: true, flush: 'post' },
  );
  watch(() => steps().length, later, { flush: 'post' });
  onMounted(() => {
    later();
    window.addEventListener('resize', later);
    window.addEventListener('beforeprint', before);
    window.addEventListener('afterprint', after);
  });
  onScopeDispose(() => {
    cancelAnimationFrame(frame);
    window.removeEventListener('resize', later);
    window.removeEventListener('beforeprint', before);
    window.removeEventListener('afterprint', after);
  });
  /** What is wanted is drawn, with what is around it. */
  const settle = async (): Promise<void> => {
    await nextTick();
    look();
    await nextTick();
  };
  return { rows, settle };
};
