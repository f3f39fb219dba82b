import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { createServer } from 'vite';
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

export const serveHarness = async (): Promise<Harness> => {
  const configFile = new URL('../vite.config.ts', import.meta.url).pathname;
  const vite = await createServer({ configFile, logLevel: 'error', server: { port: 0, hmr: false, watch: null, proxy: {} } });
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
    },
  };
};
