import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vue from '@vitejs/plugin-vue';
import type { Browser } from 'playwright-core';
import { build as vite } from 'vite';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch, openPage } from './browser.ts';
import { startStandalone, type Standalone } from './standalone.ts';
import { buildPackages, packPackages } from '../../scripts/packages/build.ts';
import { createProject, exampleOf, unpack, type Project } from '../../scripts/packages/project.ts';

let project: Project;
let server: Standalone;
let browser: Browser;
beforeAll(async () => {
  await buildPackages();
  project = createProject();
  unpack(project, packPackages());
  [server, browser] = await Promise.all([startStandalone(), launch()]);
}, 120_000);
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
  project[Symbol.dispose]();
});

/** The page at `/example/` of the server, with the project's files beside it. */
const openExample = async (html: string) => {
  const { page, context, complaints } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.route(`${server.url}/example/**`, (route) => {
    const file = new URL(route.request().url()).pathname.slice('/example/'.length);
    if (file === '') return route.fulfill({ contentType: 'text/html', body: html });
    return route.fulfill({ contentType: 'text/javascript', body: readFileSync(join(project.folder, file)) });
  });
  await page.goto(`${server.url}/example/`);
  return { page, complaints };
};
const COUNTED = 'w000001 w000002 w000003 w000004 w000005';

test('the README’s page without a bundler reads an answer to its verified end', async () => {
  const { page, complaints } = await openExample(exampleOf('client', 'html', server.url));
  const shown = page.locator('p[title="verified"]');
  await shown.waitFor();
  expect((await shown.innerText()).trim()).toBe(COUNTED);
  expect(complaints).toEqual([]);
});

test('the README’s Vue app, bundled by Vite, shows the question and its answer', async () => {
  const input = project.write('app.js', exampleOf('vue', 'js', server.url));
  const rolldownOptions = { input, output: { entryFileNames: 'vue.js' } };
  const build = { outDir: project.folder, emptyOutDir: false, rolldownOptions };
  await vite({ root: project.folder, configFile: false, plugins: [vue()], logLevel: 'error', build });
  const { page, complaints } = await openExample('<div id="app"></div><script type="module" src="vue.js"></script>');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText(COUNTED).waitFor();
  await page.getByText('count 5 at 50').waitFor();
  expect(complaints).toEqual([]);
});
