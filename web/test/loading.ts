// What a first visit costs, as it is and on a slow phone's network and processor: `node web/test/loading.ts [times] [url]`. The page
// must be built; with a url, of a server that is there already.
import { randomUUID } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { launch } from './browser.ts';
import { seenIn, untilStill, watchFirstLoad, type Seen } from './first-load.ts';
import { startStandalone } from './standalone.ts';

type Load = Seen & { bytes: number };

const visit = async (browser: Browser, url: string, ready: string, slow: boolean): Promise<Load> => {
  await using watching = await watchFirstLoad(browser, { slow });
  await watching.page.goto(url);
  await watching.page.locator(ready).first().waitFor();
  await untilStill(watching, 2_000);
  return { ...(await seenIn(watching.page)), bytes: watching.bytes() };
};

/** The least, the middle and the most. */
const range = (values: readonly number[], digits: number): string => {
  const sorted = values.toSorted((a, b) => a - b);
  return [0, Math.floor(sorted.length / 2), sorted.length - 1].map((at) => sorted[at]!.toFixed(digits)).join(' / ');
};

await using server = process.argv[3] ? { url: process.argv[3], async [Symbol.asyncDispose]() {} } : await startStandalone();
const browser = await launch();
try {
  const conversationId = randomUUID();
  const ask = { conversationId, messageId: randomUUID(), text: 'Show me code and a list', model: 'demo' };
  const headers = { 'content-type': 'application/json' };
  await fetch(`${server.url}/api/chat?user_id=me`, { method: 'POST', headers, body: JSON.stringify(ask) });
  const [home, chat] = [`${server.url}/?user_id=me`, `${server.url}/c/${conversationId}?user_id=me`];
  // Until its answer has ended.
  await visit(browser, chat, 'article.assistant:not([data-status="running"]) .actions', false);
  const times = Number(process.argv[2] ?? 3);
  console.log('| page | network and processor | LCP (s) | CLS | over the wire (kB) |\n| --- | --- | --- | --- | --- |');
  for (const slow of [false, true])
    for (const [name, url, ready] of [
      ['empty', home, '.badge.flow'],
      ['a conversation', chat, '.prose figure.code'],
    ] as const) {
      const loads: Load[] = [];
      for (let i = 0; i < times; i++) loads.push(await visit(browser, url, ready, slow));
      const of = (pick: (load: Load) => number, digits: number): string => range(loads.map(pick), digits);
      const how = slow ? 'slow 4G, 4 × slower' : 'as they are';
      const [lcp, cls, bytes] = [of((l) => l.lcpMs / 1_000, 2), of((l) => l.cls, 3), of((l) => l.bytes / 1_000, 0)];
      console.log(`| ${name} | ${how} | ${lcp} | ${cls} | ${bytes} |`);
    }
} finally {
  await browser.close();
}
