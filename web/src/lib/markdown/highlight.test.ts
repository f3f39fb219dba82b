import { expect, test } from 'vitest';
import { highlight } from './highlight.ts';

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const plain = (html: string): string => html.replaceAll(/<\/?span[^>]*>/g, '');

test('marks keywords, strings, numbers, calls and comments', () => {
  expect(highlight('const a = f("x", 12); // y', 'ts', escape)).toBe(
    '<span class="t-keyword">const</span> a = <span class="t-call">f</span>(<span class="t-string">"x"</span>, ' +
      '<span class="t-number">12</span>); <span class="t-comment">// y</span>',
  );
});

test('an unknown language is plain, escaped text', () => {
  expect(highlight('<b>if</b>', 'unknown', escape)).toBe('&lt;b&gt;if&lt;/b&gt;');
});

test.each(['ts', 'python', 'sql', 'html', 'sh'])('%s: the text stays what it is, whatever it is', (language) => {
  const code = "a <b> \"open 'x' `t`\n# c // d -- e <!-- f\nif (x) { return 0x1F } /* open";
  expect(plain(highlight(code, language, escape))).toBe(escape(code));
});
