import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanTitle } from './clean-title.ts';

test.each([
  ['Rivers of Europe', 'Rivers of Europe'],
  ['  "Rivers of Europe."\n', 'Rivers of Europe'],
  ['Title: **“Sông Hồng”**', 'Sông Hồng'],
  ['# Tiêu đề: «Cơm tấm»', 'Cơm tấm'],
  ['「東京の天気」。', '東京の天気'],
  ['<think>They ask about rivers.\nSo: rivers.</think>\n\nRivers', 'Rivers'],
  ['Here is a title:\nRivers', 'Rivers'],
  ['"**"\nRivers\nand more', 'Rivers'],
  ['Centering a <div>', 'Centering a <div>'],
  ['Node.js streams', 'Node.js streams'],
  ['And then…', 'And then…'],
  ['می‌خواهم بدانم', 'می‌خواهم بدانم'],
  ['Family 👨‍👩‍👧', 'Family 👨‍👩‍👧'],
])('what a model says is cut down to its title: %j', (said, title) => expect(cleanTitle(said)).toBe(title));

test.each([
  ['nothing', ''],
  ['signs alone', ' "…" \n---'],
  ['a thought without an end', '<think>They ask about'],
  ['an announcement alone', 'Here is a title:'],
  ['an address', 'Unlock it at https://evil.example/x'],
  ['an address without its scheme', 'See www.evil.example'],
  ['a speech', 'I am sorry, but '.repeat(20)],
])('%s gives none', (_, said) => expect(cleanTitle(said)).toBeNull());

test('what turns text round, hides in it or ends a line does not get through', () => {
  expect(cleanTitle('a\u202Egnp.exe\u2066b\u200B\u0007 \uE000c\uFEFF\u{E0041}')).toBe('agnp.exeb c');
  expect(cleanTitle('first\u2028second')).toBe('first');
  expect(cleanTitle('half \uD83D')).toBe('half');
  expect(cleanTitle(`<img src=x onerror="alert(1)">`)).toBe('<img src=x onerror="alert(1)">');
});

test('a long line is cut as a person’s is', () => {
  const title = cleanTitle('á'.repeat(150))!;
  expect([...title]).toHaveLength(80);
  expect(title.endsWith('…')).toBe(true);
});

const sign = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom(
    '"',
    "'",
    '*',
    '`',
    '# ',
    '- ',
    '> ',
    '\n',
    '\r',
    '\u2028',
    ' ',
    '\t',
    '.',
    '。',
    '…',
    ':',
    '<think>',
    '</think>',
    'title: ',
  ),
  fc.constantFrom('\u202E', '\u2066', '\u200B', '\u200D', '\u0000', '\uFEFF', 'a', 'ế', '漢', '👍', '“', '”', '://', 'x'.repeat(70)),
);

test('whatever is said: a title is one line without unseen signs, short, says something, and is its own title', () => {
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 20 }), (signs) => {
      const title = cleanTitle(signs.join(''));
      if (title === null) return;
      expect(title).not.toMatch(/[\p{Cc}\p{Cs}\p{Co}\u2028\u2029]|(?![\u200C\u200D])\p{Cf}/u);
      expect(title).toBe(title.trim());
      expect(title.isWellFormed()).toBe(true);
      expect([...title].length).toBeLessThanOrEqual(80);
      expect(title).toMatch(/[\p{L}\p{N}\p{Extended_Pictographic}]/u);
      expect(title).not.toContain('://');
      expect(cleanTitle(title)).toBe(title);
    }),
    { numRuns: 2_000 },
  );
});
