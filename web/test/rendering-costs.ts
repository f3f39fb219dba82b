import type { Page } from 'playwright-core';
import type {} from './harness.ts';

/** What an open block may be, by its length. */
export const KINDS = {
  code: (n: number) =>
    `\`\`\`ts\n${Array.from({ length: n }, (_, i) => `const value${i} = await compute(${i}, "text", { deep: [${i}] });\n`).join('')}`,
  list: (n: number) => Array.from({ length: n }, (_, i) => `- item **${i}** with \`code\` and some more words of text\n`).join(''),
  table: (n: number) =>
    `| n | name | value |\n| --: | --- | --- |\n${Array.from({ length: n }, (_, i) => `| ${i} | *name* ${i} | some words |\n`).join('')}`,
  paragraphs: (n: number) => Array.from({ length: n }, (_, i) => `Paragraph ${i} with **bold** words and \`code\`.\n\n`).join(''),
};

/** The running answer has each of these beginnings of the text, one after the other, each drawn. One call: what a test sends is work of the page, too. */
const showAll = (page: Page, text: string, ends: readonly number[]): Promise<void> =>
  page.evaluate(
    async ({ text, ends }) => {
      const { client } = window.runnel;
      const id = location.pathname.split('/').at(-1)!;
      for (const end of ends) {
        const now = text.slice(0, end);
        const view = client.view(id).get();
        const run = { ...view.conversation.run!, text: now, bytes: new TextEncoder().encode(now).length };
        client.change(id, { conversation: { ...view.conversation, run } });
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      }
    },
    { text, ends },
  );
const show = (page: Page, text: string): Promise<void> => showAll(page, text, [text.length]);

/** The running answer of the scene has this text now. */
export const startAnswer = (page: Page, text: string): Promise<void> => show(page, text);

/** It grows to this text, so many characters at a time, each drawn. */
export const grow = async (page: Page, text: string, step: number, from = 0): Promise<void> => {
  for (let at = from + step; at < text.length; at += step) await show(page, text.slice(0, at));
  await show(page, text);
};

/** Main-thread time (ms) of one more chunk of an answer whose open block has `size` lines, items or rows. */
export const costOfChunk = async (page: Page, kind: keyof typeof KINDS, size: number): Promise<number> => {
  const CHUNKS = 30;
  const text = KINDS[kind](size + 4);
  const begin = KINDS[kind](size).length;
  await show(page, '');
  await show(page, text.slice(0, begin));
  await show(page, text.slice(0, begin + 1));
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async (): Promise<number> => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1_000;
  };
  const step = Math.max(1, Math.floor((text.length - begin) / (CHUNKS + 1)));
  const before = await spent();
  await showAll(
    page,
    text,
    Array.from({ length: CHUNKS }, (_, i) => begin + 1 + (i + 1) * step),
  );
  const cost = (await spent()) - before;
  await cdp.detach();
  return cost / CHUNKS;
};
