import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openPage } from './browser.ts';

/** How far words and buttons have moved by themselves (CLS: the worst five seconds), and when the largest of the first picture stood. */
export interface Seen {
  lcpMs: number;
  cls: number;
  /** Each shift: when, how much of it counts, and what moved from where to where, for whoever has to find out why. */
  shifts: string[];
}

interface LayoutShift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: readonly { node: Node | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
}

/** To be run in the page before its own scripts. */
const look = (): void => {
  const seen = { lcpMs: 0, cls: 0, shifts: [] as string[] };
  const window_ = { value: 0, from: 0, to: 0 };
  Object.assign(window, { seen });
  new PerformanceObserver((list) => (seen.lcpMs = list.getEntries().at(-1)!.startTime)).observe({
    type: 'largest-contentful-paint',
    buffered: true,
  });
  const named = (node: Node | null): string => {
    const element = node instanceof Element ? node : (node?.parentElement ?? null);
    return element === null ? 'gone' : `${element.localName}.${[...element.classList].join('.')}`;
  };
  const places = ({ x, y, width, height }: DOMRectReadOnly): string => [x, y, width, height].map(Math.round).join(' ');
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries() as LayoutShift[]) {
      if (shift.hadRecentInput) continue;
      const goesOn = shift.startTime - window_.to < 1_000 && shift.startTime - window_.from < 5_000;
      if (!goesOn) Object.assign(window_, { value: 0, from: shift.startTime });
      window_.value += shift.value;
      window_.to = shift.startTime;
      seen.cls = Math.max(seen.cls, window_.value);
      const moved = shift.sources.map((source) => `${named(source.node)} ${places(source.previousRect)} to ${places(source.currentRect)}`);
      seen.shifts.push(`${Math.round(shift.startTime)} ms ${shift.value.toFixed(4)}: ${moved.join(', ')}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
};

export const seenIn = (page: Page): Promise<Seen> => page.evaluate(() => (window as unknown as { seen: Seen }).seen);

export interface Watching extends AsyncDisposable {
  page: Page;
  /** Over the wire so far, with headers. */
  bytes(): number;
}

/** Lighthouse's slow 4G, and a processor a fourth as fast as this one. */
const SLOW = { offline: false, latency: 150, downloadThroughput: (1_600 * 1024) / 8, uploadThroughput: (750 * 1024) / 8 };
const CPU = 4;

/** A page with an empty cache that is watched from its first byte on. */
export const watchFirstLoad = async (
  browser: Browser,
  { slow = false, ...options }: BrowserContextOptions & { slow?: boolean } = {},
): Promise<Watching> => {
  const { context, page } = await openPage(browser, options);
  page.setDefaultTimeout(120_000);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  let bytes = 0;
  cdp.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  if (slow) {
    await cdp.send('Network.emulateNetworkConditions', SLOW);
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: CPU });
  }
  await page.addInitScript(look);
  return { page, bytes: () => bytes, [Symbol.asyncDispose]: () => context.close() };
};

/** Nothing has come and nothing has moved for so long (ms). */
export const untilStill = async ({ page, bytes }: Watching, forMs = 1_500): Promise<void> => {
  for (let before = ''; ;) {
    const now = JSON.stringify([bytes(), await seenIn(page)]);
    if (now === before) return;
    before = now;
    await page.waitForTimeout(forMs);
  }
};
