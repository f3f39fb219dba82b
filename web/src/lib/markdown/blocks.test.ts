import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { describe, expect, test } from 'vitest';
import { growBlocks, type Blocks } from './blocks.ts';

const texts = (markdown: string): string[] => growBlocks(null, markdown).blocks.map((block) => block.text);

const ANSWER = `# Springs

A paragraph of *two* lines,
here is the second.

1. one

2. two

   \`\`\`js
   const a = 1;

   const b = 2;
   \`\`\`

- loose

- list

\`\`\`python
def f():

    return 1
\`\`\`
After the fence.

| a | b |
| - | - |
| 1 | 2 |

> quote

    indented

    code

Last words`;

describe('block splitter', () => {
  test('cuts paragraphs, headings, fences and tables apart', () => {
    expect(texts('# A\ntext\n\nmore\n```\nx\n\ny\n```\nend')).toEqual(['# A\n', 'text\n\n', 'more\n', '```\nx\n\ny\n```\n', 'end']);
  });

  test('keeps a loose list, its paragraphs and its fences together', () => {
    const list = '1. one\n\n2. two\n\n   more\n\n   ```\n   x\n\n   y\n   ```\n\n3. three\n\n';
    expect(texts(`${list}after`)).toEqual([list, 'after']);
  });

  test('waits while a line may still become a list item', () => {
    expect(texts('- a\n\n-')).toHaveLength(1);
    expect(texts('1. a\n\n2')).toHaveLength(1);
    expect(texts('1. a\n\n2 rivers')).toHaveLength(2);
  });

  test('an open fence swallows everything', () => {
    expect(texts('```\n# not a heading\n\ntext\n``')).toHaveLength(1);
  });

  test('finished blocks keep their identity while text grows', () => {
    const before = growBlocks(null, 'one\n\ntwo\n\nthr');
    const after = growBlocks(before, 'one\n\ntwo\n\nthree\n\nfour');
    expect(after.blocks[0]).toBe(before.blocks[0]);
    expect(after.blocks[1]).toBe(before.blocks[1]);
    expect(after.blocks.map((block) => block.text)).toEqual(['one\n\n', 'two\n\n', 'three\n\n', 'four']);
  });

  test('a text that does not continue the last one is cut anew', () => {
    expect(growBlocks(growBlocks(null, 'one\n\ntwo'), 'other').blocks).toEqual([{ start: 0, text: 'other' }]);
  });
});

describe('block splitter, for any answer arriving in any pieces', () => {
  const line = fc.constantFrom(
    ...ANSWER.split('\n'),
    '',
    '```',
    '~~~',
    '- x',
    '  y',
    '    z',
    '# h',
    '***',
    '> q',
    '1) a',
    '- ```',
    'text',
    '\t```',
    '---',
  );
  const markdown = fc.array(line, { maxLength: 24 }).map((lines) => lines.join('\n'));

  test('nothing is lost, and blocks that are finished never change', () => {
    fc.assert(
      fc.property(markdown, fc.integer({ min: 1, max: 7 }), (text, step) => {
        let grown: Blocks | null = null;
        for (let length = step; length < text.length + step; length += step) {
          const now = growBlocks(grown, text.slice(0, length));
          expect(now.blocks.map((block) => block.text).join('')).toBe(text.slice(0, length));
          const finished: readonly unknown[] = grown?.blocks.slice(0, -1) ?? [];
          finished.forEach((block, i) => expect(now.blocks[i]).toBe(block));
          expect(now.blocks).toEqual(growBlocks(null, now.text).blocks);
          grown = now;
        }
      }),
    );
  });

  test('block by block renders what the whole renders', () => {
    const md = new MarkdownIt({ linkify: true });
    const flat = (html: string): string => html.replaceAll(/\n+/g, '\n').trim();
    fc.assert(
      fc.property(fc.oneof(fc.constant(ANSWER), markdown), (text) => {
        expect(
          flat(
            texts(text)
              .map((block) => md.render(block))
              .join('\n'),
          ),
        ).toBe(flat(md.render(text)));
      }),
      { numRuns: 1000 },
    );
  });
});
