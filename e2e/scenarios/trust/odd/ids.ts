import type { Random } from '../../../harness/random.ts';

/** What no id may be, as text: for bodies, frames and headers. */
export const BAD_TEXTS: readonly string[] = [
  ...['', ' ', '\t', '.', '..', '../..', 'a/b', '/', '//', 'a\\b', 'a?b', 'a#b', 'a:b', 'a|b', 'a,b', 'a;b', 'a%2fb', '%00', '{a}', '*'],
  ...['\u0000', 'a\u0000b', '\n', 'a\r\nb', '\ud800', 'a\udc00b', '\ufeff', '\u2028', '\u200bab', '\u202eba', 'אבג', 'مرحبا', '😀', '👩‍👩‍👧'],
  // The same to a person, in two spellings, and letters that only look like ours.
  ...['\u00e9', 'e\u0301', 'ﬁ', 'ａｎｎ', 'аnn', 'ß', 'ſ', 'İ', '٣', '１'],
  ...['x'.repeat(65), 'x'.repeat(300), 'x'.repeat(5_000), 'x'.repeat(2 ** 20), '😀'.repeat(10_000)],
];
/** For JSON alone. */
export const BAD_VALUES: readonly unknown[] = [0, -1, 7, 1.5, 1e308, 2 ** 53, true, [], ['a'], {}, { id: 'a' }, { toString: 'a' }];
/** How an address may spell what is no id: raw bytes, halves of letters, dots, escapes of escapes. */
export const BAD_SEGMENTS: readonly string[] = [
  ...[
    '',
    '.',
    '..',
    '%2e',
    '%2e%2e',
    '%2E%2e',
    '..%2f..',
    'a%2Fb',
    '%2f',
    '%5c',
    'a%5Cb',
    '%00',
    'a%00',
    '%0a',
    '%0d%0a',
    '%09',
    '%20',
    '+',
  ],
  ...['%', '%z', '%2', '%ed%a0%80', '%c0%af', '%c0%ae', '%ff', '%f0%9f', '%e2%80%ae', '%cc%81', '%c3%a9', 'e%cc%81', '%F0%9F%98%80'],
  ...[
    'a%3Fb',
    'a%23b',
    'a;b',
    'a:b',
    'a@b',
    '%7Ba%7D',
    '*',
    '%252e%252e',
    '%2500',
    '~',
    "'",
    '!',
    '(a)',
    'x'.repeat(65),
    'x'.repeat(3_000),
  ],
  'x'.repeat(2 ** 20),
];

/** What a language, a store, a number or another route may take an id for, and which is one all the same. */
const GOOD = [
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'null',
    'undefined',
    'true',
    'NaN',
    'Infinity',
    '0',
    '00',
    '-0',
  ],
  ...['-1', '007', '1e3', '0x10', '9007199254740993', '-', '_', '--', '---', '__', 'api__', 'api__x', 'events', 'history', 'trail', 'live'],
  ...['admin', 'search', 'index', 'json', 'fork', 'CON', 'nul', 'xn--e1afmkfd', 'A', 'a', 'x'.repeat(64), 'X'.repeat(64)],
];

/** Some of them, and others that a seed makes; twins that differ by the case of a letter among them. */
export const goodIds = (random: Random, n: number): string[] => {
  const letters = 'ABCabc019-_';
  const made = Array.from({ length: 6 }, () => Array.from({ length: random.between(1, 64) }, () => random.pick([...letters])).join(''));
  const twins = made.map((id) => id.toUpperCase());
  const all = [...new Set([...GOOD, ...made, ...twins])];
  return all
    .map((id) => ({ id, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, n)
    .map(({ id }) => id);
};
