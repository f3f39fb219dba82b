import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fencedCode, growCode, type GrownCode } from './code-block.ts';
import { piecesOf, type CodePiece } from './highlight.ts';

describe('a fenced block', () => {
  test.each([
    ['```ts\nconst a = 1;\n```\n', false, { language: 'ts', code: 'const a = 1;\n' }],
    ['```ts\nconst a = 1;', true, { language: 'ts', code: 'const a = 1;' }],
    ['```ts\nconst a = 1;\n``', true, { language: 'ts', code: 'const a = 1;\n' }],
    ['```ts\nconst a = 1;\n``\n', true, { language: 'ts', code: 'const a = 1;\n``\n' }],
    ['\n\n  ~~~~ python x\n   if a:\n~~~\n~~~~', false, { language: 'python', code: ' if a:\n~~~\n' }],
    ['```', true, { language: '', code: '' }],
    ['```a`b\nx', true, null],
    ['no fence', true, null],
    ['    ```\n', true, null],
    ['```\na\n```\nb', false, null],
  ])('%j', (source, open, expected) => {
    expect(fencedCode(source, open)).toEqual(expected);
  });
});

/** The same kinds character by character, however the pieces are cut. */
const coloured = (pieces: Iterable<CodePiece>): [string, string | null][] =>
  [...pieces].flatMap(({ text, kind }) => Array.from({ length: text.length }, (_, i): [string, string | null] => [text[i]!, kind]));

const grown = (code: string, language: string, cuts: readonly number[]): CodePiece[] => {
  let state: GrownCode | null = null;
  let stands: CodePiece[] = [];
  for (const cut of [...cuts]
    .sort((a, b) => a - b)
    .map((part) => Math.min(part, code.length))
    .concat(code.length)) {
    state = growCode(state, code.slice(0, cut), language);
    stands = state.anew ? [...state.fresh] : [...stands, ...state.fresh];
  }
  return [...stands, ...state!.tail];
};

test('code that grew in any steps looks as code that came at once', () => {
  const bits = [
    'foo',
    '(',
    ' ',
    '\n',
    '"',
    "'",
    '`',
    '/*',
    '*/',
    '// x',
    '#',
    '\\',
    'return',
    '12',
    '.5',
    '{',
    '<!--',
    '-->',
    '--',
    '=',
    '\t',
  ];
  const code = fc.array(fc.constantFrom(...bits), { maxLength: 60 }).map((list) => list.join(''));
  fc.assert(
    fc.property(
      code,
      fc.constantFrom('ts', 'python', 'sql', 'html', 'none'),
      fc.array(fc.nat(200), { maxLength: 12 }),
      (text, language, cuts) => {
        expect(coloured(grown(text, language, cuts))).toEqual(coloured(piecesOf(text, language)));
      },
    ),
    { numRuns: 500 },
  );
});

test('one more line looks at no more than a few lines, however long the code is', () => {
  const line = 'const value = call(1, "two"); // three\n';
  let state = growCode(null, line.repeat(1_000), 'ts');
  state = growCode(state, line.repeat(1_001), 'ts');
  expect(state.anew).toBe(false);
  expect(state.fresh.length + state.tail.length).toBeLessThan(40);
});
