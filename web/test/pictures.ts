import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { PHONE } from './browser.ts';
import type { Harness } from './harness-page.ts';

/** A state of the page as somebody sees it, drawn for the documents. */
export interface Picture {
  name: string;
  scene: string;
  look?: BrowserContextOptions;
  /** What a person does first. */
  act?: (page: Page) => Promise<void>;
  /** Only this part of the page. */
  part?: string;
}

const inVietnamese = { locale: 'vi-VN' };
const openAccount = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /Account and keys|Tài khoản và khóa/ }).click();
  await page.locator('.account li').nth(3).waitFor();
};

const makeKey = async (page: Page): Promise<void> => {
  await openAccount(page);
  await page.getByRole('button', { name: /^(Make a key|Tạo khóa)$/ }).click();
  const name = page.getByRole('textbox', { name: /^(Name|Tên)$/ });
  await name.fill('My script');
  await name.press('Enter');
  await page.getByRole('textbox', { name: /My script/ }).waitFor();
};

/** By the button at the foot of the list; on a phone the list is opened first. */
const atTheFoot = async (page: Page, name: RegExp): Promise<void> => {
  const menu = page.getByRole('button', { name: /Show conversations|Hiện các cuộc trò chuyện/ });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole('button', { name }).click();
};
const openSettings = async (page: Page): Promise<void> => {
  await atTheFoot(page, /^(Settings|Cài đặt)$/);
  await page.locator('.choices').waitFor();
};
const openPrompts = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /^(Your prompts|Câu lệnh mẫu)$/ }).click();
  await page.locator('.prompts li').first().waitFor();
};
const giveThumb = async (page: Page): Promise<void> => {
  await page
    .getByRole('button', { name: /Bad answer|Câu trả lời chưa tốt/ })
    .last()
    .click();
  await page.locator('.why').click();
  await page.getByRole('textbox', { name: /What was wrong|chưa tốt/ }).fill('Lava is no river.');
  await page.mouse.move(0, 0);
};

const openList = async (page: Page): Promise<void> => {
  const menu = page.getByRole('button', { name: /Show conversations|Hiện các cuộc trò chuyện/ });
  if (await menu.isVisible()) await menu.click();
  await page.locator('.folder', { hasText: 'Work' }).click();
  await page.locator('.filed').first().waitFor();
};
const chooseSeveral = async (page: Page): Promise<void> => {
  await openList(page);
  const options = page.getByRole('button', { name: /A poem about/ });
  await options.focus();
  await options.press('Enter');
  await page.getByRole('menuitem', { name: /^(Choose several|Chọn nhiều)$/ }).click();
  await page.locator('.bar p').waitFor();
  await page.getByRole('checkbox').nth(1).check();
};
const trailShown = (page: Page): Promise<void> => page.locator('.trail .entry, .wide table').first().waitFor();

/** Of the user guide. */
export const GUIDE: Picture[] = [
  { name: 'sign-in', scene: 'signInOwn', act: async (page) => page.locator('.sign-in a').waitFor(), part: '.page' },
  {
    name: 'sign-in-vi',
    scene: 'signInOwn',
    look: { ...inVietnamese, ...PHONE, deviceScaleFactor: 1 },
    act: async (page) => page.locator('.sign-in a').waitFor(),
  },
  { name: 'key', scene: 'account', act: makeKey, part: '.account' },
  { name: 'key-vi', scene: 'account', look: { ...inVietnamese, colorScheme: 'dark' }, act: makeKey, part: '.account' },
  { name: 'account', scene: 'account', act: openAccount, part: '.account' },
  { name: 'account-vi', scene: 'account', look: { ...inVietnamese, colorScheme: 'dark' }, act: openAccount, part: '.account' },
  { name: 'settings', scene: 'chat', act: openSettings, part: '.choices' },
  { name: 'settings-vi', scene: 'chat', look: { ...inVietnamese, colorScheme: 'dark' }, act: openSettings, part: '.choices' },
  { name: 'prompts', scene: 'chat', act: openPrompts, part: '.prompts' },
  { name: 'prompts-vi', scene: 'chat', look: { ...inVietnamese, colorScheme: 'dark' }, act: openPrompts, part: '.prompts' },
  { name: 'folders', scene: 'folders', act: chooseSeveral, part: '.sidebar' },
  { name: 'folders-vi', scene: 'folders', look: { ...inVietnamese, colorScheme: 'dark' }, act: chooseSeveral, part: '.sidebar' },
  { name: 'signed-out', scene: 'ended', act: async (page) => page.locator('.sign-in a').waitFor(), part: '.page' },
  {
    name: 'signed-out-vi',
    scene: 'ended',
    look: { ...inVietnamese, ...PHONE, deviceScaleFactor: 1 },
    act: async (page) => page.locator('.sign-in a').waitFor(),
  },
];

const LOOKS: [string, BrowserContextOptions][] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone-vi', { ...PHONE, ...inVietnamese, colorScheme: 'dark' }],
];
const ACTS: Record<string, [scene: string, act: Picture['act']]> = {
  thumbs: ['chat', giveThumb],
  parts: ['parts', async (page) => page.getByText('Clock', { exact: true }).waitFor()],
  ended: ['ended', async (page) => page.locator('.sign-in a').waitFor()],
  diagram: ['diagram', async (page) => page.locator('.sheet img').waitFor({ timeout: 60_000 })],
  prompts: ['chat', openPrompts],
  settings: ['chat', openSettings],
  folders: ['folders', openList],
  choosing: ['folders', chooseSeveral],
  audit: ['audit', trailShown],
  auditAdmin: ['auditAdmin', trailShown],
};
/** Of docs/design.md: states of the page, each in three looks, half their size. */
export const GALLERY: Picture[] = [
  ...['home', 'streaming', 'marks', 'signIn', 'diagram', 'rtl', 'loading', 'thinking', 'branches', 'queued', 'reconnecting'],
  ...['approval', 'question', 'receipt', 'forged', 'forbidden'],
  ...Object.keys(ACTS).filter((name) => name !== 'diagram'),
].flatMap((name) =>
  LOOKS.map(([look, options]) => ({
    ...{ name: `${name}-${look}`, scene: ACTS[name]?.[0] ?? name, look: { ...options, deviceScaleFactor: 0.5 } },
    ...(ACTS[name]?.[1] && { act: ACTS[name][1] }),
  })),
);

/** A browser page of its own for each: what one leaves behind is in no other picture. */
export const draw = async (harness: Harness, { name, scene, look = {}, act, part }: Picture, folder: string): Promise<void> => {
  const { context, page } = await harness.openPage(scene, { viewport: { width: 1100, height: 700 }, deviceScaleFactor: 1, ...look });
  try {
    await page.waitForFunction(() => !document.querySelector('.prose.plain'));
    await act?.(page);
    await page.evaluate(() => document.fonts.ready);
    await mkdir(folder, { recursive: true });
    const picture = await (part === undefined ? page : page.locator(part)).screenshot({ animations: 'disabled' });
    await writeFile(join(folder, `${name}.png`), picture);
  } finally {
    await context.close();
  }
};
