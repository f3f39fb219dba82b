import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../lib/command.ts';
import { brokenLinks } from './links.ts';

const documents = globSync('**/*.md', { cwd: root, exclude: (name) => /(^|\/)(node_modules|dist|\..*)$/.test(name) });

test.each(documents)('%s links to files and headings that are there', (document) => {
  const file = join(root, document);
  expect(brokenLinks(file, readFileSync(file, 'utf8'))).toEqual([]);
});

test('a link to nowhere is found: a file, a heading; not what is code or another site', () => {
  const readme = join(root, 'README.md');
  const text =
    '[a](docs/nowhere.md) [b](docs/glossary.md#nothing) [c](https://example.org) `[d](x)`\n```\n[e](y)\n```\n[f](docs/audit.md#erasing)';
  expect(brokenLinks(readme, text)).toEqual(['docs/nowhere.md', 'docs/glossary.md#nothing']);
});
