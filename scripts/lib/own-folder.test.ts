import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const scripts = join(import.meta.dirname, '..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runnel folder #1 à '));
  mkdirSync(join(folder, 'scripts'));
  for (const name of readdirSync(scripts)) if (name.endsWith('.mjs')) cpSync(join(scripts, name), join(folder, 'scripts', name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Without sources, and without such a program, each has to fail; one that does not know that it was started ends well and does nothing.
test.each([
  ['build-web.mjs', []],
  ['system.mjs', ['no-such-program']],
])('%s does its work also in a folder whose name a URL writes in another way', (name, args) => {
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'scripts', name), ...args], { encoding: 'utf8' });
  expect(status, stderr).not.toBe(0);
});
