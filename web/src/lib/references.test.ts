import MarkdownIt from 'markdown-it';
import { expect, test } from 'vitest';
import { growBlocks } from './blocks.ts';
import { definitionsOf, withDefinitions } from './references.ts';

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
  expect(definitionsOf('a [b](c) and d')).toBe('');
  expect(withDefinitions('Plain.\n', '[1]: https://example.org')).toBe('Plain.\n');
});
