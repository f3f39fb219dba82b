import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { claimFolder } from './data-folder.ts';

const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'runnel-folder-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

test('a folder is made with those above it, and belongs to one process at a time', () => {
  const dir = join(folder(), 'a', 'b');
  const first = claimFolder(dir);
  expect(() => claimFolder(dir)).toThrow('is in use by another Runnel');
  first.close();
  claimFolder(dir).close();
});

test('what cannot be a folder is refused at once', () => {
  const file = join(folder(), 'file');
  writeFileSync(file, '');
  expect(() => claimFolder(file)).toThrow('is no folder');
  expect(() => claimFolder(join(file, 'below'))).toThrow('is no folder');
});

test.runIf(process.platform === 'linux')('a file system that takes no folders does not hold the start up', () => {
  expect(() => claimFolder('/proc/nowhere/at/all')).toThrow('ENOENT');
});

test('S-21 the folder and what is in it are for their owner alone, also what 0.1.0 left open; a guest stays the same', () => {
  const dir = join(folder(), 'data');
  const first = claimFolder(dir);
  first.close();
  writeFileSync(join(dir, 'runnel.sqlite'), '');
  chmodSync(join(dir, 'runnel.sqlite'), 0o644);
  const again = claimFolder(dir);
  again.close();
  expect(again.guestKey).toBe(first.guestKey);
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  expect(modeOf(dir)).toBe('700');
  for (const file of readdirSync(dir)) expect(modeOf(join(dir, file)), file).toBe('600');
});
