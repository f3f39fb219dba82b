import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { isInImage } from './sources.mjs';

const root = join(import.meta.dirname, '../..');
const files = execFileSync('git', ['-C', root, 'ls-files', 'packages', 'services'], { encoding: 'utf8' }).split('\n').filter(Boolean);
const inImage = files.filter(isInImage).filter((path) => existsSync(join(root, path)));

test('an image holds no test, no test helper and no bench', () => {
  expect(files.filter((path) => /\/(test|testing|bench)\/|\.test\.ts$/.test(path)).length).toBeGreaterThan(100);
  expect(inImage.filter((path) => /\/(test|testing|bench)\/|\.test\.ts$/.test(path))).toEqual([]);
});

test('nothing that an image holds imports what it lacks', () => {
  const lacking = inImage
    .filter((path) => /\/src\/.*\.ts$/.test(path))
    .flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)]
        .map(([, target]) => target!)
        .filter((target) =>
          target.startsWith('.') ? !isInImage(normalize(join(dirname(path), target))) : /^@runnel\/.*\/(testing|test|bench)/.test(target),
        )
        .map((target) => `${path} imports ${target}`),
    );
  expect(lacking).toEqual([]);
});
