import { existsSync } from 'node:fs';

const SHELL = '/usr/bin/chromium-headless-shell';

/**
 * The program that tests open pages with: `CHROMIUM`, or Debian's Chromium without the window around its pages, or the whole one. Measured in turns, a page
 * of the whole one costs three times the processor time (docs/decisions/0282-pages-of-tests-without-a-window.md).
 */
export const browserProgram = (): string => process.env['CHROMIUM'] ?? (existsSync(SHELL) ? SHELL : '/usr/bin/chromium');
