import { onScopeDispose } from 'vue';

/**
 * The height an on-screen keyboard takes, as `--keyboard`. Chrome makes the page smaller by itself (`interactive-widget` in
 * index.html); Safari lays the keyboard over it, and the message box would be underneath.
 */
export const useKeyboardInset = (): void => {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const update = (): void => {
    // A pinch makes the viewport small, too.
    const covered = viewport.scale === 1 ? Math.max(0, window.innerHeight - viewport.height) : 0;
    document.documentElement.style.setProperty('--keyboard', `${Math.round(covered)}px`);
    if (covered > 0) window.scrollTo(0, 0);
  };
  viewport.addEventListener('resize', update);
  onScopeDispose(() => viewport.removeEventListener('resize', update));
};
