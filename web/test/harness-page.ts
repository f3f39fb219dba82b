import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { createServer, type InlineConfig } from 'vite';
import { onTestFinished } from 'vitest';
import { launch, openPage, type Watched } from './browser.ts';

export interface Harness extends AsyncDisposable {
  readonly browser: Browser;
  /** The harness with this scene: the page over a scripted client, in states that a real server cannot be brought into on request. */
  address(scene: string): string;
  /** The same, until its context is closed. */
  openPage(scene: string, options?: BrowserContextOptions): Promise<Watched>;
  /** The scene in a browser of its own language, size and colours, until the end of the test. */
  open(scene: string, options?: BrowserContextOptions): Promise<Watched>;
}

const fileOf = (path: string): string => new URL(path, import.meta.url).pathname;
/** Where times are measured: without Vue's checks for developers, which nobody loads and which cost a third more. */
const SHIPPED: InlineConfig = { mode: 'production', cacheDir: fileOf('../node_modules/.vite-shipped') };

/** `shipped`: built as people load it; else with the checks, whose warnings fail a test. */
export const serveHarness = async ({ shipped = false }: { shipped?: boolean } = {}): Promise<Harness> => {
  const configFile = fileOf('../vite.config.ts');
  const runner = process.env['NODE_ENV'];
  // Vite takes the runner's word before that of its own mode.
  if (shipped) process.env['NODE_ENV'] = 'production';
  const server = { port: 0, hmr: false as const, watch: null, proxy: {} };
  const vite = await createServer({ configFile, logLevel: 'error', server, ...(shipped && SHIPPED) });
  const [browser] = await Promise.all([launch(), vite.listen()]);
  const { port } = vite.httpServer!.address() as AddressInfo;
  const address = (scene: string): string => `http://localhost:${port}/test/harness.html?scene=${scene}`;
  const openScene: Harness['openPage'] = async (scene, options = {}) => {
    const watched = await openPage(browser, options);
    // The first one waits until Vite has read all files.
    await watched.page.goto(address(scene), { timeout: 45_000 });
    await watched.page.locator('.composer, .problem, .trail, .sign-in').first().waitFor();
    return watched;
  };
  return {
    browser,
    address,
    openPage: openScene,
    async open(scene, options = {}) {
      const watched = await openScene(scene, options);
      onTestFinished(() => watched.context.close());
      return watched;
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await vite.close();
      if (runner !== undefined) process.env['NODE_ENV'] = runner;
    },
  };
};
