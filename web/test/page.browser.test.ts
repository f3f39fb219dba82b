import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, PHONE, type Watched } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const open: Harness['open'] = (scene, options) => harness.open(scene, options);

const LOOKS = [
  { name: 'light', options: { colorScheme: 'light' as const } },
  { name: 'dark', options: { colorScheme: 'dark' as const } },
  { name: 'phone', options: PHONE },
  { name: 'phone in Vietnamese, dark', options: { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' } },
];
const SCENES = ['home', 'chat', 'streaming', 'marks', 'queued', 'branches', 'forbidden', 'signIn', 'signInLink'];

describe.each(LOOKS)('axe finds nothing and nothing sticks out: $name', ({ options }) => {
  test.each(SCENES)('%s', async (scene) => {
    const { page, complaints } = await open(scene, options);
    await page.waitForFunction(() => !document.querySelector('.prose.plain'));
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });
});

test('axe finds nothing while a menu is open', async () => {
  const { page } = await open('home');
  await page.getByRole('button', { name: 'Model: Automatic' }).click();
  await page.getByRole('menu').waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page
    .getByRole('button', { name: /Options/ })
    .first()
    .click();
  await page.getByRole('menu').waitFor();
  await expectAccessible(page);
});

test('Ctrl+K finds a conversation, a model and a command; ? lists the keys; both are accessible', async () => {
  const { page } = await open('home');
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox');
  await field.waitFor();
  await expectAccessible(page);
  await field.fill('ha giang');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/c\/c4$/);
  await page.keyboard.press('Control+k');
  await field.fill('model smol');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /Model: SmolLM2/ }).waitFor();
  await page.locator('.scroller, .new').first().focus();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('a long conversation is printed whole', async () => {
  const { page } = await open('long');
  const pages = (await page.pdf()).toString('latin1').match(/\/Type \/Page\b/g)?.length ?? 0;
  expect(pages).toBeGreaterThan(1);
});

test("with the system's own colours, what is chosen and where one is can be seen", async () => {
  const { page } = await open('chat', { forcedColors: 'active' });
  // The list of conversations comes after the page.
  await page.locator('.item.current a').waitFor();
  const marks = await page.evaluate(() =>
    ['label:has(input:checked)', '.item.current a', '.speech'].map((what) => {
      const { outlineStyle, borderStyle } = getComputedStyle(document.querySelector(what)!);
      return outlineStyle !== 'none' || borderStyle !== 'none';
    }),
  );
  expect(marks).toEqual([true, true, true]);
});

describe('menus and dialogs', () => {
  test('the drawer on a phone opens, is accessible, and closes with Escape', async () => {
    const { page } = await open('chat', PHONE);
    await page.getByRole('button', { name: 'Show conversations' }).click();
    await page.getByRole('dialog').waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('what the badge knows is a click away', async () => {
    const { page } = await open('reconnecting');
    await page.getByRole('button', { name: /Reconnecting in \d s/ }).click();
    await page.getByText('gateway-2').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Try now' }).click();
    await expect.poll(() => page.evaluate(() => window.runnel.client.calls)).toContain('reconnect');
  });

  test('a model is chosen and remembered', async () => {
    const { page } = await open('home');
    await page.getByRole('button', { name: 'Model: Automatic' }).click();
    await page.getByRole('menuitemradio', { name: /Count/ }).click();
    await page.goto(harness.address('home'));
    await page.getByRole('button', { name: 'Model: Count' }).waitFor();
  });
});

describe('the connection badge', () => {
  test.each([
    ['reconnecting', /Reconnecting in \d s/],
    ['queued', /Offline/],
    ['home', /Live/],
  ])('%s', async (scene, text) => {
    const { page } = await open(scene);
    await page.getByRole('button', { name: text }).waitFor();
  });
});

test('a page that opens without a connection says why no conversations are listed', async () => {
  const { page } = await open('queued');
  await page.getByText('Your conversations will be listed once there is a connection.').waitFor();
});

describe('code', () => {
  test('its copy button stays in view while a long block is read', async () => {
    const { page } = await open('chat');
    await page.evaluate(() => {
      const { client, message, chain } = window.runnel;
      const { conversation } = client.view('c1').get();
      const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`).join('\n');
      const messages = chain([message('user', 'Code?'), message('assistant', `\`\`\`\n${lines}\n\`\`\`\nEnd.`)]);
      client.change('c1', { conversation: { ...conversation, messages, run: null } });
    });
    const copy = page.locator('.code-copy');
    await page.getByText('End.').scrollIntoViewIfNeeded();
    await page.locator('.scroller').evaluate((element) => element.scrollBy(0, -600));
    expect(await copy.evaluate((element) => element.getBoundingClientRect().top)).toBeGreaterThan(0);
    await copy.click();
    await copy.filter({ hasText: 'Copied' }).waitFor();
  });
});

test('an open block of code keeps its selection, its place and the focus while lines come', async () => {
  const { page } = await open('streaming');
  const kept = await page.evaluate(async () => {
    const { client } = window.runnel;
    const frame = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
    const put = async (text: string): Promise<void> => {
      const view = client.view('c1').get();
      client.change('c1', { conversation: { ...view.conversation, run: { ...view.conversation.run!, text } } });
      await frame();
    };
    const wide = `const first = "${'x'.repeat(400)}";\n`;
    await put(`\`\`\`ts\n${wide}const second = 2;\n`);
    const pre = document.querySelector('.code pre')!;
    pre.scrollLeft = 60;
    getSelection()!.selectAllChildren(pre.querySelector('.t-keyword')!);
    document.querySelector<HTMLElement>('.code-copy')!.focus();
    for (let i = 3; i < 30; i++) await put(`\`\`\`ts\n${wide}const second = 2;\n${'let more = call(1); // more\n'.repeat(i)}`);
    const held = String(getSelection());
    getSelection()!.selectAllChildren(pre);
    const lines = String(getSelection()).split('\n').length;
    return [pre.scrollLeft, held, document.activeElement?.className, pre.textContent.split('\n').length, lines, pre.isConnected];
  });
  expect(kept).toEqual([60, 'const', 'code-copy', 32, 31, true]);
});

describe('language', () => {
  test('follows the browser, can be changed, and is remembered', async () => {
    const { page } = await open('home', { locale: 'vi-VN' });
    await page.getByRole('heading', { name: 'Hôm nay ta cùng nghĩ về điều gì?' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('vi');
    await page.getByText('EN', { exact: true }).click();
    await page.getByRole('heading', { name: 'What shall we think about?' }).waitFor();
    await page.goto(harness.address('home'));
    await page.getByRole('heading', { name: 'What shall we think about?' }).waitFor();
  });

  test('changes what is inside an answer, too', async () => {
    const { page } = await open('chat');
    await page.getByText('Image not loaded: A meander').waitFor();
    await page.getByText('VI', { exact: true }).click();
    await page.getByText('Ảnh không được tải: A meander').waitFor();
    await page.getByRole('button', { name: 'Sao chép', exact: true }).first().waitFor();
  });
});

describe('theme', () => {
  const ground = (page: Watched['page']): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

  test('follows the system until another is chosen', async () => {
    const { page } = await open('home', { colorScheme: 'dark' });
    const dark = await ground(page);
    await page.getByTitle('Light').click();
    await expect.poll(() => ground(page)).not.toBe(dark);
    await page.goto(harness.address('home'));
    await page.getByRole('radio', { name: 'Light' }).waitFor({ state: 'attached' });
    expect(await ground(page)).not.toBe(dark);
  });
});

describe('a long conversation', () => {
  const distance = (page: Watched['page']): Promise<number> =>
    page.locator('.scroller').evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  const grow = (page: Watched['page'], text: string): Promise<void> =>
    page.evaluate((more) => {
      const { client } = window.runnel;
      const view = client.view('c1').get();
      const run = view.conversation.run!;
      client.change('c1', { conversation: { ...view.conversation, run: { ...run, text: run.text + more } } });
    }, text);
  /** Where the reader is once a turn of the wheel has run out: the same place for ten frames. */
  const restingTop = (page: Watched['page']): Promise<number> =>
    page.locator('.scroller').evaluate(async (element) => {
      for (let same = 0, last = element.scrollTop; same < 10; last = element.scrollTop) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        same = element.scrollTop === last ? same + 1 : 0;
      }
      return element.scrollTop;
    });
  const PATIENT = { timeout: 10_000 };
  const LONG = '\n\nAnother paragraph of the answer.'.repeat(30);

  test('follows the answer while the reader is at its end', async () => {
    const { page } = await open('streaming');
    await grow(page, LONG);
    await expect.poll(() => distance(page), PATIENT).toBeLessThan(2);
  });

  test('leaves a reader alone who has scrolled up, and takes them back on request', async () => {
    const { page } = await open('streaming');
    await grow(page, LONG);
    await expect.poll(() => distance(page), PATIENT).toBeLessThan(2);
    await page.locator('.scroller').hover();
    await page.mouse.wheel(0, -600);
    await page.getByRole('button', { name: 'Jump to the newest' }).waitFor();
    const top = await restingTop(page);
    await grow(page, LONG);
    await expect.poll(() => distance(page), PATIENT).toBeGreaterThan(1_000);
    expect(await page.locator('.scroller').evaluate((element) => element.scrollTop)).toBe(top);
    await page.getByRole('button', { name: 'Jump to the newest' }).click();
    await expect.poll(() => distance(page), PATIENT).toBeLessThan(2);
  });

  test('older messages appear above without moving what is read', async () => {
    const { page } = await open('long');
    await expect.poll(() => distance(page), PATIENT).toBeLessThan(2);
    const place = await page.evaluate(async () => {
      const scroller = document.querySelector('.scroller')!;
      const frame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(resolve));
      const find = (): number =>
        [...document.querySelectorAll('.speech')].find((e) => e.textContent === 'Question 14')!.getBoundingClientRect().top;
      scroller.scrollTop = 250;
      const before = find();
      while (!document.body.textContent.includes('Older 1')) await frame();
      await frame();
      return { before, after: find() };
    });
    expect(Math.abs(place.after - place.before)).toBeLessThan(2);
  });

  test('finished blocks are left alone while the last one grows', async () => {
    const { page } = await open('streaming');
    await page.waitForFunction(() => document.querySelectorAll('.prose > div').length > 3);
    const changed = await page.evaluate(async () => {
      const blocks = [...document.querySelectorAll('[data-status="running"] .prose > div')];
      const touched = new Set<number>();
      const observer = new MutationObserver((records) => {
        for (const record of records) {
          const index = blocks.findIndex((block) => block.contains(record.target));
          if (index >= 0) touched.add(index - blocks.length);
        }
      });
      blocks.forEach((block) => observer.observe(block, { childList: true, subtree: true, characterData: true }));
      const { client } = window.runnel;
      for (const word of ['ending', ': number', ') {\n', '  return']) {
        const view = client.view('c1').get();
        const run = view.conversation.run!;
        client.change('c1', { conversation: { ...view.conversation, run: { ...run, text: run.text + word } } });
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      }
      return [...touched];
    });
    expect(changed).toEqual([-1]);
  });

  test('a screen reader hears the start, and at the end the answer, not each word', async () => {
    const { page } = await open('chat');
    const said = await page.evaluate(async () => {
      const { client, message } = window.runnel;
      const lines: string[] = [];
      const region = [...document.querySelectorAll('[role="status"]')].find((element) => element.tagName === 'P')!;
      new MutationObserver(() => lines.push(region.textContent ?? '')).observe(region, {
        childList: true,
        subtree: true,
        characterData: true,
      });
      const frame = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
      const { conversation } = client.view('c1').get();
      const parentId = conversation.messages.at(-1)!.messageId;
      const run = { runId: 'r9', parentId, model: 'demo', epoch: 1, startedAt: 0, bytes: 0, moves: 0, text: '' };
      for (const text of ['', 'One ', 'One two ']) {
        client.change('c1', { conversation: { ...conversation, run: { ...run, text } } });
        await frame();
      }
      const done = message('assistant', 'One **two**.\n\n```ts\nconst three = 3;\n```\n', { messageId: 'r9', parentId });
      client.change('c1', { conversation: { ...conversation, run: null, messages: [...conversation.messages, done] } });
      await frame();
      return lines;
    });
    expect(said).toEqual(['Answer is coming.', 'Answer finished.']);
    // What a screen reader has of the page; whoever looks for words in it finds the answer's once.
    const tree = await page.context().newCDPSession(page);
    const heard = async (): Promise<boolean> =>
      (await tree.send('Accessibility.getFullAXTree')).nodes.some(({ name }) => name?.value === 'One two. …');
    await expect.poll(heard).toBe(true);
    expect(await page.getByText('One two.').count()).toBe(1);
    await expect.poll(heard, { timeout: 15_000 }).toBe(false);
  });
});
