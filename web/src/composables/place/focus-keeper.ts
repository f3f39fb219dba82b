import { onMounted, onScopeDispose } from 'vue';

/** What the focus was on, so that its like is found after a redraw. */
interface Place {
  element: HTMLElement;
  label: string | null;
  article: HTMLElement | null;
  /** Of the article among all of them, from the end: above, older ones may come. */
  fromEnd: number;
}

const articles = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('article[data-message]')];
const canTake = (element: HTMLElement | null | undefined): element is HTMLElement =>
  element != null && element.isConnected && !element.matches(':disabled') && element.checkVisibility();

const placeOf = (element: HTMLElement): Place => {
  const article = element.closest<HTMLElement>('article[data-message]');
  const all = articles();
  return { element, label: element.getAttribute('aria-label'), article, fromEnd: article ? all.length - all.indexOf(article) : 0 };
};

/** Where a reader would look for it: the same button of the same message, a neighbour of it, or the message box. */
const heirOf = ({ label, article, fromEnd }: Place): HTMLElement | undefined => {
  const here = article?.isConnected ? article : article && articles().at(-fromEnd);
  const buttons = [...(here?.querySelectorAll<HTMLElement>('button') ?? [])].filter(canTake);
  const same = buttons.find((button) => label !== null && button.getAttribute('aria-label') === label);
  const near = buttons.find((button) => button.closest('.branches')) ?? buttons[0];
  return same ?? near ?? [...document.querySelectorAll<HTMLElement>('#composer, .scroller')].find(canTake);
};

/**
 * The focus never falls to the body: where what had it is gone, or cannot be pressed any more (a message that was deleted, another version,
 * an answer that has begun), its neighbour takes it, and a keyboard goes on from there.
 */
export const useFocusKeeper = (): void => {
  let last: Place | null = null;
  const onFocus = (event: FocusEvent): void => void (last = event.target instanceof HTMLElement ? placeOf(event.target) : null);
  const check = (): void => {
    const fallen = document.activeElement === document.body || !canTake(document.activeElement as HTMLElement | null);
    if (!last || !fallen || canTake(last.element)) return;
    // A dialog gives the focus back itself, or keeps it.
    if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return;
    const place = last;
    last = null;
    heirOf(place)?.focus({ preventScroll: true });
  };
  const observer = new MutationObserver(() => last && requestAnimationFrame(check));
  onMounted(() => {
    document.addEventListener('focusin', onFocus);
    observer.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
  });
  onScopeDispose(() => {
    document.removeEventListener('focusin', onFocus);
    observer.disconnect();
  });
};
