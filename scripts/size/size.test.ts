import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FACTORS } from './factors.ts';
import { sizeTables } from './report.ts';
import { hottestShare, mostUsers, sizeFor } from './size.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test.each(Object.entries(FACTORS))('%s is what its page says was measured', (_name, { page, line, value }) => {
  expect(read(page)).toContain(line);
  expect(line.replaceAll(',', '')).toContain(String(value));
});

test('docs/size.md has what the command prints', () => {
  const text = read('docs/size.md');
  for (const [name, table] of Object.entries(sizeTables())) {
    const between = text.split(`<!-- ${name} -->\n`)[1]?.trim();
    expect(between?.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---'), name).toBe(table.replaceAll(/ +/g, ' '));
  }
});

test('the busiest master never has less than the mean, and one shard on many masters is on one of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 1024 }), (masters, shards) => {
      expect(hottestShare(masters, shards)).toBeGreaterThanOrEqual(1 - 1e-9);
      expect(hottestShare(masters, shards)).toBeLessThanOrEqual(masters + 1e-9);
    }),
  );
  expect(hottestShare(16, 1)).toBe(16);
  expect(hottestShare(1, 64)).toBe(1);
});

test('more people never need less of anything', () => {
  const people = fc.integer({ min: 1, max: 1_000_000 });
  const shards = fc.constantFrom(64, 256, 1024);
  fc.assert(
    fc.property(people, people, shards, (a, b, spread) => {
      const [few, many] = [Math.min(a, b), Math.max(a, b)].map((users) => sizeFor(users, spread)) as [
        ReturnType<typeof sizeFor>,
        ReturnType<typeof sizeFor>,
      ];
      for (const name of ['gateways', 'aiPods', 'masters', 'redisGb', 'auditPods', 'databaseGbDay', 'dollarsMonth'] as const)
        expect(many[name], name).toBeGreaterThanOrEqual(few[name]);
    }),
    { numRuns: 50 },
  );
});

test('what breaks breaks for everybody above it', () => {
  const { users, breaks } = mostUsers(64);
  expect(breaks).not.toBe('');
  expect(sizeFor(Math.ceil(users * 1.05), 64).breaks).not.toBe('');
  expect(sizeFor(users, 64).breaks).toBe('');
});
