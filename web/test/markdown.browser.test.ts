import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHarness, type Harness } from './harness-page.ts';
import type {} from './harness.ts';

let harness: Harness;
let page: Page;
beforeAll(async () => {
  harness = await serveHarness();
  page = await harness.browser.newPage();
  await page.goto(harness.address('home'));
});
afterAll(() => harness[Symbol.asyncDispose]());

/** What the page would put on the screen: sanitising needs a real DOM. */
const render = (source: string): Promise<string> =>
  page.evaluate(
    (text) =>
      window.runnel.createMarkdown({ copy: 'Copy', image: 'Image not loaded', table: 'Table', note: 'Footnote', back: 'Back to' })(text),
    source,
  );

describe('markdown', () => {
  test('a list of tasks shows boxes', async () => {
    const html = await render('- [ ] open\n- [x] done\n- [link]\n\n1. [ ] **bold**\n\n[ ] no list');
    const text = await page.evaluate((source) => new DOMParser().parseFromString(source, 'text/html').body.innerText, html);
    expect(text.split(/\n+/).map((line) => line.trim())).toEqual(
      expect.arrayContaining(['☐ open', '☑ done', '[link]', '☐ bold', '[ ] no list']),
    );
    expect(html.match(/class="task"/g)).toHaveLength(3);
  });

  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](data:text/html,<script>alert(1)</script>)',
    '![x](javascript:alert(1))',
    '<svg><style><img src=x onerror=alert(1)>',
    '[x](https://a.example "onmouseover=alert(1)")',
    '```html"onclick=alert(1)\n<b>\n```',
    '<iframe srcdoc="<script>alert(1)</script>">',
    '[a]: javascript:alert(1)\n\n[a]',
  ])('%j can do no harm', async (source) => {
    const html = await render(source);
    const dangerous = await page.evaluate((text) => {
      const { body } = new DOMParser().parseFromString(text, 'text/html');
      const elements = [...body.querySelectorAll('*')];
      return elements.filter(
        (element) =>
          /^(script|img|svg|iframe|style|object|embed|form)$/i.test(element.tagName) ||
          [...element.attributes].some(
            ({ name, value }) => name.startsWith('on') || name === 'style' || /^\s*(javascript|data):/i.test(value),
          ),
      ).length;
    }, html);
    expect(dangerous).toBe(0);
  });

  test('formulas stand as they were written', async () => {
    const source = 'So \\(a^2+b^2\\) and \\[ \\int_0^1 x\\,dx \\] and $$a_b_c$$.\n\n\\[\n- x *y*\n= z\\,w\n\\]\n\nAn open \\( stays.';
    const html = await render(source);
    const text = await page.evaluate((code) => new DOMParser().parseFromString(code, 'text/html').body.textContent, html);
    for (const formula of ['\\(a^2+b^2\\)', '\\[ \\int_0^1 x\\,dx \\]', '$$a_b_c$$', '\\[\n- x *y*\n= z\\,w\n\\]'])
      expect(text).toContain(formula);
    expect(html.match(/class="math"/g)).toHaveLength(4);
    expect(html).not.toContain('<em>');
  });

  test('what begins many formulas and ends none is shown in time', async () => {
    const ms = await page.evaluate(() => {
      const render = window.runnel.createMarkdown({ copy: '', image: '', table: '', note: '', back: '' });
      const start = performance.now();
      render('\\('.repeat(10_000));
      render('\\[ a\n'.repeat(3_000));
      render('$a '.repeat(10_000));
      render('[^1]: a\n'.repeat(3_000));
      return performance.now() - start;
    });
    expect(ms).toBeLessThan(5_000);
  });

  test.each([
    ['$E=mc^2$ and ($x$), but $5 and $6, US$3–$4, $HOME or $ 1 $', ['$E=mc^2$', '$x$']],
    ['`$a$` is code, \\$a$ is not', []],
  ])('money is no formula: %s', async (source, formulas) => {
    const html = await render(source);
    expect([...html.matchAll(/class="math">([^<]*)</g)].map(([, text]) => text)).toEqual(formulas);
  });

  test('footnotes lead to their text and back; a class of characters is none', async () => {
    const html = await render('So it is[^1], not [^a-z] or [^12]: here.\n\n[^1]: A *source*.\n[^2]: Another.');
    expect(html).toContain('<sup><button type="button" class="note-mark" data-note="1" aria-label="Footnote 1">1</button></sup>');
    expect(html).toContain('data-note-text="1" aria-label="Back to 1">1</button> A <em>source</em>.</div>');
    expect(html.match(/class="note"/g)).toHaveLength(2);
    expect(html).toContain('[^a-z]');
    expect(html).toContain('[^12]: here');
  });

  test('emphasis needs no space where a script has none', async () => {
    expect(await render('**这是“粗体”**文字 **太字。**です')).toContain('<strong>这是“粗体”</strong>文字 <strong>太字。</strong>です');
  });

  test('links leave the page without telling where from', async () => {
    const html = await render('[docs](https://example.org/a?b=1&c=2) and https://example.com');
    expect(html).toContain('<a href="https://example.org/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer nofollow">docs</a>');
    expect(html.match(/rel="noopener noreferrer nofollow"/g)).toHaveLength(2);
  });

  test('an image is a link, not a request', async () => {
    expect(await render('![A "map"](https://example.org/track.png)')).toContain('>Image not loaded: A "map"</a>');
  });

  test('code has its language and a button; the page keeps its own headings', async () => {
    const html = await render('# Title\n\n```ts\nconst a = 1 < 2;\n```');
    expect(html).toContain('<h3 class="h1">Title</h3>');
    expect(html).toContain('<span>ts</span><button type="button" class="code-copy" data-copy="">Copy</button>');
    expect(html).toContain('1</span> &lt; <span');
  });

  test('tables scroll on their own and are aligned without inline styles', async () => {
    const html = await render('| a | b |\n| :- | -: |\n| 1 | 2 |');
    expect(html).toContain('<div class="table" role="region" tabindex="0" aria-label="Table – a, b"><table>');
    expect(html).toContain('<td class="align-right">2</td>');
    expect(html).not.toContain('style=');
  });
});

test.each([
  ['a paragraph', 'One two', 'P'],
  ['an item', '- One\n- Two', 'LI'],
  ['an item of an item', '- One\n- Two\n  - Three\n  - Four', 'LI:Four'],
  ['three lists in each other', '1. One\n   - Two\n     - Three', 'LI:Three'],
  ['an item with a paragraph', '- One\n\n  More\n\n- Two\n\n  Three', 'P:Three'],
  ['code', '```ts\nconst a = 1;\nconst b', 'CODE'],
  ['a table', '| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4', 'TD:4'],
])('C5 the drop stands behind the last word, once: %s', async (_, text, where) => {
  const { page } = await harness.open('streaming');
  await page.waitForFunction(() => !document.querySelector('.prose.plain'));
  await page.evaluate((now) => {
    const { client } = window.runnel;
    const { conversation } = client.view('c1').get();
    client.change('c1', { conversation: { ...conversation, run: { ...conversation.run!, text: now } } });
  }, text);
  const drops = (): Promise<string[]> =>
    page.evaluate(() =>
      [...document.querySelectorAll('.prose.streaming, .prose.streaming *')]
        .filter((element) => getComputedStyle(element, '::after').borderRadius.startsWith('50% 50% 50%'))
        .map((element) => `${element.tagName}:${element.textContent!.trim()}`),
    );
  await expect.poll(drops, { timeout: 5_000 }).toEqual([expect.stringMatching(new RegExp(`^${where}`))]);
});

test('a row of a table that is being written has no rule under it, and its marks are closed', async () => {
  const { page } = await harness.open('streaming');
  await page.waitForFunction(() => !document.querySelector('.prose.plain'));
  await page.evaluate(() => {
    const { client } = window.runnel;
    const { conversation } = client.view('c1').get();
    const text = '| a | b |\n| - | - |\n| 1 | 2 |\n| 3 | **bo';
    client.change('c1', { conversation: { ...conversation, run: { ...conversation.run!, text } } });
  });
  await expect
    .poll(() => page.evaluate(() => [...document.querySelectorAll('.streaming tbody tr')].map((row) => row.innerHTML)), { timeout: 5_000 })
    .toEqual([expect.stringContaining('1'), expect.stringContaining('3')]);
  expect(await page.evaluate(() => document.querySelector('.streaming tbody tr:last-child strong')?.textContent)).toBe('bo');
});
