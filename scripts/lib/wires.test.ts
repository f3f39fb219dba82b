import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './command.ts';

const page = readFileSync(join(root, 'docs/wires/promises.md'), 'utf8');
const rows = page.split('\n').flatMap((line) => {
  const [, promise, title, file] = /^\| (.+) \| (.+) \| `(.+\.test\.ts)` \|$/.exec(line) ?? [];
  return promise === undefined ? [] : [{ promise, title: title!, file: join(root, 'services', file!) }];
});

test('each promise of docs/wires is held by a test that there is', () => {
  expect(rows.length).toBeGreaterThan(60);
  const missing = rows.filter(({ title, file }) => !existsSync(file) || !readFileSync(file, 'utf8').includes(title));
  expect(missing).toEqual([]);
});
