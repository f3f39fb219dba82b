import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { watchFile } from './watch-file.ts';

const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'runnel-watch-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};
const watching = (path: string, text?: string) => {
  const told: string[] = [];
  const errors: string[] = [];
  const { look, close } = watchFile({
    path,
    text,
    onText: (found) => told.push(found),
    onError: ({ message }) => errors.push(message),
    everyMs: 1e6,
  });
  onTestFinished(close);
  const looks = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await look();
  };
  return { told, errors, looks };
};

test('a text counts when two reads in a row have found it, once', async () => {
  const path = join(folder(), 'file');
  writeFileSync(path, 'one');
  const { told, looks } = watching(path, 'one');
  await looks(3);
  expect(told).toEqual([]);
  writeFileSync(path, 'half');
  await looks(1);
  writeFileSync(path, 'half and half');
  await looks(1);
  expect(told).toEqual([]);
  await looks(3);
  expect(told).toEqual(['half and half']);
});

test('a rename over it, and the swap of a link above it as Kubernetes does, are seen', async () => {
  const dir = folder();
  for (const [version, text] of [
    ['v1', 'one'],
    ['v2', 'two'],
  ] as const) {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'models.json'), text);
  }
  symlinkSync('v1', join(dir, '..data'));
  symlinkSync('..data/models.json', join(dir, 'models.json'));
  const { told, looks } = watching(join(dir, 'models.json'), 'one');
  symlinkSync('v2', join(dir, '..next'));
  renameSync(join(dir, '..next'), join(dir, '..data'));
  await looks(2);
  expect(told).toEqual(['two']);
  writeFileSync(join(dir, 'other'), 'three');
  renameSync(join(dir, 'other'), join(dir, 'v2', 'models.json'));
  await looks(2);
  expect(told).toEqual(['two', 'three']);
});

test('a file that is away, or far too large, is told once in a row, and its text again when it is back', async () => {
  const path = join(folder(), 'file');
  writeFileSync(path, 'one');
  const { told, errors, looks } = watching(path, 'one');
  unlinkSync(path);
  await looks(3);
  expect(errors).toHaveLength(1);
  writeFileSync(path, 'one');
  await looks(3);
  expect(told).toEqual(['one']);
  writeFileSync(path, 'x'.repeat(1024 * 1024 + 1));
  await looks(2);
  expect([told.length, errors.length]).toEqual([1, 2]);
});
