import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { en } from './src/locales/en.ts';
import { vi } from './src/locales/vi.ts';

/** What the first picture says in one language. */
type Words = Pick<typeof en, 'app' | 'empty'>;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** As `AppLogo.vue` draws it. */
const lines = readFileSync(join(import.meta.dirname, 'src/components/ui/AppLogo.vue'), 'utf8')
  .match(/<path [^>]*\/>/g)!
  .join('');
const logo = (size: number): string =>
  `<svg class="logo" width="${size}" height="${size}" viewBox="0 0 32 32" aria-hidden="true">${lines}</svg>`;

const suggestion = (title: string, text: string, prompt = ''): string =>
  `<li${prompt && ' class="prove"'}><button type="button" disabled><strong>${escaped(title)}</strong><span>${escaped(text)}</span>${prompt && `<code>${prompt}</code>`}</button></li>`;

/** The start page in one language, with the classes of its components, so that their styles put each thing where it will stand. */
const startPage = (lang: string, { app, empty }: Words): string =>
  [
    `<div class="app first" lang="${lang}">`,
    `<div class="side"><div class="sidebar"><div class="top"><span class="brand">${logo(26)}<span>${app.name}</span></span></div></div></div>`,
    '<div class="stage"><div class="header"></div><div class="page chat welcome">',
    `<div class="hero">${logo(52)}<h2>${escaped(empty.title)}</h2><p>${escaped(empty.text)}</p></div>`,
    '<div class="composer"><div class="box"></div><p class="hint"></p></div>',
    '<ul class="suggestions">',
    suggestion(empty.explain, empty.explainPrompt),
    suggestion(empty.write, empty.writePrompt),
    suggestion(empty.code, empty.codePrompt),
    suggestion(empty.count, empty.countText, 'count 200 at 20'),
    '</ul></div></div></div>',
  ].join('');

const EMPTY = '<div id="app"></div>';

/**
 * Writes the start page into `index.html`, so that it is seen with the styles and not after 120 kB of scripts have come and run. `appearance.js`
 * says which part of it is shown; what the page draws first takes its place. No word of it is written twice, and a test compares the places.
 */
export const firstPicture = (): Plugin => ({
  name: 'runnel:first-picture',
  transformIndexHtml: {
    order: 'pre',
    handler: (html) => html.replace(EMPTY, () => EMPTY.replace('><', `>${startPage('en', en)}${startPage('vi', vi)}<`)),
  },
});
