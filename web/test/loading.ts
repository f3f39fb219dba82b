// What a first visit costs, on a slow phone's network and processor: `node web/test/loading.ts [times]`. The page must be built.
import { randomUUID } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { launch, openPage } from './browser.ts';
import { startStandalone } from './standalone.ts';

/** Lighthouse's slow 4G, and a processor a fourth as fast as this one. */
const SLOW = { offline: false, latency: 150, downloadThroughput: (1_600 * 1024) / 8, uploadThroughput: (750 * 1024) / 8 };
const CPU = 4;

interface Load {
  lcpMs: number;
  cls: number;
  bytes: number;
}

/** One visit with an empty cache, until nothing has moved for two seconds. */
const visit = async (browser: Browser, url: string, ready: string, { slow }: { slow: boolean }): Promise<Load> => {
  const { context, page } = await openPage(browser);
  try {
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    let bytes = 0;
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    if (slow) {
      await cdp.send('Network.emulateNetworkConditions', SLOW);
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: CPU });
    }
    await page.addInitScript(() => {
      const seen = { lcpMs: 0, cls: 0 };
      Object.assign(window, { seen });
      new PerformanceObserver((list) => (seen.lcpMs = list.getEntries().at(-1)!.startTime)).observe({
        type: 'largest-contentful-paint',
        buffered: true,
      });
      new PerformanceObserver((list) => {
        for (const shift of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
          if (!shift.hadRecentInput) seen.cls += shift.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(url, { timeout: 120_000 });
    await page.locator(ready).first().waitFor({ timeout: 120_000 });
    await page.waitForTimeout(2_000);
    const seen = await page.evaluate(() => (window as unknown as { seen: Omit<Load, 'bytes'> }).seen);
    return { ...seen, bytes };
  } finally {
    await context.close();
  }
};

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

await using server = await startStandalone();
const browser = await launch();
try {
  const conversationId = randomUUID();
  const ask = { conversationId, messageId: randomUUID(), text: 'Show me code and a list', model: 'demo' };
  const headers = { 'content-type': 'application/json' };
  await fetch(`${server.url}/api/chat?user_id=me`, { method: 'POST', headers, body: JSON.stringify(ask) });
  const [home, chat] = [`${server.url}/?user_id=me`, `${server.url}/c/${conversationId}?user_id=me`];
  // Until its answer has ended.
  await visit(browser, chat, 'article.assistant:not([data-status="running"]) .actions', { slow: false });
  const times = Number(process.argv[2] ?? 3);
  console.log('| page | network and processor | LCP (s) | CLS | over the wire (kB) |\n| --- | --- | --- | --- | --- |');
  for (const slow of [false, true])
    for (const [name, url, ready] of [
      ['empty', home, '.badge.flow'],
      ['a conversation', chat, '.prose figure.code'],
    ] as const) {
      const loads: Load[] = [];
      for (let i = 0; i < times; i++) loads.push(await visit(browser, url, ready, { slow }));
      const of = (pick: (load: Load) => number): number => middle(loads.map(pick));
      const how = slow ? 'slow 4G, 4 × slower' : 'as they are';
      console.log(
        `| ${name} | ${how} | ${(of((l) => l.lcpMs) / 1_000).toFixed(2)} | ${of((l) => l.cls).toFixed(3)} | ${Math.round(of((l) => l.bytes) / 1_000)} |`,
      );
    }
} finally {
  await browser.close();
}
