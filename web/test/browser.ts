import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { browserProgram } from '@runnel/kit/testing';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect } from 'vitest';

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: browserProgram(),
    args: ['--no-sandbox'],
    // A machine without a locale would call every download with an accent in its name `download`.
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });

/** What a test must not leave behind in the console: errors, warnings, violations of the Content-Security-Policy. */
export interface Watched {
  context: BrowserContext;
  page: Page;
  complaints: string[];
}

/** Lines that are written when a test cuts the network, or keeps the service worker out. */
const NETWORK =
  /Service Worker registration blocked by Playwright|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|WebSocket connection to|Failed to load resource/;

export const openPage = async (browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> => {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
    reducedMotion: 'reduce',
    // Its own tests let it: what it answers, no route of a test meets.
    serviceWorkers: 'block',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (line) => {
    if (['error', 'warning'].includes(line.type()) && !NETWORK.test(line.text())) complaints.push(line.text());
  });
  return { context, page, complaints };
};

export const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/** Runs axe with all its rules for WCAG 2.2 AA and best practice; expects it to find nothing. */
export const expectAccessible = async (page: Page): Promise<void> => {
  await page.evaluate(await axeSource);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult;
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html.slice(0, 160)).join('\n  ')}`);
  expect(found).toEqual([]);
};

/** Nothing sticks out to the right of the window. */
export const expectNoSidewaysScroll = async (page: Page): Promise<void> => {
  const { content, window } = await page.evaluate(() => ({ content: document.documentElement.scrollWidth, window: innerWidth }));
  expect(content).toBeLessThanOrEqual(window);
};

/** What the browser has of conversations, as text. */
export const kept = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    if (!(await indexedDB.databases()).some(({ name }) => name === 'runnel-kept-1')) return '';
    const opened = indexedDB.open('runnel-kept-1');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const all = opened.result.transaction('conversations').objectStore('conversations').getAll();
    await new Promise((resolve) => (all.onsuccess = resolve));
    opened.result.close();
    return JSON.stringify(all.result);
  });
