/** What the page or device tells about itself; each is a reason to look at the connection now. */
export type PageSignal = 'online' | 'offline' | 'visible';
export type PageSignals = (listener: (signal: PageSignal) => void) => () => void;

interface Target {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}
type Page = Partial<Target> & { document?: Target & { visibilityState?: string } };

/** Listens to the page this runs in; where there is none (Node), nothing is ever told. */
export const pageSignals: PageSignals = (listener) => {
  const page = globalThis as Page;
  const removals: (() => void)[] = [];
  const on = (target: Partial<Target> | undefined, type: string, tell: () => void): void => {
    if (!target?.addEventListener) return;
    target.addEventListener(type, tell);
    removals.push(() => target.removeEventListener?.(type, tell));
  };
  on(page, 'online', () => listener('online'));
  on(page, 'offline', () => listener('offline'));
  on(page, 'pageshow', () => listener('visible')); // back from the back/forward cache
  on(page.document, 'visibilitychange', () => {
    if (page.document?.visibilityState === 'visible') listener('visible');
  });
  return () => removals.forEach((remove) => remove());
};
