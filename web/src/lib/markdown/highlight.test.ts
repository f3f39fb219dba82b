import { expect, test } from 'vitest';
import { highlight, piecesOf } from './highlight.ts';

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

test.each(['ts', 'python', 'sql', 'html', 'sh', 'rust', 'css', 'diff', 'lua', 'haskell', 'powershell', 'dockerfile', 'php'])(
  '%s: the text stays what it is, whatever it is',
  (language) => {
    const code = "a <b> \"open 'x' `t`\n# c // d -- e <!-- f\nif (x) { return 0x1F } /* open";
    expect(plain(highlight(code, language, escape))).toBe(escape(code));
  },
);

/** What is coloured, by kind. */
const kinds = (code: string, language: string): string[] =>
  [...piecesOf(code, language)].flatMap(({ text, kind }) => (kind === null ? [] : [`${kind} ${text.replaceAll('\n', '⏎')}`]));

test.each([
  ['rust', "fn f<'a>(x: &'a str) -> char { 'x' }", ['keyword fn', 'keyword char', "string 'x'"]],
  ['html', '<p class="a">It\'s for you</p>', ['keyword <p', 'call class', 'string "a"', 'keyword >', 'keyword </p', 'keyword >']],
  [
    'python',
    'def f():\n    """One\n    two"""\n    return 1',
    ['keyword def', 'call f', 'string """One⏎    two"""', 'keyword return', 'number 1'],
  ],
  ['js', 'const r = /["\']+/g; a = b / c / d', ['keyword const', 'string /["\']+/g']],
  [
    'css',
    'a:hover { color: #fff; }\n@media x { p { margin: 0 } }',
    ['keyword color', 'number #fff', 'keyword @media', 'keyword margin', 'number 0'],
  ],
  ['diff', '@@ -1 +1 @@\n-old\n+new\n same', ['keyword @@ -1 +1 @@', 'removed -old', 'string +new']],
  ['golang', 'func main() {}', ['keyword func', 'call main']],
  ['dockerfile', 'FROM node AS base # x', ['keyword FROM', 'keyword AS', 'comment # x']],
  ['lua', 'local a = 1 -- one', ['keyword local', 'number 1', 'comment -- one']],
  ['haskell', "f' x = x -- it's", ["comment -- it's"]],
  ['postgresql', 'select 1', ['keyword select', 'number 1']],
  ['powershell', '<# a\n b #> foreach', ['comment <# a⏎ b #>']],
])('C14 %s as people read it', (language, code, expected) => {
  expect(kinds(code, language)).toEqual(expected);
});

test('what never ends is coloured in time', () => {
  for (const language of ['js', 'java', 'python', 'lua', 'haskell', 'sql', 'css', 'html', 'diff', 'powershell'])
    for (const text of ['"', "'", '`', '<', '/', '=', '-', "'''", '[', '\\', ' ', '/[', 'a-', '{;'])
      expect(plain(highlight(text.repeat(10_000), language, (code) => code))).toBe(text.repeat(10_000));
});
