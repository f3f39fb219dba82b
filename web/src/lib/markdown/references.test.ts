import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { expect, test } from 'vitest';
import { growBlocks } from './blocks.ts';
import { definitionsOf, MAX_DEFINITION_CHARS, MAX_DEFINITIONS, NO_DEFINITIONS, withDefinitions } from './references.ts';

const TEXT =
  'See [the docs][1] and [Redis].\n\nPlain.\n\n```md\n[x]: not a definition\n```\n\n[1]: https://example.org/docs\n[Redis]: https://redis.io "Redis"';

test('a link defined at the end works in every block', () => {
  const md = new MarkdownIt();
  const blocks = growBlocks(null, TEXT).blocks.map((block) => withDefinitions(block.text, definitionsOf(TEXT)));
  const html = blocks.map((block) => md.render(block)).join('');
  expect(html).toContain('<a href="https://example.org/docs">the docs</a>');
  expect(html).toContain('<a href="https://redis.io" title="Redis">Redis</a>');
});

test('nothing changes where there is nothing to define', () => {
  expect(definitionsOf('a [b](c) and d')).toBe(NO_DEFINITIONS);
  expect(withDefinitions('Plain.\n', definitionsOf('[1]: https://example.org'))).toBe('Plain.\n');
  expect(withDefinitions('[2] only\n', definitionsOf('[1]: https://example.org'))).toBe('[2] only\n');
});

const render = (text: string): { html: string; rendered: number } => {
  const md = new MarkdownIt();
  const definitions = definitionsOf(text);
  const blocks = growBlocks(null, text).blocks.map((block) => withDefinitions(block.text, definitions));
  return { html: blocks.map((block) => md.render(block)).join(''), rendered: blocks.reduce((sum, block) => sum + block.length, 0) };
};

test('S-18 what is rendered grows with the answer, not with definitions times blocks', () => {
  const of = (count: number): string =>
    [
      ...Array.from({ length: count }, (_, i) => `block [l${i % 7}]\n\n`),
      ...Array.from({ length: count }, (_, i) => `[l${i}]: https://example.org/${i}\n`),
    ].join('');
  for (const count of [10, 100, 2_000]) expect(render(of(count)).rendered).toBeLessThan(3 * of(count).length);
});

test('S-18 a block that names every definition, and many such blocks, take at most the cap each', () => {
  const labels = Array.from({ length: 2_000 }, (_, i) => `[l${i}]`);
  const definitions = definitionsOf(labels.map((label, i) => `${label}: https://example.org/${i}`).join('\n'));
  expect(definitions.size).toBe(MAX_DEFINITIONS);
  expect(withDefinitions(labels.join(' '), definitions).match(/\]: /g)).toHaveLength(MAX_DEFINITIONS);
});

test('S-18 long addresses do not pass the cap either', () => {
  const labels = Array.from({ length: 200 }, (_, i) => `[l${i}]`);
  const definitions = definitionsOf(labels.map((label) => `${label}: https://example.org/${'x'.repeat(2_000)}`).join('\n'));
  const block = labels.join(' ');
  expect(definitions.size).toBeGreaterThan(0);
  expect(withDefinitions(block, definitions).length).toBeLessThanOrEqual(block.length + MAX_DEFINITION_CHARS + MAX_DEFINITIONS + 3);
});

test('S-18 links are those of the whole text rendered at once, whatever the case and blanks of a label', () => {
  const label = fc.constantFrom('a', 'A', 'b c', 'B  C', 'd', 'ß', 'ẞ', 'e');
  const use = fc.oneof(
    label.map((name) => `see [${name}]`),
    label.map((name) => `see [text][${name}]`),
    label.map((name) => `see [${name}][]`),
    label.map((name) => `an image ![alt][${name}]`),
    fc.constant('plain'),
  );
  const define = fc.tuple(label, fc.nat(99)).map(([name, n]) => `[${name}]: https://example.org/${n}`);
  const links = (html: string): string[] => [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address]) => address!);
  fc.assert(
    fc.property(fc.array(use, { maxLength: 12 }), fc.array(define, { maxLength: 8 }), (uses, defines) => {
      const text = [...uses, defines.join('\n')].join('\n\n');
      expect(links(render(text).html)).toEqual(links(new MarkdownIt().render(text)));
    }),
  );
});
