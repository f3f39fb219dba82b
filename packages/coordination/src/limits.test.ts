import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { loadScripts } from './redis/scripts.ts';

const LUA = join(import.meta.dirname, 'redis/lua');
const MEMORY = join(import.meta.dirname, 'memory');
const read = (folder: string, pattern: string): [string, string][] =>
  globSync(pattern, { cwd: folder })
    .filter((file) => !file.endsWith('.test.ts'))
    .toSorted()
    .map((file) => [file, readFileSync(join(folder, file), 'utf8')]);

/** What is no limit: the border of what a float counts by one, units of time, lengths of words of ours, and entries of a node of Redis's streams. */
const OTHERS: Record<string, readonly string[]> = {
  'include/figure.lua': ['9007199254740991'],
  'include/now.lua': ['1000', '1000'],
  'include/evicted/written.lua': ['15', '10'],
  'part/park-run.lua': ['100'],
  'run/append-chunk.lua': ['1e14'],
};

/** Numbers of two digits and more that stand in the code itself: not in comments, strings, indexes or names. */
const numbersOf = (code: string): string[] =>
  code
    .replaceAll(/^\s*(?:--|\/\/|\*|\/\*).*$/gm, '')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, '')
    .replaceAll(/\[\d+(?: \+ \w+)?\]/g, '')
    .match(/(?<![\w.])\d[\d_]*(?:\.\d+)?(?:e\d+)?\b/g)
    ?.filter((number) => number.length > 1) ?? [];

describe.each(read(LUA, '**/*.lua'))('%s', (file, lua) => {
  test('L-1 has no limit of its own: memory would go by another', () => {
    expect(numbersOf(lua)).toEqual(OTHERS[file] ?? []);
  });
});

describe.each(read(MEMORY, '**/*.ts'))('memory/%s', (file, code) => {
  test('L-1 has no limit of its own: the scripts would go by another', () => {
    // Of a secret: bytes.
    expect(numbersOf(code)).toEqual(file === 'run-log.ts' ? ['32'] : []);
  });
});

test('L-1 the lint sees what it is for', () => {
  expect(numbersOf("redis.call('PEXPIRE', key, 86400000)\n-- 200\nlocal x = ARGV[12] -- y")).toEqual(['86400000']);
  expect(numbersOf('const LIFE_MS = 24 * 60 * 60 * 1_000; // a\n * 300\nf(1, run2)')).toEqual(['24', '60', '60', '1_000']);
});

/** What only the scripts bound: memory dies with its process, holds all of a kind in one map, or has one writer. */
const ONLY_REDIS = new Set([
  ...['logBytes', 'largeChunkBytes', 'trimEvery', 'nodesBytes', 'presentHolders', 'lookRuns', 'lookLeases'],
  ...['parkedMs', 'endedCancelMs', 'unknownLeaseMs', 'relayLeaseMs'],
  // Memory calls the function of the protocol that has them.
  ...['bytesPerToken', 'pictureTokens', 'decodedBytes', 'headBytes', 'partsBytes'],
]);

test('L-1 each limit is gone by on both sides', () => {
  const used = (files: [string, string][], word: string): Set<string> =>
    new Set(files.flatMap(([, code]) => [...code.matchAll(new RegExp(`\\b${word}\\.(\\w+)`, 'g'))].map((match) => match[1]!)));
  const names = Object.keys(LIMITS).toSorted();
  expect([...used(read(LUA, '**/*.lua'), 'limits')].toSorted()).toEqual(names);
  expect([...used(read(MEMORY, '**/*.ts'), 'LIMITS')].toSorted()).toEqual(names.filter((name) => !ONLY_REDIS.has(name)));
});

test('Redis gets numbers', () => {
  for (const { name, lua } of loadScripts()) expect([name, lua.match(/\blimits\.\w.*/)]).toEqual([name, null]);
  expect(loadScripts().find(({ name }) => name === 'end-run')!.lua).toContain("redis.call('PEXPIRE', run, 300000)");
});
